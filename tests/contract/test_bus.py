"""One suite for the buses, TCP under TLS too: what is sent arrives, whole and in order, and ends are noticed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.machine import certificates
from shared.bus.framing import FRAME_BYTES_MAX, FrameBuffer, framed
from shared.bus.sockets import Connection, Listener, connect, listen
from shared.bus.tls import TlsFiles
from shared.errors import BusError, ConfigError


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """This host's certificate."""
    return certificates.make(tmp_path_factory.mktemp("tls"), ["127.0.0.1"])[0]


@pytest.fixture(params=["inproc", "unix", "tcp", "tls"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, tls: TlsFiles) -> Iterator[tuple[Connection, Connection]]:
    """Two ends of one connection."""
    address = {"inproc": f"inproc:{tmp_path}", "unix": f"unix:{tmp_path}/bus"}.get(request.param, "tcp:127.0.0.1:0")
    files = tls if request.param == "tls" else None
    listener: Listener = listen(address, files)
    if files is None:
        left = connect(listener.address)
        right = listener.accept()
    else:
        left, right = _shaken(listener, files)
    yield left, right
    left.close()
    right.close()
    listener.close()


def _shaken(listener: Listener, files: TlsFiles) -> tuple[Connection, Connection]:
    """Both ends after the handshake, for which the listener's has to be read."""
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(connect, listener.address, 10.0, files)
        right = listener.accept()
        while not calling.done():
            assert right.receive_ready() == []
        return calling.result(), right


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


def test_both_ends_speak_at_once(pair: tuple[Connection, Connection]) -> None:
    """Each end sends from one thread while another reads; nothing is lost, doubled or mixed up."""
    sent = [bytes([number % 256]) * (number * 131 % 70_000) for number in range(150)]
    heard: dict[int, list[bytes | None]] = {}

    def read(side: int) -> None:
        heard[side] = [pair[side].receive(20) for _ in sent]

    threads = [threading.Thread(target=read, args=(side,)) for side in (0, 1)]
    threads += [threading.Thread(target=_send_all, args=(end, sent)) for end in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {0: sent, 1: sent}


def test_a_waiting_reader_sees_the_close_of_its_own_end(pair: tuple[Connection, Connection]) -> None:
    """Whoever closes a connection frees the thread that reads from it."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(pair[1].receive, 20)
        with pytest.raises(FutureTimeout):
            waiting.result(0.2)
        pair[1].close()
        assert waiting.result(5) is None


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


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "desk.example", "::"])
def test_beyond_loopback_there_is_no_bus_without_tls(host: str) -> None:
    """Neither end of it, whatever the configuration says."""
    with pytest.raises(ConfigError, match="TLS"):
        listen(f"tcp:{host}:0")
    with pytest.raises(ConfigError, match="TLS"):
        connect(f"tcp:{host}:9465")


def _meets(listener: Listener, files: TlsFiles) -> tuple[str, Connection]:
    """Why the caller was turned away (empty: it heard nothing of it), and the listener's end."""
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(_call, listener.address, files)
        right = listener.accept()
        while not calling.done():
            assert right.receive_ready() == []
        return calling.result(), right


def _call(address: str, files: TlsFiles) -> str:
    try:
        connection = connect(address, 5.0, files)
        connection.send(b"hello")
        assert connection.receive(5) is None, "TLS 1.3 lets a caller speak before it hears that it was refused"
        connection.close()
    except BusError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("stranger", ["caller", "listener"])
def test_strangers_are_turned_away(tls: TlsFiles, tmp_path: Path, stranger: str) -> None:
    """A certificate of another authority opens nothing, on either side."""
    (other,) = certificates.make(tmp_path, ["127.0.0.1"])
    listener = listen("tcp:127.0.0.1:0", other if stranger == "listener" else tls)
    said, right = _meets(listener, other if stranger == "caller" else tls)
    assert "CERTIFICATE_VERIFY_FAILED" in said or stranger == "caller"
    assert right.receive_ready() == []
    assert not right.is_open
    right.close()
    listener.close()


def test_a_certificate_is_for_one_host(tmp_path: Path) -> None:
    """A host of the desk can't play another: the name that was called has to be in its certificate."""
    (files,) = certificates.make(tmp_path, ["10.0.0.5"])
    listener = listen("tcp:127.0.0.2:0", files)  # loopback, but none of the names that every certificate has
    said, right = _meets(listener, files)
    assert "CERTIFICATE_VERIFY_FAILED" in said
    right.close()
    listener.close()


def test_a_silent_or_plain_caller_holds_nobody_up(tls: TlsFiles) -> None:
    """A caller that never shakes hands, and one that speaks no TLS, are accepted at once and never heard."""
    listener = listen("tcp:127.0.0.1:0", tls)
    host, _, port = listener.address.removeprefix("tcp:").rpartition(":")
    with socket.create_connection((host, int(port))) as silent, socket.create_connection((host, int(port))) as plain:
        plain.sendall(framed(b"let me in"))
        ends = [listener.accept(), listener.accept()]
        while ends[1].is_open:
            assert ends[1].receive_ready() == []
        assert ends[0].receive_ready() == []
        assert ends[0].is_open
        left, right = _shaken(listener, tls)
        left.send(b"and yet")
        assert right.receive(5) == b"and yet"
        for end in (*ends, left, right):
            end.close()
        assert silent.recv(1) == b""
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
