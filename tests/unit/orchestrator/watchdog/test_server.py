"""The watchdog's loop on a disk that takes nothing, and after its own death."""

from __future__ import annotations

import argparse
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from orchestrator.accounts import operator_key
from orchestrator.accounts.latch import LatchFile
from orchestrator.cli.watchdog import rearmed
from orchestrator.watchdog.__main__ import halted
from orchestrator.watchdog.guard import Aim, Beat, Guard, Kept, Phase
from orchestrator.watchdog.hands import Hands
from orchestrator.watchdog.line import Heartbeats, tell
from orchestrator.watchdog.server import WatchdogServer, read_kept
from orchestrator.watchdog.words import Dismiss, Flatten, Look, Rearm
from shared.bus.sockets import listen
from shared.errors import NotAllowedError, VenueUnreachable
from shared.messages.control import KillLevel
from shared.messages.risk import TradingState, TradingStateChanged
from shared.operator_word import rearm_words, resume_words
from shared.units import MINUTE, MS, SECOND
from tests.unit.orchestrator.watchdog.scripted_venue import ScriptedVenue, scripted_venue

WAIT_S = 10.0
ACCOUNT = "0x" + "a" * 40


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    """A resting order and a position in BTC."""
    with scripted_venue() as made:
        yield made


@contextlib.contextmanager
def watchdog(
    venue: ScriptedVenue, folder: Path, kept: Path, silence_ns: int = SECOND, socket: Path | None = None,
    operator_public_key: str = "", dead_man_ms: int = 0,
) -> Iterator[Path]:  # fmt: skip
    """One that runs while inside; its socket. Once it has acted, `ACCOUNT` is halted in the folder."""
    socket = socket or folder / "watchdog.sock"
    key = AgentKey(b"\x07" * 32, Network.TESTNET)
    store = NonceStore(folder / "nonces.sqlite", key.address)
    listener = listen(f"unix:{socket}")
    guard = Guard(Aim.CANCEL, silence_ns, dead_man_ms * MS, read_kept(kept, Aim.CANCEL), time.monotonic_ns())
    hands = Hands(venue.url, ACCOUNT, key, store, lambda _event, _fields: None)
    options = argparse.Namespace(home=folder, user=ACCOUNT, network=Network.TESTNET)
    server = WatchdogServer(
        guard, hands, listener, kept, 1_000, dead_man_ms, lambda _event, _fields: None,
        operator_public_key=operator_public_key, halt=lambda reason, run: halted(options, reason, run),
    )  # fmt: skip
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield socket
    finally:
        server.stop()
        thread.join()
        store.close()


def wait_for(holds: Callable[[], bool]) -> None:
    """Until it holds."""
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.02)


