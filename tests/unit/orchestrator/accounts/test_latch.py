"""What a run left tightened, the next one of the same account begins with, until the operator loosens it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.accounts.latch import LatchFile
from orchestrator.rehearsal import rehearse
from orchestrator.settings import Settings
from shared.ids import Role
from shared.messages.control import KillLevel, KillOrdered, ResumeOrdered
from shared.messages.order import SignedAction
from shared.messages.risk import TradingState, TradingStateChanged
from shared.sealing import SealKey

ACCOUNT = "0x" + "a" * 40
NETWORK = "mainnet"


@pytest.mark.parametrize(
    ("state", "level"), [(TradingState.HALTED, KillLevel.PAUSE), (TradingState.REDUCING, KillLevel.REDUCE)]
)
def test_tightened_until_loosened(tmp_path: Path, state: TradingState, level: KillLevel) -> None:
    """The next run's first order has the same state and the first reason, runs later too; active forgets it."""
    LatchFile(tmp_path, ACCOUNT, NETWORK, 1).note(TradingStateChanged(state, "drawdown"))
    for run in (2, 3):
        latch = LatchFile(tmp_path, ACCOUNT, NETWORK, run)
        order = latch.order()
        assert order is not None
        assert (order.level, order.reason) == (level, "latched since run 1: drawdown")
        latch.note(TradingStateChanged(state, f"kill ({order.level}): {order.reason}"))
    assert LatchFile(tmp_path, "0xb", NETWORK, 4).order() is None, "another account's"
    assert LatchFile(tmp_path, ACCOUNT.upper(), NETWORK, 4).order() is not None, "however it is spelled"
    LatchFile(tmp_path, ACCOUNT, NETWORK, 4).note(TradingStateChanged(TradingState.ACTIVE, "said anew, not loosened"))
    assert LatchFile(tmp_path, ACCOUNT, NETWORK, 4).order() is not None
    resumed = TradingStateChanged(TradingState.ACTIVE, "resumed: looked at it")
    LatchFile(tmp_path, ACCOUNT, NETWORK, 4, stands=state).note(resumed)
    assert LatchFile(tmp_path, ACCOUNT, NETWORK, 5).order() is None


@pytest.mark.parametrize("level", list(KillLevel))
def test_a_kill_is_kept_as_it_is_ordered(tmp_path: Path, level: KillLevel) -> None:
    """The Risk Officer may be dead, and the run end before it says what it made of that; nothing milder replaces it."""
    latch = LatchFile(tmp_path, ACCOUNT, NETWORK, 1, stands=TradingState.ACTIVE)
    latch.hear(KillOrdered(level, "operator"))
    latch.hear(TradingStateChanged(TradingState.ACTIVE, "the officer came back, and has not heard of it yet"))
    latch.hear(TradingStateChanged(TradingState.REDUCING, "daily loss"))
    latch.hear(KillOrdered(KillLevel.REDUCE, "a milder one"))
    order = LatchFile(tmp_path, ACCOUNT, NETWORK, 2).order()
    assert order is not None
    assert order.level is (KillLevel.REDUCE if level is KillLevel.REDUCE else KillLevel.PAUSE)
    assert order.reason == f"latched since run 1: kill ({level}): operator"


def test_no_wording_of_a_reason_unlatches(tmp_path: Path) -> None:
    """A kill is kept whatever its reason says; a resume that was refused changes neither state nor first reason."""
    latch = LatchFile(tmp_path, ACCOUNT, NETWORK, 1)
    latch.note(TradingStateChanged(TradingState.REDUCING, "daily loss"))
    latch.note(TradingStateChanged(TradingState.HALTED, "kill (pause): latched since run 0 was not enough"))
    latch.note(TradingStateChanged(TradingState.HALTED, "not resumed: it is not signed by the operator's key"))
    order = LatchFile(tmp_path, ACCOUNT, NETWORK, 2).order()
    assert order is not None
    assert order.level is KillLevel.PAUSE
    assert order.reason == "latched since run 1: kill (pause): latched since run 0 was not enough"
    latch.note(TradingStateChanged(TradingState.ACTIVE, "resumed: latched since run 1, looked at"))
    assert LatchFile(tmp_path, ACCOUNT, NETWORK, 3).order() is None


