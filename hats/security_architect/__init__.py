"""Signs nothing without a matching approval, shows no key to anyone, and keeps the record of it all.

In: OrderApproved, SubmitOrder, CancelOrder, SignedAction, SignatureRefused, ActionAnswered, FillBooked, OrderChanged,
TradingStateChanged, KillOrdered, ResumeOrdered, Started, Woke.
Out: SignRequest, SignatureRefused, AuditRecord (its edge: SignedAction, SignatureRefused), WakeAt, Measured.
"""

from __future__ import annotations

from hats.security_architect.logic import SecurityArchitect
from hats.security_architect.settings import Settings

__all__ = ["SecurityArchitect", "Settings"]
