"""One command's stay in the exchange: its time, its number and the events it causes, in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from typing import Final

from shared.units import MS
from shared.venue.core.events import BookChanged, Event, LiquidationMark

_TID_BITS: Final = 50
NO_HASH: Final = "0x" + "0" * 64
"""Of what the exchange does on its own."""


def tid_of(buyer_oid: int, seller_oid: int) -> int:
    """Deterministic 50-bit trade id of two orders."""
    digest = blake2b(b"%d %d" % (buyer_oid, seller_oid), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _TID_BITS)


class Block:
    """Collects events; knows which books were touched; its hash is made only if a trade needs it.

    `reached` are the assets whose marks have reached waiting trigger orders that have not fired yet.
    """

    __slots__ = ("_hash", "events", "liquidation", "now_ms", "now_ns", "number", "reached", "sent", "shaken", "touched")

    def __init__(self, number: int, now_ns: int) -> None:
        self.number = number
        self.now_ns = now_ns
        self.now_ms = now_ns // MS
        self.events: list[Event] = []
        self.touched: dict[int, None] = {}
        self.shaken: dict[str, None] = {}
        """Users whose margin may no longer hold their positions."""
        self.sent: dict[tuple[str, int, int], None] = {}
        """(user, dex, asset or -1) whose liquidation orders have been sent."""
        self.liquidation: LiquidationMark | None = None
        """What fills are part of while they happen."""
        self._hash = ""
        self.reached: list[int] | None = None

    @property
    def hash(self) -> str:
        """0x and 64 hex digits, a function of the block's number alone."""
        if not self._hash:
            self._hash = "0x" + sha256(b"block %d" % self.number).hexdigest()
        return self._hash

    @contextmanager
    def unsigned(self) -> Iterator[None]:
        """Meanwhile prints carry no hash: no transaction asked for them."""
        before, self._hash = self._hash, NO_HASH
        yield
        self._hash = before

    def finished(self) -> tuple[Event, ...]:
        """All events, then one BookChanged for each book that was touched, in order of first touch."""
        for asset in self.touched:
            self.events.append(BookChanged(asset, self.now_ms))
        return tuple(self.events)