def test_what_cannot_be_read_halts(tmp_path: Path) -> None:
    """A broken file is no reason to trade: nothing milder replaces it, what halts too does."""
    LatchFile(tmp_path, ACCOUNT, NETWORK, 1).halt("x")
    (file,) = (tmp_path / "latched").iterdir()
    file.write_text("{")
    latch = LatchFile(tmp_path, ACCOUNT, NETWORK, 2)
    latch.hear(KillOrdered(KillLevel.REDUCE, "operator"))
    latch.hear(TradingStateChanged(TradingState.REDUCING, "daily loss"))
    order = LatchFile(tmp_path, ACCOUNT, NETWORK, 3).order()
    assert order is not None
    assert order.level is KillLevel.PAUSE
    assert "can't be read" in order.reason
    latch.hear(TradingStateChanged(TradingState.HALTED, "drawdown"))
    order = LatchFile(tmp_path, ACCOUNT, NETWORK, 3).order()
    assert order is not None
    assert (order.level, order.reason) == (KillLevel.PAUSE, "latched since run 2: drawdown")


def test_each_network_has_a_latch_of_its_own(tmp_path: Path) -> None:
    """What is resumed with play money stays halted with real money, at the same address in the same home folder."""
    LatchFile(tmp_path, ACCOUNT, "mainnet", 1).halt("drawdown")
    testnet = LatchFile(tmp_path, ACCOUNT, "testnet", 2)
    assert testnet.order() is None
    testnet.note(TradingStateChanged(TradingState.HALTED, "tried"))
    testnet.note(TradingStateChanged(TradingState.ACTIVE, "resumed: play money"))
    order = LatchFile(tmp_path, ACCOUNT, "mainnet", 3).order()
    assert order is not None
    assert order.reason == "latched since run 1: drawdown"


def test_it_can_be_sealed(tmp_path: Path) -> None:
    """Its file tells neither account nor reason; without the key, or with another, the account stays halted."""
    key = SealKey(b"k" * 32)
    LatchFile(tmp_path, ACCOUNT, NETWORK, 1, key).note(
        TradingStateChanged(TradingState.REDUCING, "BTC beyond its limit")
    )
    (file,) = (tmp_path / "latched").iterdir()
    assert b"BTC" not in file.read_bytes()
    assert ACCOUNT not in str(file)
    order = LatchFile(tmp_path, ACCOUNT, NETWORK, 2, key).order()
    assert order is not None
    assert (order.level, order.reason) == (KillLevel.REDUCE, "latched since run 1: BTC beyond its limit")
    watchdogs = LatchFile(tmp_path, ACCOUNT, NETWORK, 2)
    watchdogs.note(TradingStateChanged(TradingState.HALTED, "the watchdog acted"))
    assert b"acted" in file.read_bytes(), "who has no key can't seal, and must halt all the same"
    order = LatchFile(tmp_path, ACCOUNT, NETWORK, 3, key).order()
    assert order is not None
    assert order.level is KillLevel.PAUSE
    assert b"acted" not in file.read_bytes(), "the next desk seals it"
    for other in (None, SealKey(b"o" * 32)):
        order = LatchFile(tmp_path, ACCOUNT, NETWORK, 2, other).order()
        assert order is not None
        assert order.level is KillLevel.PAUSE
        assert "sealed" in order.reason


def test_a_desk_that_begins_latched_signs_nothing_until_resumed(tmp_path: Path) -> None:
    """Nine Hats with a latched first order: no signature in ten seconds; after the resume and its delay they trade."""
    latch = LatchFile(tmp_path, ACCOUNT, NETWORK, 1)
    latch.note(TradingStateChanged(TradingState.HALTED, "drawdown"))
    order = latch.order()
    assert order is not None
    rehearsal = rehearse(Settings(), tmp_path / "journal.sqlite", seed=7)
    try:
        rehearsal.heart.publish(Role.ORCHESTRATOR, order, rehearsal.stage.clock.now())
        rehearsal.run_for(10)
        signed = list(rehearsal.journal.reader.messages(kind=SignedAction.__name__))
        assert not signed
        rehearsal.stage.publish(Role.OPERATOR, ResumeOrdered("looked at it"))
        rehearsal.run_for(4)
        assert not list(rehearsal.journal.reader.messages(kind=SignedAction.__name__)), "its delay is not over"
        rehearsal.run_for(10)
        assert list(rehearsal.journal.reader.messages(kind=SignedAction.__name__))
    finally:
        rehearsal.close()
