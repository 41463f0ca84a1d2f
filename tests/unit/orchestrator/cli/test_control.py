"""The operator's switch when nobody but the watchdog is there to hear it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.cli.control import _is_stopped, kill, resume
from orchestrator.cli.updown import down
from orchestrator.runfiles import RunFiles, RunNote, current_run, note_run
from orchestrator.watchdog.guard import Beat, Phase
from orchestrator.watchdog.line import Heartbeats, tell
from orchestrator.watchdog.words import Flatten, Look
from shared.errors import NotRunning
from shared.messages.control import KillLevel
from shared.units import SECOND
from tests.unit.orchestrator.watchdog.scripted_venue import ScriptedVenue, scripted_venue
from tests.unit.orchestrator.watchdog.test_server import wait_for, watchdog

NOBODY = 4_194_300
"""A process id that no process has: the kernel gives none that high."""


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    """What is cancelled there is gone, and what is closed."""
    with scripted_venue() as made:
        made.obeys = True
        yield made


@pytest.fixture
def wreck(venue: ScriptedVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFiles]:
    """A run of which only the watchdog lives; it has not noticed yet."""
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    files = RunFiles(tmp_path / "runs" / "demo-1")
    files.create()
    note_run(tmp_path, RunNote(1, str(files.dir), "", "hats", NOBODY, NOBODY, ""))
    with watchdog(venue, tmp_path, files.watchdog_latch, 60 * SECOND, files.watchdog):
        beats = Heartbeats(files.watchdog)
        beats.beat(Beat(1, True))
        wait_for(lambda: tell(files.watchdog, Look()).phase is Phase.WATCHING)
        beats.close()
        yield files
    files.remove_short()


def test_a_long_reason_stops_no_kill(wreck: RunFiles, venue: ScriptedVenue, capsys: pytest.CaptureFixture[str]) -> None:
    """The watchdog takes short ones only; the beginning has to do."""
    kill(flatten=True, reason="because " * 1_000, wait_s=10.0, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["by"], said["has_effect"]) == ("watchdog", True)
    assert said["watchdog"]["reason"].startswith("because because")
    assert venue.kinds() == ["cancel", "order"]


def test_a_resume_that_nobody_hears_leaves_the_watchdog_at_work(wreck: RunFiles) -> None:
    """What a dead desk left, its last order too, is closed by it and by nobody else."""
    tell(wreck.watchdog, Flatten("operator"))
    with pytest.raises(NotRunning):
        resume(reason="looked at it", operator_key=None, wait_s=1.0)
    assert tell(wreck.watchdog, Look()).phase in {Phase.ACTING, Phase.SAFE}


@pytest.mark.parametrize("no_flatten", [False, True])
def test_the_end_of_a_wreck_does_not_end_its_watchdog_at_work(
    wreck: RunFiles, venue: ScriptedVenue, tmp_path: Path, no_flatten: bool
) -> None:
    """`hats down` has the watchdog close first what the dead left open, unless positions are to stay."""
    began = time.monotonic()
    down(no_flatten=no_flatten, wait_s=10.0, as_json=True)
    assert time.monotonic() - began < 10.0
    assert venue.kinds() == ([] if no_flatten else ["cancel", "order"])
    with pytest.raises(NotRunning):
        current_run(tmp_path)


@pytest.mark.parametrize(
    ("level", "state", "positions", "is_stopped"),
    [
        (KillLevel.PAUSE, "active", (), False), (KillLevel.PAUSE, None, (), False),
        (KillLevel.PAUSE, "reducing", (), False), (KillLevel.PAUSE, "halted", ("BTC",), True),
        (KillLevel.REDUCE, "active", (), False), (KillLevel.REDUCE, "reducing", ("BTC",), True),
        (KillLevel.REDUCE, "halted", (), True), (KillLevel.FLATTEN, "reducing", (), False),
        (KillLevel.FLATTEN, "halted", ("BTC",), False), (KillLevel.FLATTEN, "halted", (), True),
    ],
)  # fmt: skip
def test_a_kill_is_in_effect_once_trading_is_as_tight(
    level: KillLevel, state: str | None, positions: tuple[str, ...], is_stopped: bool
) -> None:
    """A desk that was reducing already is not halted by that."""
    status: Any = SimpleNamespace(trading_state=state, positions=positions, open_orders=())
    assert _is_stopped(status, level) is is_stopped
