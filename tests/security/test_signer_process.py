"""The signer as a process: it starts only sound, signs by policy, and answers the same after being killed."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hats.security_architect import keystore
from hats.security_architect.actions import Limit, Order, OrderEntry, OrderType, to_json
from hats.security_architect.signer import frames
from shared.approval import Ticket
from shared.approval_file import read_key
from shared.bus.framing import framed
from shared.ids import Cloid
from shared.order import Tif
from shared.units import MS, Ns
from tests.security.signer_process import NOOP, PASSWORD, WAIT_S, Process, asked, furnish, now_ms, read


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one quickly encrypted key and its password."""
    folder = tmp_path_factory.mktemp("signer")
    furnish(folder)
    return folder


@pytest.fixture
def signer(home: Path) -> Iterator[Process]:
    """A running signer."""
    process = Process(home)
    yield process
    process.end(signal.SIGKILL)


def test_an_approval_is_spent_for_good(home: Path) -> None:
    """An approved order is signed; killed and started anew, the signer refuses its approval under any other nonce."""
    cloid, nonce, key = Cloid("0x" + "0" * 31 + "7"), now_ms(), read_key(home / "approvals.key")
    until_ns = Ns((nonce + 20_000) * MS)
    ticket = Ticket(7, until_ns, cloid, "BTC", 1, True, "100", "2", Tif.GTC, False, None)
    ticket = msgspec.structs.replace(ticket, mac=key.seal(ticket))
    entry = OrderEntry(1, True, "100", "2", False, OrderType(Limit(Tif.GTC)), cloid)
    action = to_json(Order((entry,), "na"))
    first = Process(home)
    with first.call() as sock:
        read(sock)
        assert isinstance(asked(sock, action, nonce, nonce + 9_000), frames.Refused), "an order without an approval"
        before = asked(sock, action, nonce, nonce + 9_000, (ticket,))
        assert isinstance(before, frames.Signed)
        first.end(signal.SIGKILL)
    second = Process(home)
    try:
        with second.call() as sock:
            read(sock)
            assert asked(sock, action, nonce, nonce + 9_000, (ticket,)) == before
            again = asked(sock, action, nonce + 1, nonce + 9_000, (ticket,))
            assert isinstance(again, frames.Refused)
            assert "spent" in again.reason
    finally:
        second.end(signal.SIGKILL)


def test_same_answer_after_kill_9(home: Path) -> None:
    """Killed and started anew it repeats its signature, refuses the spent nonce for anything else and any step back."""
    first = Process(home)
    with first.call() as sock:
        read(sock)
        nonce = now_ms()
        before = asked(sock, NOOP, nonce)
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = Process(home)
    with second.call() as sock:
        read(sock)
        assert isinstance(before, frames.Signed)
        assert asked(sock, NOOP, nonce) == before
        assert isinstance(asked(sock, b'{"type":"scheduleCancel"}', nonce), frames.Refused)
        assert isinstance(asked(sock, NOOP, nonce - 1), frames.Refused)
        assert isinstance(asked(sock, NOOP, nonce + 1), frames.Signed)
    assert second.end() == 0
    assert not second.socket.exists()


def test_garbage_does_not_end_it(signer: Process) -> None:
    """Oversized frames, garbage and half frames end their connection; the signer serves on and logs them."""
    for sent in (b"\xff" * 8, framed(b"x" * (frames.FRAME_BYTES_MAX + 1)), framed(b"\x00"), b"\x00\x00\x01"):
        with signer.call() as bad:
            read(bad)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                bad.sendall(sent)
    with signer.call() as good:
        read(good)
        assert isinstance(asked(good, NOOP, now_ms()), frames.Signed)
        assert isinstance(asked(good, b'{"type":"withdraw3","amount":"1"}', now_ms() + 5), frames.Refused)
    dropped = [event for event in signer.events() if event["event"] == "peer_dropped"]
    assert len(dropped) >= 3


def test_every_question_is_logged_and_no_secret_is(signer: Process, home: Path) -> None:
    """Signatures and refusals are in the log; the key, its password and the signature's key material are not."""
    with signer.call() as sock:
        read(sock)
        asked(sock, NOOP, now_ms())
        asked(sock, b'{"type":"usdSend"}', now_ms() + 1)
    assert signer.end() == 0
    events = signer.events()
    assert {"ready", "peer_connected", "signed", "refused", "stopped"} <= {event["event"] for event in events}
    secret = keystore.load(keystore.keystore_path(home / "keys", "trader"), PASSWORD, is_weak_allowed=True).secret
    log = signer.log.read_text()
    assert secret.hex() not in log
    assert PASSWORD not in log


def test_it_is_hardened(signer: Process) -> None:
    """No core file, not dumpable, and the password is in neither its arguments nor its environment."""
    signer.call().close()
    pid = signer.child.pid
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    assert PASSWORD.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert signer.socket.stat().st_mode & 0o777 == 0o600
    # an undumpable process's /proc files belong to root
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
    if os.getuid() != 0:
        with pytest.raises(PermissionError):
            Path(f"/proc/{pid}/mem").read_bytes()


def test_one_signer_a_key(signer: Process, home: Path) -> None:
    """A second signer for the same key ends with an error."""
    signer.call().close()
    second = Process(home, "--socket", str(home / "s2" / "signer.sock"))
    assert second.child.wait(WAIT_S) == 1
    assert "another signer" in second.errors()
    second.end()


def test_another_user_is_turned_away(home: Path) -> None:
    """Only the user named at the start may connect."""
    process = Process(home, "--client-uid", str(os.getuid() + 1))
    with process.call() as sock:
        assert read(sock) == b""
    assert process.end() == 0


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--network", "mainnet"], "never for mainnet"),
        (["--assets", "BTC"], "expected assets"),
        (["--max-notional-usd", "much"], "max-notional-usd"),
        (["--password-file", "/nonexistent"], "cannot read"),
        (["--keystore", "/nonexistent.keystore.json"], "cannot read"),
    ],
)
def test_wrong_configuration(home: Path, more: list[str], reason: str) -> None:
    """Anything wrong is said in a line and ends the start with 1."""
    process = Process(home, *more)
    assert process.child.wait(WAIT_S) == 1
    errors = process.errors()
    process.end()
    assert reason in errors
    assert "Traceback" not in errors


def test_a_weak_keystore_needs_the_word(home: Path) -> None:
    """Without the test flag a quickly encrypted key is refused."""
    arguments = [
        sys.executable, "-m", "hats.security_architect.signer", "--network", "testnet", "--assets", "0",
        "--max-notional-usd", "1", "--socket", str(home / "s3" / "x"), "--password-file", str(home / "password"),
        "--keystore", str(keystore.keystore_path(home / "keys", "trader")),
        "--approval-key-file", str(home / "approvals.key"),
    ]  # fmt: skip
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 1
    assert "weaker" in ended.stderr
