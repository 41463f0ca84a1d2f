"""A desk on the stage: it trades, agrees with the exchange to the last lot, repeats itself and survives deaths."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import compose
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from orchestrator.telling.reproduction import replay_hat
from orchestrator.telling.summary import summarise
from shared.ids import HATS, Role
from shared.units import MS

pytestmark = pytest.mark.slow


def is_armed(rehearsal: Rehearsal) -> bool:
    """May orders be made now?"""
    return rehearsal.heart.supervisor.is_armed


@contextlib.contextmanager
def _run(folder: Path, seconds: float) -> Iterator[Rehearsal]:
    rehearsal = rehearse(Settings(), folder / "journal.sqlite", seed=7)
    try:
        rehearsal.run_for(seconds)
        yield rehearsal
    finally:
        rehearsal.close()


def test_nine_hats_trade_and_agree_with_the_exchange(tmp_path: Path) -> None:
    """After a minute there are orders and fills, our books equal the exchange's, and the drain leaves nothing open."""
    with _run(tmp_path, 60) as rehearsal:
        assert is_armed(rehearsal)
        summary = summarise(rehearsal.journal.reader)
        assert summary.orders.sent > 10
        assert summary.fills > 0
        assert summary.net_sz == rehearsal.positions()
        rehearsal.drain()
        summary = summarise(rehearsal.journal.reader)
        assert summary.net_sz == rehearsal.positions() == {}
        assert not rehearsal.exchange.open_orders(rehearsal.master)
        assert rehearsal.heart.situation.ledger is not None
        account = rehearsal.exchange.account(rehearsal.master)
        assert rehearsal.heart.situation.ledger.equity_usd == account.value_usd


@pytest.mark.parametrize("role", HATS)
def test_every_hat_says_again_what_it_said(role: Role, short_run: Rehearsal) -> None:
    """Given what the journal says it handled, a fresh Hat gives every output byte for byte."""
    assert (
        replay_hat(
            short_run.journal.reader, compose.make_hat(short_run.settings, role, short_run.approval_key)
        ).difference
        is None
    )


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """Twenty seconds of trading, shared by the tests that only read it."""
    with _run(tmp_path_factory.mktemp("short"), 20) as rehearsal:
        yield rehearsal


_DIGEST = """
import hashlib, sys
from pathlib import Path
from orchestrator.rehearsal import rehearse
from orchestrator.settings import Settings
from shared.warehouse.capture.reader import segments, verify_log
log = Path(sys.argv[1] + ".capture")
rehearsal = rehearse(Settings(), Path(sys.argv[1]), seed=int(sys.argv[2]), capture=log)
rehearsal.run_for(15)
rehearsal.drain()
print(rehearsal.journal.reader.digest())
rehearsal.close()
report = verify_log(log)
(account,) = report.accounts
assert report.is_whole and report.is_complete and account.captured == account.frames > 500, report
print(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in segments(log)))
"""


def _digest(path: Path, seed: int, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _DIGEST, str(path), str(seed)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout.strip()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two runs of one seed, under other hash seeds and time zones, have one digest and capture log; others have not."""
    first = _digest(tmp_path / "a", 7, PYTHONHASHSEED="1", TZ="UTC")
    second = _digest(tmp_path / "b", 7, PYTHONHASHSEED="2", TZ="Asia/Kathmandu")
    other = _digest(tmp_path / "c", 8)
    assert first == second != other


@pytest.mark.parametrize("role", HATS)
def test_a_killed_hat_comes_back_and_trading_goes_on(role: Role, tmp_path: Path) -> None:
    """A Hat that dies mid-run is restored from the journal; the desk re-arms within 15 s and the books still agree."""
    with _run(tmp_path, 10) as rehearsal:
        rehearsal.stage.kill_hat(role, "killed by a test", back_after_ns=3_000 * MS)
        assert not is_armed(rehearsal)
        rehearsal.run_for(15)
        assert is_armed(rehearsal)
        before = summarise(rehearsal.journal.reader).orders.sent
        rehearsal.run_for(20)
        assert summarise(rehearsal.journal.reader).orders.sent > before
        rehearsal.drain()
        assert summarise(rehearsal.journal.reader).net_sz == rehearsal.positions() == {}
