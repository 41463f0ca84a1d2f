"""Everything but the watchdog and the exchange is killed while a desk trades: nothing stays open, the kill works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kill_drill import SILENT_CANCELLED_S, SILENT_FLAT_S, drill, loaded_desk, wreck

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

NOISE_S = 10.0
"""What a loaded machine may add; the drill measures the limits themselves."""


def test_silence_leaves_nothing_open(tmp_path: Path) -> None:
    """Cancelled and flat in time, counted from the death of everybody else; the account's next run begins halted."""
    (done,) = drill(tmp_path, 1, 0.1, 1, silent=True)
    assert done.cancelled_s is not None
    assert done.flat_s is not None
    assert done.cancelled_s < SILENT_CANCELLED_S + NOISE_S
    assert done.flat_s < SILENT_FLAT_S + NOISE_S
    assert done.is_latched


def test_the_switch_works_when_all_others_are_dead(tmp_path: Path) -> None:
    """Said twice: what is closed stays so, and whoever asks hears who did it and why."""
    with loaded_desk(tmp_path, 1, 0.1) as desk:
        wreck(desk)
        for reason in ("all others are dead", "once more"):
            killed = desk.hats("kill", "--flatten", "--reason", reason)
            assert (killed["by"], killed["has_effect"], killed["watchdog"]["phase"]) == ("watchdog", True, "safe")
        status = desk.hats("watchdog", "status", code=6)
        assert not desk.ask("openOrders")
    assert "all others are dead" in status["reason"]
