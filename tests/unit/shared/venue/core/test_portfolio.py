"""Worth over time: gains without what was brought, windows, and a bound on memory."""

from __future__ import annotations

from shared.units import DAY, HOUR, USD
from shared.venue.core.commands import PassTime
from shared.venue.core.dealings import MoveClass, SendUsd
from shared.venue.core.portfolio import MOST_SAMPLES
from tests.unit.shared.venue.core.floor import Floor


def test_money_brought_is_no_gain() -> None:
    """A deposit and a transfer change the worth and not the gain; a trade against the mark changes both."""
    floor = Floor()
    floor.do(SendUsd("a", "b", "1000"))
    day = floor.exchange.portfolio("a")[0]
    assert (day.samples[-1].perp_usd, day.samples[-1].perp_pnl_usd) == (99_000 * USD, 0)
    floor.sell("c", "101", "10")
    floor.buy("b", "101", "10")
    day = floor.exchange.portfolio("b")[0]
    fee = floor.exchange.account("b").fees_usd
    value = floor.exchange.account("b").value_usd
    assert day.samples[-1].perp_usd == value
    assert day.samples[-1].perp_pnl_usd == value - 101_000 * USD
    assert day.samples[-1].perp_pnl_usd <= -fee
    assert day.samples[-1].volume_usd == 1_010 * USD


def test_usdc_on_spot_is_worth_but_no_gain() -> None:
    """Moved over, it is counted there."""
    floor = Floor()
    floor.do(MoveClass("a", "100", False))
    sample = floor.exchange.portfolio("a")[0].samples[-1]
    assert (sample.perp_usd, sample.spot_usd) == (99_900 * USD, 100 * USD)
    assert (sample.perp_pnl_usd, sample.spot_pnl_usd) == (0, 0)


def test_windows_have_their_grids() -> None:
    """After ten days: a day of two hours each, a week of four, a month of twelve, and the present."""
    floor = Floor()
    for _ in range(10):
        floor.do(PassTime(), DAY)
    names = [window.name for window in floor.exchange.portfolio("a")]
    assert names == ["day", "week", "month", "allTime"]
    day, week, month, _ = (len(window.samples) for window in floor.exchange.portfolio("a"))
    assert (day, week, month) == (12 + 1, 42 + 1, 20 + 1)
    first, second = floor.exchange.portfolio("a")[0].samples[:2]
    assert second.time_ms - first.time_ms == 2 * HOUR // 10**6


def test_memory_is_bounded() -> None:
    """Years of weeks are thinned, never more than the bound."""
    floor = Floor()
    samples = floor.exchange._world.accounts.by_user["a"].wealth.samples
    latest = floor.exchange.portfolio("a")[0].samples[-1]
    samples["allTime"].extend([latest] * MOST_SAMPLES)
    floor.do(PassTime(), 8 * DAY)
    assert len(samples["allTime"]) <= MOST_SAMPLES


def test_a_stranger_has_no_portfolio() -> None:
    """Nothing for nobody."""
    assert Floor().exchange.portfolio("z") == []
