"""What the stage plays of a capture: the desk's own market data, confirmed as it was, cut when it was cut."""

from __future__ import annotations

from orchestrator.recording import Recording
from shared.warehouse.capture.playback import Happened
from shared.warehouse.capture.records import Frame, SocketClosed, SocketOpened

BOOK = b'{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[],[]]}}'
OTHER = b'{"channel":"l2Book","data":{"coin":"DOGE","time":1,"levels":[[],[]]}}'
FILLS = b'{"channel":"userFills","data":{"user":"0x1","fills":[]}}'
PONG = b'{"channel":"pong"}'
ASKED = '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}'
GIVEN_UP = '{"method":"unsubscribe","subscription":{"type":"l2Book","coin":"BTC"}}'
ACK = b'{"channel":"subscriptionResponse","data":' + ASKED.encode() + b"}"


def frame(ns: int, data: bytes, socket: int = 0) -> Frame:
    """A frame that came."""
    return Frame(socket, 1, ns, ns, ns, data)


def noticed(recording: Recording) -> list[Happened]:
    """All that the desk notices."""
    found = []
    while recording.next_ns is not None:
        item = recording.take()
        found += [] if item is None else [item]
    return found


def test_only_what_the_desk_follows_is_played() -> None:
    """Its books, their confirmation and pongs; not another coin's, nor the account of whoever recorded."""
    happened: list[Happened] = [SocketOpened(0, 1, 1), *(frame(9, data) for data in (ACK, OTHER, BOOK, FILLS, PONG))]
    recording = Recording(happened, {"l2Book:BTC": {0}})
    assert noticed(recording) == [happened[0], frame(9, ACK), frame(9, BOOK), frame(9, PONG)]
    assert (recording.counts.frames, recording.counts.not_followed) == (3, 2)


def test_a_subscription_is_confirmed_in_its_own_time() -> None:
    """Before the recorded confirmation there is silence, after it an echo; other topics are not its business."""
    recording = Recording([SocketOpened(0, 1, 1), frame(5, ACK), frame(6, BOOK)], {"l2Book:BTC": {0}})
    recording.take()
    assert recording.answer(ASKED) == []
    recording.take()
    assert recording.answer(ASKED) == [ACK]
    assert recording.answer(GIVEN_UP) == []
    assert recording.answer('{"method":"ping"}') == []
    assert recording.answer('{"method":"subscribe","subscription":{"type":"userFills","user":"0x1"}}') is None


def test_a_cut_of_any_socket_is_a_cut() -> None:
    """The desk is connected while every socket is that carried what is played; after a cut nothing is confirmed."""
    happened: list[Happened] = [
        SocketOpened(0, 1, 1),
        SocketOpened(1, 1, 2),
        frame(3, ACK, 0),
        SocketClosed(0, 1, 4, 1, "reset"),
        SocketOpened(0, 2, 5),
        frame(6, BOOK, 0),
        SocketClosed(0, 2, 7, 1, "the end"),
        SocketClosed(1, 1, 7, 1, "the end"),
    ]
    recording = Recording(happened, {"l2Book:BTC": {0}, "trades:BTC": {1}})
    states = []
    for _ in range(4):
        recording.take()
        states.append(recording.is_open)
    assert states == [False, True, True, False]
    assert recording.answer(ASKED) == []
    assert noticed(recording) == [happened[4], happened[5]]
    assert recording.is_open, "the end of the recording is no cut"
    assert (recording.counts.connected, recording.counts.cuts) == (2, 1)
