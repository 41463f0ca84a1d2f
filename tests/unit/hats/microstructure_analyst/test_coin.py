"""What is remembered of one coin."""

from __future__ import annotations

from hats.microstructure_analyst.coin import KEPT_BOOKS, CoinState
from shared.book import Level
from shared.messages.market import BookUpdate
from shared.units import Ns, Px, Sz


def book(ns: int, bid_px: int = 9_999, bid_sz: int = 10) -> BookUpdate:
    """A one-level book."""
    asks = (Level(Px(10_001), Sz(10), 1),)
    return BookUpdate("BTC", Ns(ns), Ns(ns), (Level(Px(bid_px), Sz(bid_sz), 1),), asks)


def test_weighted_mid_until_fitted() -> None:
    """Without a fit the microprice is the weighted mid."""
    coin = CoinState()
    assert coin.take_book(book(1, bid_sz=30), 3, 100, 100) == (9_999 * 10 + 10_001 * 30) / 40


def test_a_gap_is_not_a_transition() -> None:
    """Books further apart than allowed add neither flow nor a transition."""
    coin = CoinState()
    coin.take_book(book(1), 3, 100, 100)
    coin.take_book(book(102), 3, 100, 100)
    assert coin.fit.seen == 0
    coin.take_book(book(150, bid_sz=12), 3, 100, 100)
    assert coin.fit.seen == 1
    assert coin.flow.event_sum == 2


def test_past_books_are_found_by_time_and_bounded() -> None:
    """A fill is compared with the newest book strictly before it; only the last few are kept."""
    coin = CoinState()
    for ns in range(1, KEPT_BOOKS + 11):
        coin.take_book(book(ns), 3, 100, 100)
    kept = coin.book_before(Ns(20))
    assert kept is not None
    assert kept.exch_ns == 19
    assert coin.book_before(Ns(11)) is None
    assert len(coin.books) == KEPT_BOOKS
