"""The run's own jobs on the Ray of a trading desk: GARCH is fitted and used, one that is killed has failed, no more."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from orchestrator.machine.processes import command_of
from orchestrator.upkeep.caretaker import read_state
from orchestrator.upkeep.jobs import FIT
from shared.codec import decode
from shared.journal import JournalReader
from shared.messages import AnyMessage
from shared.messages.control import JobEnded
from shared.messages.risk import RiskModel, RiskReport, VarianceFitted, VarianceJudged
from shared.units import MINUTE
from shared.warehouse.store import Store
from shared.warehouse.tables import CandleRow
from tests.chaos.real_desk import WATCHDOG, RealDesk, descendants, hit, real_desk
from tests.unit.orchestrator.upkeep.test_variance_fit import garch
from tests.unit.shared.warehouse.rows import publish

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

EVERY_S = 10
WITHIN_S = 150.0
COIN = "BTC"
SETTINGS = {
    "hats.risk_oversight_officer.var_fit_every_s": EVERY_S,
    "hats.risk_oversight_officer.var_models": ["filtered"],
}


def candles(home: Path) -> None:
    """What the warehouse knows of the coin: two thousand minutes of alpha 0.1 and beta 0.85."""
    closes = np.rint(1e9 * np.exp(np.cumsum(garch(2_000, 0.1, 0.85)))).astype(int).tolist()
    rows = [
        CandleRow(COIN, n * MINUTE, None, 1, 0, "1m", (n + 1) * MINUTE - 1, px, px, px, px, 1, 1)
        for n, px in enumerate(closes)
    ]
    publish(Store(home / "warehouse"), "candles", list(rows))


def said(desk: RealDesk, kind: type[AnyMessage]) -> Iterator[AnyMessage]:
    """Every message of this kind in the journal."""
    reader = JournalReader.open(desk.files.journal)
    try:
        yield from [decode(entry.body) for entry in reader.messages(kind=kind.__name__)]
    finally:
        reader.close()


def kill_a_fit(desk: RealDesk) -> None:
    """SIGKILL takes the process of one that is at work."""
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        assert desk.note.ray_pid is not None
        for pid in descendants(desk.note.ray_pid):
            if command_of(pid)[:1] == [f"ray::{FIT}"] and hit(pid, signal.SIGKILL):
                return
        time.sleep(0.02)
    pytest.fail("no fit was seen at work")


def wait_for_fits(desk: RealDesk) -> None:
    """Until the Risk Officer took one."""
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        if any(isinstance(one, VarianceJudged) and not one.refusal for one in said(desk, VarianceJudged)):
            return
        time.sleep(0.5)
    pytest.fail(f"no fit was taken: {read_state(desk.files.schedule)}")


def keep_dead(desk: RealDesk) -> None:
    """The watchdog dies, and its password is gone, so that it can't begin anew."""
    desk.files.password("watchdog").unlink()
    pid = desk.pid_of(WATCHDOG)
    assert pid is not None
    assert hit(pid, signal.SIGKILL)


def test_fits_on_ray_a_job_that_is_killed_and_a_goodbye_without_a_watchdog(tmp_path: Path) -> None:
    """The desk trades through all of it; the report says model and weights; the run is judged and says what failed."""
    candles(tmp_path)
    with real_desk(tmp_path, settings=SETTINGS) as desk:
        desk.wait_armed()
        kill_a_fit(desk)
        alarmed = desk.wait(lambda status: bool(status.failing_jobs), "alarmed", WITHIN_S)
        wait_for_fits(desk)
        desk.wait(lambda status: status.is_armed and not status.failing_jobs, "trading, all jobs well", WITHIN_S)
        keep_dead(desk)
        verdict = desk.down()
        ended = [one for one in said(desk, JobEnded) if isinstance(one, JobEnded) and one.job == FIT]
        fits = [one for one in said(desk, VarianceFitted) if isinstance(one, VarianceFitted)]
        *_, last = said(desk, RiskReport)
    assert alarmed.failing_jobs.keys() == {FIT}
    assert [one.is_final for one in ended if "WorkerCrashedError" in one.fault] == [True]
    assert ended[-1].fault == ""
    assert fits[-1].coin == COIN
    assert fits[-1].alpha == pytest.approx(0.1, abs=0.05)
    assert isinstance(last, RiskReport)
    assert last.fitted == {COIN: (fits[-1].alpha, fits[-1].beta)}
    assert last.value_at_risk_model is RiskModel.FILTERED
    assert verdict["is_flat"] is True
    assert any("no watchdog answers" in fault for fault in verdict["end_faults"])
