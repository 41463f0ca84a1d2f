"""Where stops and take-profits belong, for every position, price and distance."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from hats.execution_manager.levels import FAR, NEAR, Ground, Level, level_of
from shared.order import Side, TriggerKind
from shared.units import BPS, tick_at

GROUNDS = st.builds(
    Ground,
    net_sz=st.integers(-(10**9), 10**9).filter(bool),
    cost_usd=st.just(0),
    twice_mid=st.integers(2 * 10**4, 2 * 10**9),
    sz_decimals=st.integers(0, 5),
)
KINDS = st.sampled_from(TriggerKind)
DISTANCES = st.integers(10, 4_000)
COSTS = st.fractions("1/2", 2, max_denominator=10_000)


def ground_of(ground: Ground, cost: Fraction) -> Ground:
    """Entered at that part of the mid."""
    return ground._replace(cost_usd=round(cost * ground.twice_mid * ground.net_sz / 2))


def beyond(px: int, ground: Ground, level: Level) -> Fraction:
    """How far a price lies from the mid on the trigger's side, as a part of the mid."""
    return Fraction(2 * level.outward * px, ground.twice_mid) - level.outward


@given(KINDS, GROUNDS, COSTS, DISTANCES, DISTANCES)
def test_a_level_can_be_placed_closes_and_may_stay(
    kind: TriggerKind, ground: Ground, cost: Fraction, distance_bps: int, reach_bps: int
) -> None:
    """On a tick, beyond the market by its least part, right by its own measure; its limit price lets it trade."""
    ground = ground_of(ground, cost)
    level = level_of(kind, ground, distance_bps, reach_bps)
    assert level.px % tick_at(level.px, ground.sz_decimals) == 0
    # two ticks are what rounding may take, of the price and of a limit from the other side
    ticks = Fraction(4 * tick_at(level.px, ground.sz_decimals), ground.twice_mid)
    assert beyond(level.px, ground, level) >= Fraction(distance_bps, BPS * NEAR) - ticks
    assert level.may_stay(level.px)
    closing = 1 if ground.side is Side.BUY else -1
    assert closing * (level.limit_px - level.px) >= -2 * tick_at(level.px, ground.sz_decimals)
    assert abs(level.limit_px - level.px) * BPS <= reach_bps * level.px + 2 * BPS * tick_at(
        level.px, ground.sz_decimals
    )


@given(GROUNDS, COSTS, DISTANCES)
def test_a_stop_is_never_far_and_loses_no_more_than_it_may(ground: Ground, cost: Fraction, distance_bps: int) -> None:
    """From the market at most twice its distance; from the entry price its distance, unless the market is there."""
    ground = ground_of(ground, cost)
    level = level_of(TriggerKind.STOP_LOSS, ground, distance_bps, 100)
    assert beyond(level.px, ground, level) <= Fraction(FAR * distance_bps, BPS)
    entry = Fraction(abs(ground.cost_usd), abs(ground.net_sz))
    if beyond(level.px, ground, level) > Fraction(distance_bps, BPS * NEAR) + Fraction(2, 10_000):
        assert level.outward * (level.px - entry) <= entry * distance_bps / BPS


@given(GROUNDS, COSTS, DISTANCES, DISTANCES)
def test_a_take_profit_takes_no_less_than_its_distance(
    ground: Ground, cost: Fraction, distance_bps: int, reach_bps: int
) -> None:
    """At least its distance from the entry price, to the tick; and nothing is traded at a loss."""
    ground = ground_of(ground, cost)
    level = level_of(TriggerKind.TAKE_PROFIT, ground, distance_bps, reach_bps)
    entry = Fraction(abs(ground.cost_usd), abs(ground.net_sz))
    tick = tick_at(level.px, ground.sz_decimals)
    assert level.outward * (level.px - entry) >= entry * distance_bps / BPS - tick
    assert level.outward * (level.limit_px - entry) >= 0
