"""What a log is played as: in receive-time order, every connection whole, whatever writers and disks did."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.warehouse.capture.playback import (
    REORDER_NS,
    UNREADABLE,
    Heard,
    Label,
    Request,
    Survey,
    as_it_happened,
    confirmed,
    is_public,
    label_of,
    request_of,
)
from shared.warehouse.capture.records import (
    AnyRecord,
    Connection,
    Direction,
    Frame,
    Gap,
    Reason,
    SegmentStarted,
    SocketClosed,
    SocketOpened,
    WriterDied,
)
from shared.warehouse.capture.scan import Damage

BOOK = b'{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[],[]]}}'
S = 1_000_000_000


def frame(ns: int, data: bytes = BOOK, socket: int = 0, epoch: int = 1, seq: int = 1) -> Frame:
    """A frame that came."""
    return Frame(socket, epoch, seq, ns, ns, data)


def test_labels_name_channel_and_coin() -> None:
    """Books, contexts and trades have a coin, account channels have none, and what is no frame is unreadable."""
    assert label_of(BOOK).key == "l2Book:BTC"
    assert label_of(b'{"channel":"trades","data":[{"coin":"ETH","px":"1"},{"coin":"ETH"}]}').key == "trades:ETH"
    assert label_of(b'{"channel":"trades","data":[]}').key == "trades"
    assert label_of(b'{"data":{"ctx":{},"coin":"SOL"},"channel":"activeAssetCtx"}') == Label("activeAssetCtx", "SOL")
    assert label_of(b'{"channel":"userFills","data":{"user":"0x1"}}').key == "userFills"
    for hostile in (b"", b"Websocket connection established.", b"[1]", b'{"channel":"l2Book","data":7}', b"\xff" * 9):
        assert label_of(hostile) == UNREADABLE
    assert [is_public(key) for key in ("l2Book:BTC", "trades:BTC", "trades", "userFills", "pong")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_requests_and_their_confirmations_have_one_key() -> None:
    """What was asked and what confirms it name the same subscription; anything else is no request."""
    asked = '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","fast":true}}'
    ack = b'{"channel":"subscriptionResponse","data":' + asked.encode() + b"}"
    assert request_of(asked) == confirmed(ack) == Request("subscribe", "l2Book:BTC")
    assert request_of('{"method":"ping"}') == Request("ping")
    assert request_of("nonsense") == confirmed(b"nonsense") == confirmed(BOOK) == Request("")


def test_the_survey_counts_what_is_there_and_what_is_missing() -> None:
    """Frames by key and socket, the first and last time, cuts, gaps with their frames, and damage."""
    survey = Survey()
    items: list[AnyRecord | Damage] = [
        SegmentStarted(5, 1),
        SocketOpened(0, 1, 10),
        frame(12),
        frame(14, socket=1),
        Frame(0, 1, 2, 15, 15, b'{"method":"ping"}', Direction.OUT),
        Gap(0, 1, Reason.OVERFLOW, 16, 17, 3, 6),
        Gap(0, 1, Reason.DISCONNECTED, 17, 18),
        SocketClosed(0, 1, 18, 6),
        WriterDied(30, 1, "x", gaps=(Gap(1, 1, Reason.WRITER_DIED, 14, 30, 2),)),
        Damage(0, 9, "flipped"),
    ]
    for item in items:
        survey.take(item)
    assert survey == Survey(10, 18, 2, {"l2Book:BTC": Heard(2, {0, 1})}, 1, 2, 3, 4, 1)
    assert survey.books() == ("BTC",)


def test_a_writer_that_died_ends_its_connections_with_their_last_frames() -> None:
    """The next session begins after the end of all that was open; what it finds open by its own word is opened."""
    items: list[AnyRecord | Damage] = [
        SegmentStarted(1, 1),
        SocketOpened(0, 1, 10),
        frame(12),
        SegmentStarted(50, 2, connections=(Connection(3, 7),)),
        frame(60, socket=3, epoch=7),
    ]
    assert list(as_it_happened(items)) == [
        SocketOpened(0, 1, 10),
        frame(12),
        SocketClosed(0, 1, 12, -1, "whoever wrote the log ended"),
        SocketOpened(3, 7, 50),
        frame(60, socket=3, epoch=7),
    ]


def test_a_lost_opening_and_a_lost_end_are_made_up_for() -> None:
    """A frame of an unknown connection opens it, and ends the one that its socket had before; our own are left out."""
    items: list[AnyRecord | Damage] = [
        frame(10, epoch=1),
        Damage(0, 1, "torn"),
        frame(20, epoch=2),
        Frame(0, 2, 2, 21, 21, b"{}", Direction.OUT),
        SocketClosed(5, 9, 30, 0),
    ]
    assert list(as_it_happened(items)) == [
        SocketOpened(0, 1, 10),
        frame(10, epoch=1),
        SocketClosed(0, 1, 10, -1, "its end is not in the log"),
        SocketOpened(0, 2, 20),
        frame(20, epoch=2),
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, REORDER_NS - 1)), max_size=60))
def test_receive_time_is_the_order(steps: list[tuple[int, int]]) -> None:
    """However far records stand behind each other within the window, they come by time, ties as written, none lost."""
    items: list[AnyRecord | Damage] = []
    for index, (socket, jitter) in enumerate(steps):
        items.append(frame(10 * S + index * 7 - jitter, socket=socket, seq=index))
    played = [item for item in as_it_happened(items) if isinstance(item, Frame)]
    expected = sorted((item for item in items if isinstance(item, Frame)), key=lambda item: item.recv_ns)
    assert played == expected
