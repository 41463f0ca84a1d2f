"""The engineer reports percentiles, judges budgets, throttles, and is measured by what it sees."""

from __future__ import annotations

import pytest

from hats.low_latency_engineer import LowLatencyEngineer
from hats.low_latency_engineer.measures import MEASURES
from hats.low_latency_engineer.settings import Settings
from shared.hat import restore, snapshot
from shared.ids import HATS, Role
from shared.messages import AnyMessage
from shared.messages.control import (
    HatState,
    HatStateChanged,
    HopSample,
    HopTimings,
    LatencyReport,
    Measured,
    Started,
    Throttle,
    WakeAt,
    Woke,
)
from shared.units import MS, SECOND, US, Ns

ROLE = Role.LOW_LATENCY_ENGINEER
NOW = Ns(1_000 * SECOND)


def say(hat: LowLatencyEngineer, message: AnyMessage) -> list[AnyMessage]:
    """What it answers."""
    return list(hat.handle(message, NOW))


def timings(hop_us: int, path_us: int, n: int = 30, roles: tuple[Role, ...] = HATS) -> HopTimings:
    """`n` hops of each role and `n` paths, all equally long."""
    hops = tuple(HopSample(role, "BookUpdate", hop_us * US // 2, hop_us * US // 2) for role in roles for _ in range(n))
    return HopTimings(hops, (path_us * US,) * n, 3 * MS, -4 * MS)


def report(hat: LowLatencyEngineer) -> list[AnyMessage]:
    """Answers to its report timer."""
    return say(hat, Woke(ROLE, "report", NOW))


def measured(hat: LowLatencyEngineer) -> dict[str, tuple[float, ...]]:
    """Its samples."""
    return {m.measure: m.samples for m in say(hat, Woke(ROLE, "measures", NOW)) if isinstance(m, Measured)}


def test_it_reports_percentiles_and_what_is_over_budget() -> None:
    """Hops of 3 ms break the hot budget of 2 ms but not the others' 20 ms; a path of 1 ms is within its own."""
    hat = LowLatencyEngineer(Settings())
    say(hat, timings(3_000, 1_000))
    _, said = report(hat)
    assert isinstance(said, LatencyReport)
    assert [line.role for line in said.hops] == list(HATS)
    assert all(line.p99_us == pytest.approx(3_000, rel=1 / 64) for line in said.hops)
    assert said.tick_to_wire_p99_us == pytest.approx(1_000, rel=1 / 64)
    assert set(said.over_budget) == {role for role, budget in Settings().hop_budgets_us.items() if budget == 2_000}


def test_a_lasting_breach_throttles_the_strategist() -> None:
    """After five reports over budget it says Throttle once; a restart repeats it; recovery lifts it."""
    hat = LowLatencyEngineer(Settings(window_reports=1))
    throttles = []
    for _ in range(5):
        say(hat, timings(100, 50_000))
        throttles += [message for message in report(hat) if isinstance(message, Throttle)]
    assert [message.min_interval_ns for message in throttles] == [200 * MS]
    assert isinstance(say(hat, Started(ROLE, 1, NOW))[-1], Throttle)
    lifted = [message for _ in range(10) for message in report(hat) if isinstance(message, Throttle)]
    assert [message.min_interval_ns for message in lifted] == [0]


def test_blindness_lowers_its_coverage() -> None:
    """With no timings at all coverage is 0; with a third of the Hats it is a third."""
    hat = LowLatencyEngineer(Settings())
    report(hat)
    assert measured(hat)["sample_coverage"] == (0.0,)
    say(hat, timings(100, 100, roles=HATS[:3]))
    report(hat)
    assert measured(hat)["sample_coverage"] == (3 / 9,)


def test_a_hat_that_is_down_is_not_expected_and_starts_afresh() -> None:
    """A Hat under repair neither lowers coverage nor keeps the latencies of its former life."""
    hat = LowLatencyEngineer(Settings())
    say(hat, timings(100_000, 100, roles=(Role.QUANT_STRATEGIST,)))
    say(hat, HatStateChanged(Role.QUANT_STRATEGIST, HatState.RESTORING, "killed"))
    others = tuple(role for role in HATS if role is not Role.QUANT_STRATEGIST)
    say(hat, timings(100, 100, roles=others))
    _, said = report(hat)
    assert isinstance(said, LatencyReport)
    assert [line.role for line in said.hops] == list(others)
    assert measured(hat)["sample_coverage"] == (1.0,)


def test_raw_facts_are_measured_as_they_are() -> None:
    """Path, lag and offset appear in the unit that their name says; every sample has its measure."""
    hat = LowLatencyEngineer(Settings())
    say(hat, timings(100, 7_000, n=1))
    report(hat)
    found = measured(hat)
    assert found["tick_to_wire_p99_us"] == (7_000.0,)
    assert found["loop_lag_ms"] == (3.0,)
    assert found["clock_offset_ms"] == (4.0,)
    assert set(found) <= {measure.name for measure in MEASURES}


def test_timers_are_set_again_on_every_start() -> None:
    """Started is idempotent: the same two wake-ups each time."""
    hat = LowLatencyEngineer(Settings())
    wanted = [WakeAt(Ns(NOW + SECOND), "report"), WakeAt(Ns(NOW + SECOND), "measures")]
    assert say(hat, Started(ROLE, 1, NOW)) == wanted
    assert say(hat, Started(ROLE, 1, NOW)) == wanted


def test_a_restored_engineer_goes_on_as_if_nothing_happened() -> None:
    """Snapshot and restore change no later word."""
    hat, reborn = LowLatencyEngineer(Settings()), LowLatencyEngineer(Settings())
    say(hat, timings(3_000, 50_000))
    report(hat)
    restore(reborn, snapshot(hat))
    for each in (hat, reborn):
        say(each, timings(100, 60_000))
    assert report(reborn) == report(hat)
    assert snapshot(reborn) == snapshot(hat)
