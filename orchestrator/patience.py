"""What may wait a moment at the hub, and what must."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.bus import frames
from shared.codec import decode
from shared.mailbox import Letter, Mailbox
from shared.messages.control import Accessed
from shared.messages.order import ActionAnswered, FillBooked, OrderChanged, SignatureRefused, SignedAction
from shared.messages.risk import OrderApproved
from shared.units import MS, Ns

NOTED: Final = frozenset({OrderApproved, OrderChanged, FillBooked, SignedAction, ActionAnswered, Accessed})
"""What the Security Architect only notes down. It waits a moment for the order to sign, which then finds it idle."""
NOTED_WAIT_NS: Final = MS
ENDS: Final = (ActionAnswered, SignatureRefused)
"""What says how an action ended."""


def can_wait(mailbox: Mailbox, now: Ns) -> bool:
    """Does all that waits for the Security Architect only have to be noted, and is it fresh?"""
    letters = mailbox.letters()
    return now - letters[0].ts < NOTED_WAIT_NS and all(type(letter.message) in NOTED for letter in letters)


def must_wait(said: frames.FromHat, out: Iterable[Letter]) -> bool:
    """Does an edge say how an action ended that a batch began which is not written down yet (its letters: `out`)?

    If the Hat dies now its successor is told to begin that action again: an end that was taken before would be wrong.
    """
    if not isinstance(said, frames.Publication) or all(letter.seq != said.cause for letter in out):
        return False
    return isinstance(decode(said.body), ENDS)
