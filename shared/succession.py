"""What the successor of a process that died can't be sure of: that one may have done it, and could not say so.

A batch is written down as a whole or not at all, so a dead process may have handled one unknown to all. It comes first
again, and a wake-up that is asked for at the start comes after everything that the dead process was told.
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.mailbox import BATCH_LETTERS_MAX
from shared.messages.control import WakeAt
from shared.units import Ns

REPEAT_TIMER: Final = "repeat"


class Succession(msgspec.Struct):
    """Part of a Hat's state, for one kind of letters: so many of the next (`left`) may have been handled before."""

    left: int = 0
    began_ns: Ns = Ns(0)

    def begin(self, now: Ns) -> WakeAt:
        """A process died, and this one begins: the wake-up to ask for."""
        self.left, self.began_ns = BATCH_LETTERS_MAX, now
        return WakeAt(now, REPEAT_TIMER)

    def take(self) -> bool:
        """May the letter that is handled now have been handled before?"""
        is_doubtful = self.left > 0
        self.left -= is_doubtful
        return is_doubtful

    def woke(self, asked_ns: Ns) -> None:
        """The wake-up came; it may be that of a start before this one."""
        if asked_ns >= self.began_ns:
            self.left = 0
