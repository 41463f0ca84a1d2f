"""One suite for the three buses: what is sent arrives, whole and in order, and ends are noticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.framing import FRAME_BYTES_MAX, FrameBuffer, framed
from shared.bus.sockets import Connection, Listener, connect, listen
from shared.errors import BusError


@pytest.fixture(params=["inproc", "unix", "tcp"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Connection, Connection]]:
    """Two ends of one connection."""
    address = {"inproc": f"inproc:{tmp_path}", "unix": f"unix:{tmp_path}/bus", "tcp": "tcp:127.0.0.1:0"}[request.param]
    listener: Listener = listen(address)
    left = connect(listener.address)
    right = listener.accept()
    yield left, right
    left.close()
    right.close()
    listener.close()


def test_frames_arrive_whole_and_in_order(pair: tuple[Connection, Connection]) -> None:
    """Frames of every size, also empty and larger than the socket's buffer, come out as they went in."""
    left, right = pair
    sent = [b"", b"x", b"y" * 1_000, b"z" * 9_000_000, b"end"]
    writer = threading.Thread(target=_send_all, args=(left, sent))
    writer.start()
    got = [right.receive(timeout_s=10) for _ in sent]
    writer.join()
    assert got == sent


def test_both_ends_speak(pair: tuple[Connection, Connection]) -> None:
    """A connection carries frames both ways."""
    left, right = pair
    left.send(b"ask")
    assert right.receive(1) == b"ask"
    right.send(b"answer")
    assert left.receive(1) == b"answer"


def test_an_ended_stream_is_noticed(pair: tuple[Connection, Connection]) -> None:
    """The reader of a closed connection gets None, the writer a BusError."""
    left, right = pair
    left.close()
    assert right.receive(1) is None
    with pytest.raises(BusError):
        _flood(right)


def _send_all(connection: Connection, frames: list[bytes]) -> None:
    for frame in frames:
        connection.send(frame)


def _flood(connection: Connection) -> None:
    for _ in range(100):
        connection.send(b"x" * 100_000)


def test_silence_times_out_and_the_connection_lives_on(pair: tuple[Connection, Connection]) -> None:
    """A receive deadline does not harm the connection."""
    left, right = pair
    with pytest.raises(TimeoutError):
        right.receive(0.01)
    left.send(b"late")
    assert right.receive(1) == b"late"


def test_ready_frames_are_read_without_waiting(pair: tuple[Connection, Connection]) -> None:
    """With nothing there, an empty list; otherwise everything that came."""
    left, right = pair
    assert right.receive_ready() == []
    left.send(b"a")
    left.send(b"b")
    got: list[bytes] = []
    while len(got) < 2:
        got += right.receive_ready()
    assert got == [b"a", b"b"]


def test_a_second_listener_is_refused(tmp_path: Path) -> None:
    """Two hubs can't share an address; a dead one's socket file is replaced."""
    address = f"unix:{tmp_path}/bus"
    first = listen(address)
    with pytest.raises(BusError, match="already"):
        listen(address)
    first.close()
    (tmp_path / "bus").write_bytes(b"")
    listen(address).close()


@pytest.mark.parametrize("address", ["unix:/nowhere/at/all", "tcp:127.0.0.1:1", "inproc:nobody", "smoke:signals"])
def test_nobody_there_is_an_error(address: str) -> None:
    """Connecting to nothing raises at once and names the address."""
    with pytest.raises(BusError, match=address.partition(":")[0]):
        connect(address, timeout_s=1)


def test_the_unix_socket_is_private(tmp_path: Path) -> None:
    """Only its owner may connect."""
    listener = listen(f"unix:{tmp_path}/bus")
    assert (tmp_path / "bus").stat().st_mode & 0o777 == 0o600
    listener.close()


@given(st.lists(st.binary(max_size=200), max_size=20), st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_any_cutting_of_the_stream_gives_the_same_frames(sent: list[bytes], cuts: list[int]) -> None:
    """However the bytes are cut on the way, frames come out as sent and nothing is left over."""
    stream = b"".join(framed(frame) for frame in sent)
    buffer, got, at, i = FrameBuffer(), list[bytes](), 0, 0
    while at < len(stream):
        step = cuts[i % len(cuts)]
        got += buffer.feed(stream[at : at + step])
        at, i = at + step, i + 1
    assert got == sent
    assert buffer.pending_bytes == 0


def test_an_impossible_length_is_refused() -> None:
    """A peer that announces more than the limit is not believed."""
    with pytest.raises(BusError, match="at most"):
        FrameBuffer().feed((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))
