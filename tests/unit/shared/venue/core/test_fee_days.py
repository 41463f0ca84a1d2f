"""Fourteen days of volume, pooled and assessed at midnight UTC."""

from __future__ import annotations

from shared.rules.fees import FeeRates
from shared.units import DAY, USD
from shared.venue.core.commands import PassTime
from shared.venue.core.identity import DayVolume
from tests.unit.shared.venue.core.floor import START_NS, Floor

TODAY = START_NS // DAY


def test_a_day_counts_from_the_next_midnight() -> None:
    """What was traded today lowers nothing today; after midnight UTC it does, and after 14 more days no longer."""
    floor = Floor()
    account = floor.exchange._world.accounts.by_user["a"]
    account.day_cross_usd = 6_000_000 * USD
    assert floor.exchange.fee_rates("a") == FeeRates(450_000, 150_000)
    floor.do(PassTime(), DAY)
    assert floor.exchange.fee_rates("a") == FeeRates(400_000, 120_000)
    assert account.day_cross_usd == 0
    floor.do(PassTime(), 13 * DAY)
    assert floor.exchange.fee_rates("a") == FeeRates(400_000, 120_000)
    floor.do(PassTime(), DAY)
    assert floor.exchange.fee_rates("a") == FeeRates(450_000, 150_000)


def test_trades_count_for_both_sides() -> None:
    """100 USDC traded: the taker's cross and the maker's add volume, and the exchange's."""
    floor = Floor()
    floor.sell("a", "100", "1")
    floor.buy("b", "100", "1")
    floor.do(PassTime(), DAY)
    world = floor.exchange._world
    assert list(world.accounts.by_user["a"].days) == [DayVolume(TODAY, 0, 100 * USD)]
    assert list(world.accounts.by_user["b"].days) == [DayVolume(TODAY, 100 * USD, 0)]
    assert list(world.accounts.exchange_days) == [DayVolume(TODAY, 100 * USD, 100 * USD)]


def test_fees_are_shown_for_fifteen_days() -> None:
    """Today is the last row; the exchange's volume has the outside market in it."""
    floor = Floor()
    floor.sell("a", "100", "1")
    floor.buy("b", "100", "1")
    rows = floor.exchange.fees("b").days
    assert [row.day for row in rows] == list(range(TODAY - 14, TODAY + 1))
    outside = floor.exchange._world.policy.outside_day_usd
    assert (rows[-1].cross_usd, rows[-1].add_usd, rows[-1].exchange_usd) == (100 * USD, 0, outside + 100 * USD)
    assert rows[0].exchange_usd == outside
