"""What may be done at all: armed or not, and a trading state that tightens at once and loosens only by order."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.ids import Role
from shared.messages.control import Armed, Disarmed, DrainOrdered, HatState, HatStateChanged, KillLevel, KillOrdered
from shared.messages.risk import LOOSE_TO_TIGHT, STATE_FOR, TradingState
from shared.operator_word import Loosening, fault_in
from shared.units import Ns

PATH: Final = frozenset({Role.EXCHANGE_ARCHITECT, Role.EXECUTION_MANAGER, Role.SECURITY_ARCHITECT})
"""Hats without which an approved order can't be sent or followed."""

_WORKING: Final = frozenset({HatState.READY, HatState.ARMED, HatState.DRAINING})


class Switch(msgspec.Struct):
    """The latched trading state, and everything else that must be in order before risk may be added.

    `resume_ns` is when the operator's word to loosen takes effect (0: nobody asked), `signed_ns` the time of the last
    signature that counted. `flatten_ns` is when everything was ordered to be closed (0: it was not).
    """

    trading: TradingState = TradingState.ACTIVE
    why: str = "run started"
    resume_ns: Ns = Ns(0)
    resume_why: str = ""
    signed_ns: Ns = Ns(0)
    flatten_ns: Ns = Ns(0)
    is_armed: bool = False
    is_draining: bool = False
    books_agree: bool = True
    missing: list[Role] = []

    def tighten(self, to: TradingState, why: str) -> bool:
        """True if the trading state changed; it never loosens here. Whoever tightens takes back a pending resume."""
        if LOOSE_TO_TIGHT.index(to) <= LOOSE_TO_TIGHT.index(self.trading):
            return False
        self.trading, self.why, self.resume_ns = to, why, Ns(0)
        return True

    def is_tight(self) -> bool:
        """Is there anything to loosen?"""
        return self.trading is not TradingState.ACTIVE

    def fault_in(self, word: Loosening, public_key: str, run: int, now: Ns) -> str | None:
        """Why the operator's word does not count; None if it does, and its signature is used up."""
        fault = fault_in(word, public_key, run, self.signed_ns, now)
        if fault is None:
            self.signed_ns = max(self.signed_ns, word.ns)
        return fault

    def resume(self, why: str) -> None:
        """The operator's word loosens the trading state."""
        self.trading, self.why, self.flatten_ns = TradingState.ACTIVE, why, Ns(0)

    def kill(self, order: KillOrdered, now: Ns) -> TradingState:
        """What a kill tightens to; a pending resume is taken back."""
        self.resume_ns = Ns(0)
        if order.level is KillLevel.FLATTEN:
            self.flatten_ns = self.flatten_ns or now
        return STATE_FOR[order.level]

    def hear(self, order: Armed | Disarmed | DrainOrdered | HatStateChanged, now: Ns) -> None:
        """Note the orchestrator's word. A drain holds until the desk is armed again."""
        match order:
            case Armed():
                self.is_armed, self.is_draining = True, False
            case Disarmed():
                self.is_armed = False
            case DrainOrdered(flatten=flatten):
                self.is_draining = True
                self.flatten_ns = self.flatten_ns or (now if flatten else Ns(0))
            case HatStateChanged():
                self._note_hat(order.role, order.state)

    def obstacle(self) -> str | None:
        """Why no order may be made although the trading state allows it; None if one may."""
        if not self.is_armed:
            return "the desk is not armed"
        if self.is_draining:
            return "the run is draining"
        if not self.books_agree:
            return "our books differ from the venue's"
        if self.missing:
            return f"{', '.join(self.missing)} can't work now"
        return None

    def _note_hat(self, role: Role, state: HatState) -> None:
        """Remember whether a Hat on the way to the venue can do its work."""
        if role in PATH and state not in _WORKING and role not in self.missing:
            self.missing.append(role)
        elif state in _WORKING and role in self.missing:
            self.missing.remove(role)
