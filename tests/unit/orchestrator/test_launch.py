"""How a run ends: what fails after trading is told beside the verdict and loses nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from orchestrator.accounts.latch import LatchFile
from orchestrator.cli.report import problems
from orchestrator.ground import Ground, leave_nothing_open
from orchestrator.launch import Launch
from orchestrator.machine.raylink import Pulse
from orchestrator.rehearsal import rehearse
from orchestrator.settings import Settings
from orchestrator.status import CardView, Status, cards_of, status_of
from orchestrator.watchdog import line
from shared.config_sources import load
from shared.errors import HatsError, Unanswered
from shared.messages.control import KillLevel


class Nobody:
    """Looks at nothing."""

    def step(self, what: str) -> None:
        """Not shown."""

    def show(self, status: Status | None) -> None:
        """Not shown."""


class FlatDesk:
    """Ended its drain flat, and then does not stop in order."""

    def __init__(self, status: Status, cards: tuple[CardView, ...]) -> None:
        self._status = status
        self._cards = cards
        self.is_abandoned = False

    def wait_ready(self, _: object) -> None:
        """It was."""

    def drain(self, **_: Any) -> Status:
        """Done."""
        return self._status

    def status(self) -> Status:
        """As it stands."""
        return self._status

    def scorecards(self) -> tuple[CardView, ...]:
        """As they stand."""
        return self._cards

    def abandon(self) -> None:
        """Ray is not asked."""
        self.is_abandoned = True

    def stop(self) -> None:
        """Its process was gone already."""
        raise HatsError("the orchestrator did not stop in order: ActorDiedError")


class Felt(Pulse):
    """The pulse of a cluster that lives, or loses its raylet once it was felt so often."""

    def __init__(self, fault_after: int = 0) -> None:
        self.fault_after = fault_after
        self._felt = 0

    def fault(self) -> str | None:
        """None, until then."""
        self._felt += 1
        return "its raylet ended" if self.fault_after and self._felt >= self.fault_after else None


class WatchdogLess(Launch):
    """A run on a rehearsed desk whose watchdog is dead when it is to be dismissed, and when it is to be stopped."""

    desk: FlatDesk
    pulse = Felt()

    @contextlib.contextmanager
    def grounded(self) -> Iterator[Ground]:
        """With what the real ground does before it stops the watchdog."""
        self.files.create()
        try:
            yield Ground(self._settings, "", None, self.pulse)
        finally:
            leave_nothing_open(self.files, self._watcher.step)

    def launched(self, under: Ground) -> Any:
        """The desk that was rehearsed."""
        return self.desk

    def _trade(self, desk: Any, under: Ground, tasks: Any) -> None:
        """It did; or goes on until its Ray is gone."""
        if self.pulse.fault_after:
            super()._trade(desk, under, tasks)


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchdogLess:
    """It, before its run; nobody waits for a watchdog to come back."""
    monkeypatch.setattr(line, "_BACK_S", 0.0)
    monkeypatch.setattr("orchestrator.launch.LAST_WORD_S", 0.0)
    monkeypatch.setattr("orchestrator.launch.positions_at", lambda *_: {})
    account = {"hats.exchange_architect.user_address": f"0x{1:040x}"}
    settings = load(Settings, None, {"run.home_dir": str(tmp_path), **account}, environ={}).settings
    made = WatchdogLess(settings, Nobody(), own_ray=True, replay=None, config="")
    rehearsed = rehearse(settings, made.files.journal, seed=7)
    rehearsed.run_for(1)
    now = rehearsed.stage.clock.now()
    status = msgspec.structs.replace(status_of(rehearsed.heart, now), is_flat=True)
    made.files.audit.touch()
    made.desk = FlatDesk(status, cards_of(rehearsed.heart, now))
    rehearsed.close()
    return made


def test_a_dead_watchdog_at_the_goodbye_loses_no_verdict(launch: WatchdogLess) -> None:
    """Nobody hears the dismissal, the desk does not stop in order, nobody can be asked what is open: all of it told."""
    verdict = launch.run()
    dismissal, stop, ground = verdict.end_faults
    assert "no watchdog answers" in dismissal
    assert "did not stop in order" in stop
    assert "no watchdog answers" in ground
    assert sum("the end: " in problem for problem in problems(verdict)) == 3
    assert msgspec.json.decode(launch.files.summary.read_bytes())["end_faults"] == list(verdict.end_faults)


def test_a_run_that_came_to_nothing_has_no_verdict(launch: WatchdogLess, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails while it trades is the run's failure, as ever."""

    def drain(**_: Any) -> Status:
        raise Unanswered("the end of the drain did not come")

    monkeypatch.setattr(launch.desk, "drain", drain)
    with pytest.raises(HatsError):
        launch.run()
    assert not launch.files.summary.exists()


def test_a_run_whose_ray_is_gone_says_so_and_latches(launch: WatchdogLess, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error and no verdict; nothing is asked of Ray any more, and the account's next run begins halted."""
    monkeypatch.setattr("orchestrator.launch.POLL_S", 0.0)
    monkeypatch.setattr("orchestrator.launch.Caretaker", lambda *_: SimpleNamespace(turn=lambda: None))
    launch.pulse = Felt(fault_after=3)
    with pytest.raises(HatsError):
        launch.run()
    assert launch.desk.is_abandoned
    assert not launch.files.summary.exists()
    settings = launch._settings
    account = settings.hats.exchange_architect.user_address
    kept = LatchFile(settings.run.home, account, settings.venue.network, 2).order()
    assert kept is not None
    assert kept.level is KillLevel.PAUSE
    assert "Ray was gone" in kept.reason
