"""Campaigns against a desk of real processes, short: the same as commands are `python -m tests.chaos.NAME`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from shared.ids import Role
from tests.chaos.clock_steps import Bent, steps
from tests.chaos.cluster_kills import rounds
from tests.chaos.kill_drill import CANCELLED_S, FLAT_S, RISK_MS, drill
from tests.chaos.pauses import pauses, starved
from tests.chaos.real_desk import BUSY, SIGNER
from tests.chaos.storm import UNKNOWN_LATEST_S
from tests.chaos.storm_kills import storm

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_storm_while_processes_die(tmp_path: Path) -> None:
    """Two answers in three are lost and three processes die: nothing doubled, nothing different, no nonce twice."""
    kills = {"execution_manager": 2, "orchestrator": 1, "signer": 1}
    result = storm(tmp_path, 60, kills, 1, Console(stderr=True))
    assert result.intents >= 60
    assert {"drop_request", "lose_answer"} <= set(result.strikes)  # the rarer kinds may not come in a short storm
    assert result.doubted > 0
    assert (result.doubled, result.nonces_reused, result.differences) == (0, 0, ())
    assert result.unknown_attended_s <= BUSY * UNKNOWN_LATEST_S


def test_the_kill_switch_of_a_trading_desk(tmp_path: Path) -> None:
    """A hundred orders are cancelled and all is closed, no risk is added, and it stays halted after a restart."""
    (done,) = drill(tmp_path, 1, 0.1, 1)
    assert done.orders >= 100
    assert done.last_risk_ms is None or done.last_risk_ms <= BUSY * RISK_MS
    assert done.cancelled_s is not None
    assert done.cancelled_s <= BUSY * CANCELLED_S
    assert done.flat_s is not None
    assert done.flat_s <= BUSY * FLAT_S
    assert done.is_latched


def test_nothing_old_leaves_after_a_pause(tmp_path: Path) -> None:
    """Signer, watchdog and Security Architect stand still: what was decided before is never signed, trading goes on."""
    result = pauses(tmp_path, ["signer", "watchdog", "security_architect"], 6.0, 1)
    assert (result.stale, result.doubled, result.differences) == ((), 0, ())
    assert [each.victim for each in result.pauses if each.back_s is None] == []


def test_nobody_needs_more_memory_to_stay_sound(tmp_path: Path) -> None:
    """The orchestrator and the signer get no more from the system: shed or begun anew, all books agree, guards live."""
    result = pauses(tmp_path, ["orchestrator", "signer"], 6.0, 1, starved)
    assert (result.stale, result.doubled, result.differences) == ((), 0, ())
    assert [each for each in result.pauses if each.back_s is None or each.lost] == []


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler to build the library that sets the clock")
def test_a_wrong_clock_stops_entries_and_nothing_else(tmp_path: Path) -> None:
    """An hour on, with the signer begun anew under it: alarmed, nothing added, no nonce wrong, then trading again."""
    result = steps(tmp_path / "desk", Bent(tmp_path), [3_600.0], [SIGNER], 1)
    assert result.orders > 0
    assert result.is_good, result


def test_what_the_desk_stands_on_dies_for_good(tmp_path: Path) -> None:
    """Head, orchestrator (the raylet in the campaign alone, for that takes a minute more): all is closed, the launcher
    says why and leaves nobody, the next run is halted."""
    victims = ["gcs_server", str(Role.ORCHESTRATOR)]
    done = list(rounds(tmp_path, victims, 1))
    assert [each.victim for each in done] == victims
    for each in done:
        assert each.orders > 0
        assert each.wrong == []  # how fast is a figure of the quiet machine that the campaign runs on
