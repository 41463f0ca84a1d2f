"""The feed on a loopback venue that refuses, cuts, freezes and talks nonsense."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hats.exchange_architect.channels import OF_USER
from hats.exchange_architect.venue_edge import VenueEdge
from shared.clock import WallClock
from shared.errors import InvariantError
from shared.messages import Message
from shared.messages.account import AccountSnapshot
from shared.messages.control import Measured
from shared.messages.market import BadData, BookUpdate, FeedState, FeedStatus, UniverseUpdate
from shared.messages.order import Fill
from shared.warehouse.capture.completeness import Completeness
from shared.warehouse.capture.records import AnyRecord, Direction, Frame, Gap, Reason, SocketClosed, SocketOpened
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.loopback import Collector
from tests.unit.hats.exchange_architect.small_venue import SmallVenue


class Desk:
    """A VenueEdge, what it says and what it recorded."""

    def __init__(self, url: str, **changes: Any) -> None:
        self.heard = Collector()
        self.records: list[AnyRecord] = []
        quick = {
            "base_url": url, "tick_ms": 5, "backoff_first_ms": 5, "backoff_most_ms": 40, "read_pause_ms": 1,
            "measures_ms": 20, "catch_up_retry_ms": 50,
        }  # fmt: skip
        settings = scene.settings(**(quick | changes))
        self.edge = VenueEdge(settings, WallClock(), seed=1, record=self.records.append)

    def of(self, kind: type[Any]) -> list[Any]:
        """The records of one kind so far."""
        return [record for record in list(self.records) if isinstance(record, kind)]

    def states(self) -> list[tuple[FeedState, int]]:
        """The statuses said so far."""
        return [(one.state, one.epoch) for one in self.heard.of(FeedStatus)]

    def until(self, state: FeedState, epoch: int) -> FeedStatus:
        """The status, once it was said."""
        self.heard.wait_until(lambda said: any(_is(one, state, epoch) for one in said))
        found: FeedStatus = next(one for one in self.heard.of(FeedStatus) if _is(one, state, epoch))
        return found


def _is(message: Message, state: FeedState, epoch: int) -> bool:
    return isinstance(message, FeedStatus) and (message.state, message.epoch) == (state, epoch)


def _has_died(said: list[Message]) -> bool:
    return any(isinstance(m, FeedStatus) and "died" in m.reason for m in said)


@pytest.fixture
def venue() -> Iterator[SmallVenue]:
    """A venue that behaves until told otherwise."""
    made = SmallVenue()
    yield made
    made.close()


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    """Desks to be stopped after the test; no thread of theirs is left."""
    made: list[Desk] = []
    yield made
    for desk in made:
        desk.edge.stop()
    assert not [one for one in threading.enumerate() if one.name.startswith(("feed", "gateway"))]


def started(desks: list[Desk], venue: SmallVenue, **changes: Any) -> Desk:
    """A running desk."""
    desk = Desk(venue.url, **changes)
    desks.append(desk)
    desk.edge.start(desk.heard)
    return desk


def test_it_comes_up_with_instruments_books_and_the_account(venue: SmallVenue, desks: list[Desk]) -> None:
    """Universe first, then a book and the account, then UP; raw frames are logged before they are read."""
    desk = started(desks, venue)
    desk.until(FeedState.UP, 1)
    kinds = [type(message) for message, _ in desk.heard.said]
    is_up = [_is(message, FeedState.UP, 1) for message, _ in desk.heard.said].index(True)
    assert kinds.index(UniverseUpdate) < kinds.index(BookUpdate) < is_up
    assert kinds.index(AccountSnapshot) < is_up
    assert any(b'"l2Book"' in frame.data for frame in desk.of(Frame))
    assert {topic["type"] for topic in venue.subscribed} >= {"l2Book", "trades", "userFills", "orderUpdates"}
    desk.heard.wait_until(lambda said: len({one.measure for one in said if isinstance(one, Measured)}) >= 5)


def test_a_cut_is_told_and_healed(venue: SmallVenue, desks: list[Desk]) -> None:
    """After a cut: DOWN, reconnect, resubscribe, account read again, UP; a fill missed in between is told once."""
    desk = started(desks, venue)
    desk.until(FeedState.UP, 1)
    now_ms = WallClock().now() // 1_000_000
    venue.fills = [scene.fill(1, now_ms)]
    venue.cut()
    desk.until(FeedState.DOWN, 1)
    desk.until(FeedState.UP, 2)
    assert [fill.tid for fill in desk.heard.of(Fill)] == [1]
    assert [fill.tid for fill in desk.heard.wait(AccountSnapshot, 2)[-1].fills] == [1]
    venue.cut()
    desk.until(FeedState.UP, 3)
    assert [fill.tid for fill in desk.heard.of(Fill)] == [1]


def test_every_frame_both_ways_and_every_cut_is_recorded(venue: SmallVenue, desks: list[Desk]) -> None:
    """Opened, frames numbered without a hole, closed; one gap from the last frame to the next confirmations; an end."""
    desk = started(desks, venue)
    desk.until(FeedState.UP, 1)
    venue.cut()
    desk.until(FeedState.UP, 2)
    desk.edge.stop()
    frames = [frame for frame in desk.of(Frame) if frame.epoch == 1]
    for socket, topics in ((0, len(OF_USER) + 1), (1, 4)):
        assert [record.epoch for record in desk.of(SocketOpened) if record.socket == socket] == [1, 2]
        assert [record.epoch for record in desk.of(SocketClosed) if record.socket == socket] == [1, 2]
        (gap,) = (gap for gap in desk.of(Gap) if gap.socket == socket)
        heard = [frame for frame in frames if frame.socket == socket and frame.direction is Direction.IN]
        assert (gap.epoch, gap.reason) == (1, Reason.DISCONNECTED)
        assert gap.start_ns == max(frame.recv_ns for frame in heard)
        assert gap.end_ns > next(one.ns for one in desk.of(SocketOpened) if (one.socket, one.epoch) == (socket, 2))
        sent = [frame.data for frame in frames if frame.socket == socket and frame.direction is Direction.OUT]
        assert sum(b'"subscribe"' in frame for frame in sent) == topics
    proof = Completeness()
    proof.extend(desk.records)
    assert proof.is_complete
    assert len(proof.accounts()) == 4


def test_it_comes_back_after_refusals(venue: SmallVenue, desks: list[Desk]) -> None:
    """Three refused handshakes in a row are waited out; the user has a socket of his own."""
    venue.refuses = 3
    desk = started(desks, venue)
    desk.until(FeedState.UP, 1)
    assert venue.connections == 3 + 2
    assert any("can't connect" in one.reason for one in desk.heard.of(FeedStatus))


def test_frozen_data_is_stale_and_then_renewed(venue: SmallVenue, desks: list[Desk]) -> None:
    """The venue answers pings but sends no book: STALE, asked again; then a new connection; UP with the next book.

    The user's socket stays, and is asked whether it is alive.
    """
    desk = started(desks, venue, book_silence_ms=150, ping_ms=20)
    desk.until(FeedState.UP, 1)
    venue.sends_books = False
    desk.until(FeedState.STALE, 1)
    desk.heard.wait_until(
        lambda said: any(isinstance(one, FeedStatus) and "asked again in vain" in one.reason for one in said)
    )
    assert desk.states()[-1] == (FeedState.STALE, 1)
    assert [topic["type"] for topic in venue.subscribed].count("userFills") >= 2
    assert {"type": "l2Book", "coin": "BTC"} in venue.subscribed
    venue.sends_books = True
    venue.send(venue.book())
    desk.heard.wait_until(lambda said: isinstance(_last_status(said), FeedStatus) and _last_state(said) is FeedState.UP)


def _last_status(said: list[Message]) -> FeedStatus | None:
    return next((one for one in reversed(said) if isinstance(one, FeedStatus)), None)


def _last_state(said: list[Message]) -> FeedState | None:
    status = _last_status(said)
    return None if status is None else status.state


def test_garbage_is_set_aside_and_the_feed_goes_on(venue: SmallVenue, desks: list[Desk]) -> None:
    """Nonsense becomes BadData; the connection stays."""
    desk = started(desks, venue)
    desk.until(FeedState.UP, 1)
    for frame in (b"{", b'{"channel":"new"}', scene.book(bid="1e400", time_ms=scene.T0_MS + 9_999)):
        venue.send(frame)
    desk.heard.wait(BadData, 3)
    books = len(desk.heard.of(BookUpdate))
    venue.send(venue.book())
    desk.heard.wait(BookUpdate, books + 1)
    assert desk.states()[-1] == (FeedState.UP, 1)


def test_without_the_account_it_is_not_up(venue: SmallVenue, desks: list[Desk]) -> None:
    """While reads fail the feed is not UP and says why; when they work again it comes up by itself."""
    desk = started(desks, venue)
    desk.until(FeedState.UP, 1)
    venue.breaks_info = True
    venue.cut()
    desk.heard.wait_until(lambda said: any(isinstance(m, BadData) and "account not read" in m.reason for m in said))
    assert (FeedState.UP, 2) not in desk.states()
    venue.breaks_info = False
    desk.until(FeedState.UP, 2)


def test_unlisted_coins_are_told_instead_of_followed(venue: SmallVenue, desks: list[Desk]) -> None:
    """A coin that is not listed, or delisted, keeps the feed DOWN with its name."""
    desk = started(desks, venue, coins=("BTC", "MATIC", "NOPE"))
    desk.heard.wait_until(lambda said: any(isinstance(m, FeedStatus) and "NOPE" in m.reason for m in said))
    assert venue.connections == 0
    assert "MATIC" in desk.heard.of(FeedStatus)[-1].reason


def test_a_venue_that_is_not_there_is_told(desks: list[Desk]) -> None:
    """Nobody listens: DOWN with the reason, and stopping is quick."""
    gone = SmallVenue()
    gone.close()
    desk = started(desks, gone)
    desk.heard.wait_until(lambda said: any(isinstance(m, FeedStatus) and "can't read" in m.reason for m in said))
    assert {state for state, _ in desk.states()} == {FeedState.DOWN}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_feed_that_dies_of_our_own_fault_says_so(venue: SmallVenue) -> None:
    """If its thread ends by a bug, the last word is DOWN: nobody goes on trusting it."""
    desk = Desk(venue.url)

    def broken(_: AnyRecord) -> None:
        raise InvariantError("the raw log is broken")

    desk.edge = VenueEdge(scene.settings(base_url=venue.url), WallClock(), record=broken)
    desk.edge.start(desk.heard)
    desk.heard.wait_until(_has_died)
    assert desk.heard.of(FeedStatus)[-1].state is FeedState.DOWN
    desk.edge.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_no_socket_outlives_its_feed(venue: SmallVenue) -> None:
    """A second bug cuts short the farewell of the first, to a venue that does not answer it: the socket ends."""
    venue.is_deaf = True
    desk = Desk(venue.url)

    def broken(record: AnyRecord) -> None:
        if isinstance(record, Frame):
            raise InvariantError("the raw log is broken")

    desk.edge = VenueEdge(scene.settings(base_url=venue.url, tick_ms=5, ping_ms=300), WallClock(), record=broken)
    desk.edge.start(desk.heard)
    desk.heard.wait_until(_has_died)
    venue.wait_until_left()
    desk.edge.stop()
