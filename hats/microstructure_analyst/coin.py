"""What the analyst remembers of one coin, and how one sound book changes it."""

from __future__ import annotations

import msgspec

from hats.microstructure_analyst.depth import mid_px
from hats.microstructure_analyst.flow import Flow, flow_event
from hats.microstructure_analyst.microprice import MicropriceFit, folded_state, weighted_mid
from shared.book import Level
from shared.messages.market import BookUpdate
from shared.units import BPS, Ns, tick_at

KEPT_BOOKS = 32
KEPT_LEVELS = 5


class KeptBook(msgspec.Struct, frozen=True, array_like=True):
    """The top of a past book, kept until fills against it are known; `mid` in price units."""

    exch_ns: Ns
    mid: float
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """A microprice waiting for the mid it foretold; both in price units."""

    made_ns: Ns
    mid: float
    microprice: float


class CoinState(msgspec.Struct):
    """One coin: its newest book's marks, its flow window, its fit, and claims not yet judged.

    `last_best` is None where the next book does not continue the one before (start, feed gap).
    """

    exch_ns: Ns = Ns(0)
    recv_ns: Ns = Ns(0)
    mid: float = 0.0
    last_best: tuple[Level, Level] | None = None
    last_state: tuple[int, int] = (0, 1)
    flow: Flow = msgspec.field(default_factory=Flow)
    fit: MicropriceFit = msgspec.field(default_factory=MicropriceFit)
    claims: list[Claim] = []
    error_scale: float = 0.0
    books: list[KeptBook] = []
    taking_oid: int = 0
    taken_sz: int = 0
    traded_sz: int = 0

    def take_book(self, book: BookUpdate, sz_decimals: int, flow_window_ns: int, transition_max_ns: int) -> float:
        """The microprice of this book in price units, after flow and transition counts took it in."""
        bid, ask = book.bids[0], book.asks[0]
        mid = mid_px(book.bids, book.asks)
        state = folded_state(bid.sz, ask.sz, (ask.px - bid.px) // tick_at(ask.px, sz_decimals))
        if self.last_best is not None and book.recv_ns - self.recv_ns <= transition_max_ns:
            event = flow_event(*self.last_best, bid, ask)
            self.flow.add(book.recv_ns, event, bid.sz + ask.sz, flow_window_ns)
            self.fit.observe(self.last_state, state, (mid / self.mid - 1.0) * BPS)
        self.exch_ns, self.recv_ns, self.mid = book.exch_ns, book.recv_ns, mid
        self.last_best, self.last_state = (bid, ask), state
        self._keep(book, mid)
        if self.fit.moves_bps:
            return mid * (1.0 + self.fit.move_bps(state) / BPS)
        return weighted_mid(bid.px, bid.sz, ask.px, ask.sz)

    def book_before(self, exch_ns: Ns) -> KeptBook | None:
        """The newest kept book that is older than `exch_ns`: what a fill of that time was taken from."""
        return next((book for book in reversed(self.books) if book.exch_ns < exch_ns), None)

    def _keep(self, book: BookUpdate, mid: float) -> None:
        self.books.append(KeptBook(book.exch_ns, mid, book.bids[:KEPT_LEVELS], book.asks[:KEPT_LEVELS]))
        if len(self.books) > KEPT_BOOKS:
            del self.books[0]
