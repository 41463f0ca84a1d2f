"""The ML Research Scientist as a Hat."""

from __future__ import annotations

import random

import msgspec
import pytest

from hats.ml_research_scientist import MlResearchScientist, Settings
from orchestrator.routes import ROUTES
from shared.ids import Role
from shared.instrument import Instrument
from shared.messages import AnyMessage
from shared.messages.control import Measured, Started, WakeAt, Woke
from shared.messages.market import FeedState, FeedStatus, Trade, UniverseUpdate
from shared.messages.signal import Regime, RegimeUpdate
from shared.order import Side
from shared.units import MS, SECOND, Ns, Px, Sz

ROLE = Role.ML_RESEARCH_SCIENTIST
START = 1_000 * SECOND


def scientist(**settings: object) -> MlResearchScientist:
    """A Hat that knows BTC, with the feed up."""
    hat = MlResearchScientist(Settings.model_validate({"coins": ("BTC",), "warmup_bars": 3, **settings}))
    list(hat.handle(UniverseUpdate((Instrument("BTC", 0, 3, 50),), 4_500, 1_500, Ns(0)), Ns(0)))
    list(hat.handle(FeedStatus(FeedState.UP, 1, "test", Ns(0)), Ns(0)))
    return hat


def trade(ns: int, px: int, coin: str = "BTC") -> Trade:
    """A public print."""
    return Trade(coin, Side.BUY, Px(px), Sz(1), ns, Ns(ns), Ns(ns))


def feed(hat: MlResearchScientist, pxs: list[int], step_ns: int = SECOND) -> list[AnyMessage]:
    """What the Hat says to one print a step."""
    said: list[AnyMessage] = []
    for n, px in enumerate(pxs):
        ns = Ns(START + n * step_ns)
        said += hat.handle(trade(ns, px), ns)
    return said


def measured(hat: MlResearchScientist, now: int) -> dict[str, tuple[float, ...]]:
    """The samples that the measures timer brings out."""
    said = hat.handle(Woke(ROLE, "measures", Ns(now)), Ns(now))
    return {message.measure: message.samples for message in said if isinstance(message, Measured)}


def test_hears_what_the_table_routes() -> None:
    """The Hat hears exactly what the route table sends it."""
    assert {kind for kind, route in ROUTES.items() if ROLE in route.heard_by} == set(MlResearchScientist.hears)


def test_one_regime_for_each_closed_bar_after_the_warm_up() -> None:
    """Three returns of warm-up, then one update a bar, with the bar's own end as its time."""
    said = feed(scientist(), [50_000, 50_010, 50_000, 50_010, 50_000, 50_010])
    assert [m.bar_close_ns for m in said if isinstance(m, RegimeUpdate)] == [START + 4 * SECOND, START + 5 * SECOND]
    last = said[-1]
    assert isinstance(last, RegimeUpdate)
    assert sum(last.probabilities) == pytest.approx(1.0)
    assert last.bar_ns == SECOND
    assert 0.5 < last.sigma_bps < 5.0


def test_a_burst_is_called_turbulent() -> None:
    """After long calm a few bars of ten times the size turn the label and lift the forecast."""
    hat, rng, px = scientist(), random.Random(1), 50_000.0
    pxs = []
    for n in range(320):
        px *= 1.0 + rng.gauss(0.0, 1e-3 if n >= 312 else 1e-4)
        pxs.append(round(px * 1_000))
    said = [m for m in feed(hat, pxs) if isinstance(m, RegimeUpdate)]
    assert said[-1].regime is Regime.TURBULENT
    assert said[-1].sigma_bps > 2 * said[300].sigma_bps
    assert said[300].regime is not Regime.TURBULENT


def test_silence_closes_bars_by_the_clock_and_ends_in_nothing() -> None:
    """Timers close empty bars; after the longest gap the Hat says nothing rather than guess."""
    hat = scientist(gap_max_bars=3)
    feed(hat, [50_000, 50_010, 50_000, 50_010, 50_000])
    counts = []
    for n in range(5, 12):
        now = Ns(START + n * SECOND + 250 * MS)
        said = list(hat.handle(Woke(ROLE, "bar", now), now))
        counts.append(sum(isinstance(m, RegimeUpdate) for m in said))
        assert said[-1] == WakeAt(Ns(now + SECOND), "bar")
    assert counts == [1, 1, 1, 1, 0, 0, 0]


def test_prints_of_unknown_coins_and_late_prints_change_nothing() -> None:
    """A coin outside the universe is not modelled; a late print is counted and left out."""
    hat = scientist()
    feed(hat, [50_000, 50_010])
    assert list(hat.handle(trade(START, 50_000, "DOGE"), Ns(START))) == []
    assert list(hat.handle(trade(START, 90_000), Ns(START + SECOND))) == []
    assert measured(hat, START + SECOND)["late_print_share"] == (0.0, 0.0, 1.0)
    assert hat.state.coins["BTC"].bars.px == 50_010


def test_measures_fall_when_prints_stop_or_come_late() -> None:
    """Coverage is 1 while prints come and 0 after; the delay of a bar is what the clock says."""
    hat = scientist(covered_bars=10)
    assert measured(hat, START)["coverage"] == (0.0,)
    feed(hat, [50_000, 50_010, 50_000, 50_010])
    assert measured(hat, START + 4 * SECOND)["coverage"] == (1.0,)
    late = Ns(START + 7 * SECOND)
    list(hat.handle(trade(START + 4 * SECOND, 50_000), late))
    found = measured(hat, START + 60 * SECOND)
    assert found["bar_delay_ms"] == (3_000.0,)
    assert found["coverage"] == (0.0,)


def test_the_feed_answers_for_its_own_faults() -> None:
    """Nothing is expected while the feed is not up, and a print that was received too late is not our lateness."""
    hat = scientist()
    feed(hat, [50_000, 50_010])
    late = msgspec.structs.replace(trade(START, 50_000), recv_ns=Ns(START + 2 * SECOND))
    list(hat.handle(late, Ns(START + 2 * SECOND)))
    list(hat.handle(FeedStatus(FeedState.STALE, 1, "test", Ns(0)), Ns(0)))
    found = measured(hat, START + 2 * SECOND)
    assert found["late_print_share"] == (0.0, 0.0)
    assert "coverage" not in found


def test_coins_that_leave_the_universe_are_forgotten() -> None:
    """A delisted coin keeps no series; the others keep theirs."""
    hat = scientist()
    feed(hat, [50_000, 50_010])
    both = (Instrument("BTC", 0, 3, 50), Instrument("ETH", 1, 3, 50))
    list(hat.handle(UniverseUpdate(both, 4_500, 1_500, Ns(1)), Ns(1)))
    assert hat.state.coins["BTC"].bars.px == 50_010
    gone = (Instrument("BTC", 0, 3, 50, is_delisted=True), both[1])
    list(hat.handle(UniverseUpdate(gone, 4_500, 1_500, Ns(2)), Ns(2)))
    assert list(hat.state.coins) == ["ETH"]


def test_started_asks_for_both_timers_every_time() -> None:
    """Started sets the bar timer just after the next bar's grace, and the measures timer, again after a crash."""
    hat = scientist()
    for _ in range(2):
        said = list(hat.handle(Started(ROLE, 1, Ns(START)), Ns(START)))
        assert said == [WakeAt(Ns(START + 250 * MS), "bar"), WakeAt(Ns(START + SECOND), "measures")]