def test_a_venue_that_does_not_answer_makes_no_dead_desk_look_alive(
    venue: ScriptedVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduled cancel that waits for its answer in vain, again and again: the silence counts meanwhile."""

    def schedule(_hands: Hands, _ahead_ms: int) -> str | None:
        time.sleep(1.5)
        raise VenueUnreachable("no answer")

    monkeypatch.setattr(Hands, "schedule", schedule)
    with watchdog(venue, tmp_path, tmp_path / "latch.json", silence_ns=2 * SECOND, dead_man_ms=15_000) as socket:
        tell(socket, Beat(1, True))
        wait_for(lambda: "cancel" in venue.kinds())


def test_a_disk_that_takes_no_latch_does_not_stop_it(venue: ScriptedVenue, tmp_path: Path) -> None:
    """The desk ends on a full disk, and then the watchdog must not; it remembers once there is room."""
    kept, in_the_way = tmp_path / "latch.json", tmp_path / f"latch.json.{os.getpid()}.part"
    in_the_way.mkdir()
    with watchdog(venue, tmp_path, kept) as socket:
        tell(socket, Flatten("the disk is full"))
        wait_for(lambda: "order" in venue.kinds())
        assert tell(socket, Look()).phase is Phase.ACTING
        assert not kept.exists()
        in_the_way.rmdir()
        wait_for(kept.exists)
    assert read_kept(kept, Aim.CANCEL) == Kept("the disk is full", Aim.FLATTEN)


def test_one_that_died_with_the_desk_acts_in_its_next_process(venue: ScriptedVenue, tmp_path: Path) -> None:
    """It had heard the desk live; the new one hears nothing and does not wait for a first heartbeat for ever."""
    kept = tmp_path / "latch.json"
    with watchdog(venue, tmp_path, kept, 60 * SECOND) as socket:
        beats = Heartbeats(socket)
        beats.beat(Beat(1, True))
        wait_for(kept.exists)
        beats.close()
    with watchdog(venue, tmp_path, kept) as socket:
        wait_for(lambda: "cancel" in venue.kinds())
        assert "no heartbeat" in tell(socket, Look()).reason


def test_what_ended_in_order_leaves_nothing_to_take_up(venue: ScriptedVenue, tmp_path: Path) -> None:
    """After a farewell, and once rearmed, a new process waits as if nothing had been."""
    kept = tmp_path / "latch.json"
    with watchdog(venue, tmp_path, kept, 60 * SECOND) as socket:
        beats = Heartbeats(socket)
        beats.beat(Beat(1, True))
        wait_for(kept.exists)
        tell(socket, Dismiss())
        beats.close()
        wait_for(lambda: not kept.exists())
        tell(socket, Flatten("operator"))
        wait_for(kept.exists)
        tell(socket, Rearm("looked at it"))
        wait_for(lambda: not kept.exists())
    assert read_kept(kept, Aim.CANCEL) is None


def begins(folder: Path) -> str:
    """What the account's next run begins with; empty: nothing, it trades."""
    order = LatchFile(folder, ACCOUNT, Network.TESTNET, 9).order()
    assert order is None or order.level is KillLevel.PAUSE
    return "" if order is None else order.reason


@pytest.mark.parametrize("way", ["silence", "word", "successor"])
def test_once_it_has_acted_the_next_run_begins_halted(venue: ScriptedVenue, tmp_path: Path, way: str) -> None:
    """By silence, by the operator's or the launcher's word, and as the process after one that died; also rearmed.

    Nothing but files is left of it then: the machine may have been started anew.
    """
    kept = tmp_path / "latch.json"
    with watchdog(venue, tmp_path, kept, 60 * SECOND) as socket:
        beats = Heartbeats(socket)
        beats.beat(Beat(7, True))
        wait_for(kept.exists)
        assert begins(tmp_path) == ""
        if way == "word":
            tell(socket, Flatten("the run did not end flat"))
            wait_for(lambda: begins(tmp_path) != "")
        beats.close()
    if way != "word":
        with watchdog(venue, tmp_path, kept) as socket:
            wait_for(lambda: "cancel" in venue.kinds())
            tell(socket, Rearm("looked at it"))
    reason = begins(tmp_path)
    assert reason.startswith("latched since run 7: the watchdog acted: ")
    assert ("did not end flat" if way == "word" else "no heartbeat") in reason


def test_the_next_run_stays_halted_until_it_is_resumed(venue: ScriptedVenue, tmp_path: Path) -> None:
    """A desk that lives on and says that it trades loosens nothing; what it had tightened already keeps its reason."""
    desk = LatchFile(tmp_path, ACCOUNT, Network.TESTNET, 7, stands=TradingState.ACTIVE)
    with watchdog(venue, tmp_path, tmp_path / "latch.json") as socket:
        tell(socket, Flatten("operator"))
        wait_for(lambda: begins(tmp_path) != "")
        desk.note(TradingStateChanged(TradingState.ACTIVE, "the officer is back"))
        assert "operator" in begins(tmp_path)
        desk.note(TradingStateChanged(TradingState.HALTED, "kill"))
        desk.note(TradingStateChanged(TradingState.ACTIVE, "resumed"))
        assert begins(tmp_path) == ""
        tell(socket, Rearm("looked at it"))
        desk.note(TradingStateChanged(TradingState.HALTED, "drawdown"))
        tell(socket, Flatten("operator"))
        wait_for(lambda: tell(socket, Look()).reason == "operator")
        assert begins(tmp_path) == "latched since run 7: drawdown"


def test_only_the_signed_word_rearms(venue: ScriptedVenue, tmp_path: Path) -> None:
    """Unsigned, another's, for another watchdog, another reason, old, a resume's, used before: it goes on acting."""
    key, other, kept = tmp_path / "a.key", tmp_path / "b.key", tmp_path / "latch.json"
    public, _ = operator_key.make(key), operator_key.make(other)
    early_ns = time.time_ns()
    with watchdog(venue, tmp_path, kept, operator_public_key=public) as socket:
        agent = tell(socket, Flatten("operator")).address

        def word(by: Path = key, agent: str = agent, said: str = "looked", ns: int = 0) -> Rearm:
            ns = ns or time.time_ns()
            return Rearm("looked", ns, operator_key.sign(by, rearm_words(agent, said, ns)))

        now = time.time_ns()
        for bad in (
            Rearm("looked"), word(other), word(agent="0x" + "1" * 40), word(said="another"), word(ns=now - 2 * MINUTE),
            word(ns=early_ns), Rearm("looked", now, operator_key.sign(key, resume_words(7, "looked", now))),
            Rearm("looked", now, "zz"),
        ):  # fmt: skip
            with pytest.raises(NotAllowedError, match="not rearmed"):
                tell(socket, bad)
            assert tell(socket, Look()).reason == "operator"
        with pytest.raises(NotAllowedError, match="not signed"):
            rearmed(socket, "looked", None)
        good = word()
        assert tell(socket, good).phase is Phase.WAITING
        tell(socket, Flatten("again"))
        with pytest.raises(NotAllowedError, match="used before"):
            tell(socket, good)
        assert rearmed(socket, "because " * 1_000, key).phase is Phase.WAITING
        tell(socket, Flatten("again"))
    with watchdog(venue, tmp_path, kept, operator_public_key=public) as socket:
        with pytest.raises(NotAllowedError, match="used before"):
            tell(socket, good)
        assert tell(socket, Look()).reason == "again"
