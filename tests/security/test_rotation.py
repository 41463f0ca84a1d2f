"""A signer process changes its agent while it is asked: no pause, nothing forgotten, not even by kill -9."""

from __future__ import annotations

import functools
import signal
import threading
import time
from pathlib import Path
from typing import Any, Final

import pytest

from hats.security_architect import Settings, keystore
from hats.security_architect.line import SignerLine
from hats.security_architect.signer import frames
from hats.security_architect.signer.admin_words import Agents, Describe, Retire, TakeOver
from orchestrator.accounts.key_rotation import tell_signer
from shared.errors import NotAllowedError, NotRunning
from shared.units import Ns
from tests.security.signer_process import NOOP, PASSWORD, Process, asked, furnish, now_ms, read

CANCEL: Final = b'{"type":"cancel","cancels":[{"a":0,"o":7}]}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with two keys."""
    furnish(tmp_path)
    keystore.new_agent(tmp_path / "keys", "next", PASSWORD, "testnet", Ns(0), scrypt_n=1_024, is_weak_allowed=True)
    return tmp_path


def start(home: Path) -> Process:
    """The signer, open to the operator; it listens."""
    process = Process(home, "--admin-socket", str(home / "s" / "admin"), "--keyring", str(home / "keyring.json"))
    process.call().close()
    return process


def told(home: Path, word: Any) -> Agents:
    """What the operator hears."""
    return tell_signer(home / "s" / "admin", word)


def question(nonce: int, number: int) -> frames.Ask:
    """A noop to be signed."""
    return frames.Ask(number, NOOP, nonce, 0)


def takes_over(home: Path) -> TakeOver:
    """The word for the other key."""
    return TakeOver(str(keystore.keystore_path(home / "keys", "next")), str(home / "password"))


def test_over_kill_9_to_the_end(home: Path) -> None:
    """Taken over, killed, begun anew, retired, begun anew: the same agents, nonces and checkpoint key each time."""
    first = start(home)
    (old,) = told(home, Describe()).held
    with first.call() as sock:
        read(sock)
        nonce, until_ms = now_ms(), now_ms() + 3_000
        before = asked(sock, CANCEL, nonce, until_ms)
        held = told(home, takes_over(home)).held
        assert held[0].address == old.address
        assert read(sock) == b""  # hung up on, so that whoever asks learns who signs now
    with first.call() as sock:
        assert frames.decode_greeting(read(sock)).address == held[1].address
        assert asked(sock, CANCEL, nonce, until_ms) == before
        after = asked(sock, NOOP, now_ms() + 1)
        assert isinstance(after, frames.Signed)
    first.end(signal.SIGKILL)
    second = start(home)
    assert [agent.address for agent in told(home, Describe()).held] == [agent.address for agent in held]
    with second.call() as sock:
        assert frames.decode_greeting(read(sock)).address == held[1].address
        assert asked(sock, CANCEL, nonce, until_ms) == before
        low = asked(sock, NOOP, nonce - 1)
        assert isinstance(low, frames.Refused)
        with pytest.raises(NotAllowedError, match="not drained"):
            told(home, Retire(old.address))
    second.end(signal.SIGKILL)
    time.sleep(0.1)
    third = start(home)
    with pytest.raises(NotAllowedError, match="not drained"):  # nobody knows when what it signed before ends
        told(home, Retire(old.address))
    assert third.end() == 0
    keys = {event["public_key"] for event in third.events() if event["event"] == "checkpoints"}
    assert len(keys) == 1


def test_drained_and_retired(home: Path) -> None:
    """Once nothing that it signed can act it is let go: its nonces are refused, now and after a restart."""
    first = start(home)
    (old,) = told(home, Describe()).held
    with first.call() as sock:
        read(sock)
        nonce, until_ms = now_ms(), now_ms() + 1_000
        asked(sock, CANCEL, nonce, until_ms)
    told(home, takes_over(home))
    time.sleep(1.1)
    with first.call() as sock:
        read(sock)
        (left,) = told(home, Retire(old.address)).held
        assert left.address != old.address
        gone = asked(sock, CANCEL, nonce, until_ms)
        assert isinstance(gone, frames.Refused)
        assert "retired" in gone.reason
    first.end(signal.SIGKILL)
    second = start(home)
    with second.call() as sock:
        read(sock)
        assert isinstance(asked(sock, CANCEL, nonce, until_ms), frames.Refused)
        assert isinstance(asked(sock, NOOP, now_ms() + 5), frames.Signed)
    keystore.retire_agent(home / "keys", "trader", Ns(1), "rotated")
    assert second.end() == 0


def test_it_signs_on_while_it_unlocks(home: Path) -> None:
    """A full-strength key takes a second to unlock; meanwhile no answer takes half of one."""
    keystore.new_agent(home / "keys", "strong", PASSWORD, "testnet", Ns(0))
    process = start(home)
    ended = threading.Event()
    slowest = [0.0]

    def ask_on() -> None:
        line = SignerLine(process.socket, "testnet", Settings(signer_deadline_ms=5_000))
        nonce = now_ms()
        while not ended.is_set():
            nonce, began = max(nonce + 1, now_ms()), time.perf_counter()
            assert isinstance(line.ask(functools.partial(question, nonce)), frames.Signed), line.fault
            slowest[0] = max(slowest[0], time.perf_counter() - began)
        line.hang_up("done")

    asker = threading.Thread(target=ask_on)
    asker.start()
    path = keystore.keystore_path(home / "keys", "strong")
    held = told(home, TakeOver(str(path), str(home / "password"))).held
    ended.set()
    asker.join()
    assert len(held) == 2
    assert 0 < slowest[0] < 0.5
    assert process.end() == 0


def test_refused_changes(home: Path) -> None:
    """A key that is missing, held already, of another network or retired; and a signer without a keyring."""
    process = start(home)
    new = takes_over(home)
    with pytest.raises(NotAllowedError, match="cannot read"):
        told(home, TakeOver(str(home / "keys" / "no.keystore.json"), new.password_file))
    with pytest.raises(NotAllowedError, match="held already"):
        told(home, TakeOver(str(keystore.keystore_path(home / "keys", "trader")), new.password_file))
    keystore.new_agent(home / "keys", "main", PASSWORD, "mainnet", Ns(0), scrypt_n=1_024, is_weak_allowed=True)
    with pytest.raises(NotAllowedError, match="key for mainnet"):
        told(home, TakeOver(str(keystore.keystore_path(home / "keys", "main")), new.password_file))
    with pytest.raises(NotAllowedError, match="the one that signs"):
        told(home, Retire(told(home, Describe()).held[0].address))
    assert len(told(home, Describe()).held) == 1
    assert process.end() == 0
    with pytest.raises(NotRunning):
        told(home, Describe())


def test_one_that_cant_be_written_down_changes_nothing(home: Path) -> None:
    """A signer that is started anew would not know its own signatures: whoever signed goes on signing."""
    process = start(home)
    new = takes_over(home)
    before = told(home, Describe()).held
    in_the_way = home / f"keyring.json.{process.child.pid}.part"
    in_the_way.mkdir()
    with pytest.raises(NotAllowedError, match="cannot write"):
        told(home, new)
    assert told(home, Describe()).held == before
    in_the_way.rmdir()
    assert len(told(home, new).held) == 2
    assert process.end() == 0
