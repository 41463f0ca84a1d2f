"""A scaled clock starts with the other one and runs as much faster as it says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shared.clock import ANCHOR, ScaledClock, VirtualClock, WallClock, anchor_variables, anchored
from shared.units import SECOND


def test_a_scaled_clock_runs_faster_from_the_same_start() -> None:
    """A second of the other is sixty of its own."""
    other = VirtualClock(1_700_000_000 * SECOND)
    scaled = ScaledClock(other, 60.0)
    assert scaled.now() == other.now()
    other.advance_to(other.now() + SECOND)
    assert scaled.now() == 1_700_000_000 * SECOND + 60 * SECOND


def test_speed_one_is_the_same_clock() -> None:
    """Nothing is lost to rounding within the years that matter."""
    other = VirtualClock(0)
    scaled = ScaledClock(other, 1.0)
    other.advance_to(90 * 86_400 * SECOND + 1_000)
    assert scaled.now() == other.now()


def test_processes_of_a_run_share_one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is started within counts from the same anchor, whatever the system's clock says by then."""
    with anchored():
        boot_id, _, anchor_ns = os.environ[ANCHOR].partition(" ")
        an_hour_on = int(anchor_ns) + 3_600 * SECOND
        monkeypatch.setenv(ANCHOR, f"{boot_id} {an_hour_on}")
        clock = WallClock()
        assert -3_601 * SECOND < clock.system_offset_ns() < -3_599 * SECOND
        print_offset = "from shared.clock import WallClock; print(WallClock().system_offset_ns())"
        told = subprocess.run([sys.executable, "-c", print_offset], capture_output=True, check=True, text=True)
        assert abs(int(told.stdout) - clock.system_offset_ns()) < SECOND
        assert anchor_variables() == {ANCHOR: f"{boot_id} {an_hour_on}"}


def test_another_boots_anchor_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its counter began elsewhere, so the system's clock is asked."""
    monkeypatch.setenv(ANCHOR, "00000000-0000-0000-0000-000000000000 0")
    assert abs(WallClock().system_offset_ns()) < SECOND


def test_without_a_run_nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the run the environment is as it was."""
    monkeypatch.delenv(ANCHOR, raising=False)
    with anchored():
        assert ANCHOR in anchor_variables()
    assert anchor_variables() == {}
