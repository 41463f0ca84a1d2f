"""Which books may be decided on, and which are set aside for what."""

from __future__ import annotations

from hats.exchange_architect.books import Books
from hats.exchange_architect.venue_clock import VenueClock
from shared.book import Level
from shared.messages.market import AssetContext, BadKind, BookUpdate
from shared.units import MS, SECOND, Ns, Px, Sz
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import T0

DELAY = 20 * MS


def book(after_ms: int, mid: int = 1_000_000, delay: int = DELAY, exch_ms: int | None = None) -> BookUpdate:
    """A book received so long after T0, sent `delay` before or at `exch_ms`."""
    recv = Ns(T0 + after_ms * MS)
    exch = Ns(recv - delay) if exch_ms is None else Ns(T0 + exch_ms * MS)
    return BookUpdate("BTC", exch, recv, (Level(Px(mid - 1), Sz(1), 1),), (Level(Px(mid + 1), Sz(1), 1),))


def warm(**changes: int) -> Books:
    """After twenty sound books in two seconds."""
    books = Books(scene.settings(**({"book_silence_ms": 3_000, "book_late_ms": 5_000} | changes)), VenueClock())
    assert all(books.take(book(step * 100)) is None for step in range(20))
    return books


def kind(books: Books, one: BookUpdate) -> BadKind | None:
    """Why it is set aside."""
    objection = books.take(one)
    return None if objection is None else objection.kind


def test_sound_books_make_a_coin_fresh_until_the_deadline() -> None:
    """No book, a fresh one, an old one, and none since the connection was made anew."""
    books = Books(scene.settings(book_silence_ms=3_000), VenueClock())
    assert books.doubt("BTC", T0) == "no book of BTC yet"
    assert books.take(book(0)) is None
    assert books.doubt("BTC", Ns(T0 + 3 * SECOND)) is None
    assert books.doubt("BTC", Ns(T0 + 3 * SECOND + MS)) == "no sound book of BTC for 3001 ms"
    books.restart(frozenset({"BTC"}))
    assert books.doubt("BTC", T0) == "no book of BTC yet"


def test_time_goes_forward_only() -> None:
    """Older than the one before is set aside; the same instant is news."""
    books = warm()
    newest = 1_900 - DELAY // MS
    assert kind(books, book(2_000, exch_ms=newest)) is None
    assert kind(books, book(2_001, exch_ms=newest - 1)) is BadKind.REVERSED


def test_a_book_from_another_hour_is_neither_believed_nor_followed() -> None:
    """An hour late is stale, an hour early is of the future; the next sound book is taken as if they had not been."""
    books = warm()
    assert kind(books, book(2_000, delay=3_600_000 * MS)) is BadKind.STALE
    assert kind(books, book(2_100, delay=-3_600_000 * MS)) is BadKind.FUTURE
    assert kind(books, book(2_200)) is None


def test_a_first_book_of_the_future_does_not_bind_the_rest() -> None:
    """Before anybody knows what is usual it is taken; once that is known, the true books are."""
    books = Books(scene.settings(book_late_ms=5_000), VenueClock())
    assert kind(books, book(0, delay=-3_600_000 * MS)) is None
    kinds = [kind(books, book(step * 100)) for step in range(1, 20)]
    assert set(kinds) == {BadKind.REVERSED, None}
    assert kinds[-1] is None


def test_a_venue_whose_clock_jumped_is_followed_again() -> None:
    """The usual delay is a median: after enough books the new time is the time."""
    books = warm()
    kinds = [kind(books, book(2_000 + step * 100, delay=-7_200_000 * MS)) for step in range(60)]
    assert kinds[0] is BadKind.FUTURE
    assert kinds[-1] is None


def test_frames_whose_time_stands_still_are_no_news() -> None:
    """A halted chain goes on answering: beyond the deadline its books are frozen, and do not count as fresh."""
    books = warm()
    still = 1_950
    kinds = [kind(books, book(2_000 + step * 500, exch_ms=still)) for step in range(10)]
    assert kinds == [None] * 7 + [BadKind.FROZEN] * 3
    assert books.doubt("BTC", Ns(T0 + 6 * SECOND)) is not None


def test_a_mid_far_from_the_last_one_and_the_mark_is_absurd() -> None:
    """A true jump is confirmed by the mark."""
    books = warm()
    assert kind(books, book(2_000, mid=1_499_000)) is None
    assert kind(books, book(2_100, mid=10_000_000)) is BadKind.ABSURD
    assert kind(books, book(2_200, mid=100_000)) is BadKind.ABSURD
    books.hear_context(AssetContext("BTC", Px(9_900_000), Px(9_900_000), 1, 0, T0))
    assert kind(books, book(2_300, mid=10_000_000)) is None


def test_the_clock_offset_rests_on_the_fastest() -> None:
    """Half of the fastest ping is the way; the fastest book less that way is the difference of the clocks."""
    clock = VenueClock()
    assert clock.offset() is None
    for delay_ms in (70, 55, 90):
        clock.delayed(delay_ms * MS)
    clock.answered(30 * MS)
    clock.answered(10 * MS)
    offset = clock.offset()
    assert offset is not None
    assert (offset.offset_ns, offset.round_trip_ns) == (-50 * MS, 10 * MS)
