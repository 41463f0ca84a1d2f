"""Signer, feeder and exchange as three processes: without a fresh price of its own the signer adds nothing."""

from __future__ import annotations

import contextlib
import itertools
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from hats.security_architect.actions import Limit, Order, OrderEntry, OrderType, to_json
from hats.security_architect.signer import frames
from hats.security_architect.signer.oracle import OracleKey
from orchestrator.accounts.referee import listed_at
from shared.approval import Ticket
from shared.approval_file import read_key
from shared.bus.framing import framed
from shared.ids import Cloid
from shared.order import Tif
from shared.private_files import SECRET_BYTES, make_secret, read_private
from shared.units import MS, SECOND, Ns, str_from_scaled
from tests.contract.serving import venue_process
from tests.security.signer_process import WAIT_S, Process, asked, furnish, now_ms, read

AGE_MS: Final = 2_000
NUMBERS: Final = itertools.count(1)


@pytest.fixture(scope="module")
def exchange() -> Iterator[dict[str, Any]]:
    """A local exchange."""
    with venue_process("--seed", "1") as facts:
        yield facts


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key, its password and the keys of approvals and prices."""
    folder = tmp_path_factory.mktemp("signer")
    furnish(folder)
    return folder


@pytest.fixture
def signer(home: Path) -> Iterator[Process]:
    """A signer with a collar of 200 bps, whose prices may be two seconds old."""
    process = Process(
        home, "--oracle-socket", str(home / "s" / "oracle.sock"), "--oracle-key-file", str(home / "oracle.key"),
        "--collar-bps", "200", "--oracle-age-ms", str(AGE_MS), "--nonces", str(home / "oracle.nonces.sqlite"),
    )  # fmt: skip
    process.call().close()
    yield process
    process.end(signal.SIGKILL)


def ordered(process: Process, folder: Path, px: str, *, reduces: bool = False) -> str:
    """Why an approved buy at this price was not signed; empty if it was."""
    number = next(NUMBERS)
    cloid, key = Cloid(f"0x{number:032x}"), read_key(folder / "approvals.key")
    entry = OrderEntry(0, True, px, "0.0001", reduces, OrderType(Limit(Tif.IOC)), cloid)
    bare = Ticket(
        number, Ns(time.time_ns() + 60 * SECOND), cloid, "BTC", 0, True, px, "0.0001", Tif.IOC, reduces, None
    )  # fmt: skip
    ticket = msgspec.structs.replace(bare, mac=key.seal(bare))
    with process.call() as sock:
        read(sock)
        answer = asked(sock, to_json(Order((entry,), "na")), now_ms() + number, now_ms() + 10_000, (ticket,))
    return answer.reason if isinstance(answer, frames.Refused) else ""


def feeding(url: str, folder: Path, key: str = "oracle.key") -> subprocess.Popen[bytes]:
    """The feeder."""
    command = [
        sys.executable, "-m", "orchestrator.oracle_feeder", "--base-url", url, "--assets", "0,1", "--every-ms", "500",
        "--socket", str(folder / "s" / "oracle.sock"), "--key-file", str(folder / key),
        "--log", str(folder / "feeder.log"),
    ]  # fmt: skip
    return subprocess.Popen(command)


def told(process: Process) -> list[dict[str, Any]]:
    """Readings that the signer took."""
    return [event for event in process.events() if event["event"] == "prices"]


def wait_told(process: Process) -> None:
    """Until the next reading came."""
    before, until = len(told(process)), time.monotonic() + WAIT_S
    while len(told(process)) == before:
        assert time.monotonic() < until, "no reading came"
        time.sleep(0.05)


def test_blind_seeing_blind(exchange: dict[str, Any], signer: Process, home: Path) -> None:
    """Blind before the feeder and soon after its death, within the collar while it feeds; what reduces passes."""
    assert "none was told yet" in ordered(signer, home, "1")
    assert ordered(signer, home, "1", reduces=True) == ""
    feeder = feeding(exchange["url"], home)
    try:
        wait_told(signer)
        (btc,) = listed_at(exchange["url"], ["BTC"])
        assert btc.oracle_px is not None
        near, far = (str_from_scaled(btc.oracle_px * percent // 10**10, 0) for percent in (99, 104))
        assert ordered(signer, home, near) == ""
        assert "beyond the oracle's" in ordered(signer, home, far)
        assert ordered(signer, home, far, reduces=True) == ""
    finally:
        feeder.kill()
        feeder.wait()
    time.sleep(AGE_MS / 1_000)
    assert "ms old" in ordered(signer, home, near)
    assert ordered(signer, home, near, reduces=True) == ""
    feeder = feeding(exchange["url"], home)
    try:
        wait_told(signer)
        assert ordered(signer, home, near) == ""
    finally:
        feeder.terminate()
        assert feeder.wait(WAIT_S) == 0


def test_only_the_feeder_is_believed(exchange: dict[str, Any], signer: Process, home: Path) -> None:
    """Readings without the seal end their connection and change nothing."""
    make_secret(home / "other.key")
    before = told(signer)  # the log is that of the test before, too
    now = time.time_ns() // MS
    for forged in (b"\x00", OracleKey(b"\x01" * 32).frame(now, {0: 10**8}), b"\xff" * 100):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(WAIT_S)
            sock.connect(str(home / "s" / "oracle.sock"))
            sock.sendall(framed(forged))
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(1) == b""
    feeder = feeding(exchange["url"], home, "other.key")
    try:
        time.sleep(2)
    finally:
        feeder.kill()
        feeder.wait()
    assert told(signer) == before
    assert "none was told yet" in ordered(signer, home, "1")
    dropped = [event for event in signer.events() if event["event"] == "peer_dropped"]
    assert any("seal" in event["reason"] for event in dropped)
    real = OracleKey(read_private(home / "oracle.key", SECRET_BYTES)).frame(time.time_ns() // MS, {0: 10**8})
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(home / "s" / "oracle.sock"))
        sock.sendall(framed(real))
        wait_told(signer)
    assert ordered(signer, home, "1") == ""
