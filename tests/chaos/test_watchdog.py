"""The watchdog as a process: it acts on silence and on a word, remembers that it did, and is not easily talked to."""

from __future__ import annotations

import socket as sockets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.accounts.latch import LatchFile
from orchestrator.watchdog.guard import Beat, DeadMan, Phase
from orchestrator.watchdog.line import Heartbeats, tell
from orchestrator.watchdog.words import Dismiss, Flatten, Look, Rearm
from shared.bus.framing import framed
from shared.errors import NotRunning
from shared.messages.control import KillLevel
from tests.chaos.watchdog_drill import COINS, WAIT_S, Trader, drill, load_up, watchdog_of
from tests.contract.serving import venue_process

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    """A local exchange without its own traders' noise in the way."""
    args = ["--fund-all", "100000", "--coins", COINS, "--no-spot", "--mix", "light", "--address-budget", "none"]
    with venue_process(*args) as facts:
        yield facts


def wait_for(holds: Callable[[], bool]) -> None:
    """Until it holds."""
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.05)


def test_rounds_of_the_drill_with_lost_answers() -> None:
    """The short form of `python -m tests.chaos.watchdog_drill`."""
    rounds = drill(rounds=2, lost_share=0.1, resting_each=9)
    assert {each.cause for each in rounds} == {"silence", "word"}
    assert all(each.is_good for each in rounds), rounds


def test_what_appears_later_is_closed_too_even_after_its_own_death(venue: dict[str, Any], tmp_path: Path) -> None:
    """The latch survives kill -9; a zombie's new orders go as well; rearmed, it leaves them alone."""
    trader = Trader(venue["url"])
    load_up(trader, 1)
    with watchdog_of(trader, tmp_path, "--home", str(tmp_path)) as (socket, _):
        tell(socket, Flatten("drill"))
        wait_for(lambda: tell(socket, Look()).phase is Phase.SAFE)
    order = LatchFile(tmp_path, trader.address, "testnet", 2).order()
    assert order is not None, "its next desk begins halted"
    assert (order.level, order.reason) == (KillLevel.PAUSE, "latched since run 0: the watchdog acted: drill")
    load_up(trader, 1)
    with watchdog_of(trader, tmp_path) as (socket, _):
        wait_for(lambda: trader.open_orders() == trader.positions() == 0)
        assert tell(socket, Look()).reason == "drill"
        wait_for(lambda: tell(socket, Look()).phase is Phase.SAFE)
        tell(socket, Rearm("drill over"))
        wait_for(lambda: not (tmp_path / "latch.json").exists())
        load_up(trader, 1)
        time.sleep(3.0)
        assert trader.open_orders() == trader.positions() == 10
        assert tell(socket, Look()).phase is Phase.WAITING


def test_a_farewell_is_no_silence_and_the_gate_is_said(venue: dict[str, Any], tmp_path: Path) -> None:
    """After Dismiss nothing happens; the venue's refusal of a scheduled cancel is told word for word."""
    trader = Trader(venue["url"])
    load_up(trader, 1)
    with watchdog_of(trader, tmp_path, "--dead-man-ms", "15000") as (socket, _):
        beats = Heartbeats(socket)
        beats.beat(Beat(1, True))
        wait_for(lambda: tell(socket, Look()).dead_man is DeadMan.REFUSED)
        assert "enough volume traded" in tell(socket, Look()).dead_man_said
        tell(socket, Dismiss())
        beats.close()
        time.sleep(4.0)
        assert tell(socket, Look()).phase is Phase.DISMISSED
        assert trader.open_orders() == trader.positions() == 10


def test_garbage_ends_the_connection_and_nothing_else(venue: dict[str, Any], tmp_path: Path) -> None:
    """Whoever speaks another language is dropped; the watch goes on."""
    trader = Trader(venue["url"])
    with watchdog_of(trader, tmp_path) as (socket, process):
        for data in (b"\xff\xff\xff\xff", framed(b"garbage"), framed(b"\x93\xa4beat\x01"), framed(b"x" * 5_000)):
            with sockets.socket(sockets.AF_UNIX) as peer:
                peer.settimeout(WAIT_S)
                peer.connect(str(socket))
                peer.sendall(data)
                assert peer.recv(100) == b""
        assert tell(socket, Look()).phase is Phase.WAITING
        assert process.poll() is None
    with pytest.raises(NotRunning):
        tell(socket, Look())
