"""Everything but the watchdog and the exchange is killed while a desk trades: nothing stays open, the kill works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kill_drill import SILENCE_MS, SILENT_CANCELLED_S, SILENT_FLAT_S, loaded_desk, one_dead_round

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

NOISE_S = 10.0
"""What a loaded machine may add; the drill measures the limits themselves."""


def test_silence_leaves_nothing_open(tmp_path: Path) -> None:
    """Cancelled and flat in time, counted from the death of everybody else; then the switch works all the same."""
    with loaded_desk(tmp_path, 1, 0.1, silence_ms=SILENCE_MS) as desk:
        done = one_dead_round(desk, is_silent=True)
        killed = desk.hats("kill", "--flatten", "--reason", "all others are dead")
        status = desk.hats("watchdog", "status", code=6)
    assert done.cancelled_s is not None
    assert done.flat_s is not None
    assert done.cancelled_s < SILENT_CANCELLED_S + NOISE_S
    assert done.flat_s < SILENT_FLAT_S + NOISE_S
    assert (killed["by"], killed["has_effect"], killed["watchdog"]["phase"]) == ("watchdog", True, "safe")
    assert "no heartbeat" in status["reason"]
