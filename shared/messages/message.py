"""What every message is: frozen, tagged, in one lane, and (market data only) conflatable."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import msgspec


class Lane(IntEnum):
    """Where a message waits; lower goes first."""

    KILL = 0
    ORDER = 1
    SIGNAL = 2
    MARKET = 3


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A fact or a wish, said once. Subclasses name their lane.

    `durable` messages are on disk before anyone acts on what follows from them.
    """

    lane: ClassVar[Lane] = Lane.SIGNAL
    durable: ClassVar[bool] = False

    def conflation_key(self) -> str | None:
        """Messages of one type with the same key may be replaced by the newest; None: never replaced."""
        return None
