"""Where the stop and the take-profit of a position belong. Pure, and exact to the tick.

Both are counted from the average entry price: a stop against the position, a take-profit for it. Neither can be placed
where the market is already; then it lies a part (`NEAR`) of its distance beyond the market, as near as the venue and
the Risk Officer take it, until its level is free. A stop follows a market that runs away from it (`FAR`); a take-profit
does not, for it would no longer be one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.order import Side, TriggerKind
from shared.units import BPS, Px, Rounding, on_tick, round_ratio

FAR: Final = 2
"""A stop lies at most so many times its distance from the market."""
NEAR: Final = 10
"""A trigger lies at least this part (one in so many) of its distance from the market."""
SLACK: Final = 4
"""It may lie this part (one in so many) of its distance off from where it belongs before it is moved."""


class Ground(NamedTuple):
    """What is protected: signed lots, what they cost (0: nobody told, and the mid stands in), and the market."""

    net_sz: int
    cost_usd: int
    twice_mid: int
    sz_decimals: int

    @property
    def side(self) -> Side:
        """Which way an order closes it."""
        return Side.SELL if self.net_sz > 0 else Side.BUY

    def entry_px(self, bps: int, rounding: Rounding) -> Px:
        """The average entry price and so many basis points, on a tick."""
        if not self.cost_usd:
            return self.mid_px(bps * NEAR, rounding)
        return self._on_tick(abs(self.cost_usd) * (BPS + bps), abs(self.net_sz) * BPS, rounding)

    def mid_px(self, parts: int, rounding: Rounding) -> Px:
        """The mid and so many basis points, each in `NEAR` parts, on a tick."""
        return self._on_tick(self.twice_mid * (BPS * NEAR + parts), 2 * BPS * NEAR, rounding)

    def reach_px(self, px: Px, bps: int) -> Px:
        """So many basis points beyond `px` for an order that closes, on the tick that is nearer to it."""
        inward = Rounding.UP if self.side is Side.SELL else Rounding.DOWN
        return self._on_tick(px * (BPS + self.side.value * bps), BPS, inward)

    def _on_tick(self, numerator: int, denominator: int, rounding: Rounding) -> Px:
        return on_tick(round_ratio(numerator, denominator, rounding), self.sz_decimals, rounding)


class Level(NamedTuple):
    """Where a trigger is to be placed, and up to which price it may trade once it has fired.

    `outward` is the sign of the way from the market to it. `outermost` and `innermost` bound, in that direction, where
    one that is placed already may stay; a stop may be as near as it likes.
    """

    px: Px
    limit_px: Px
    outward: int
    outermost: int
    innermost: int | None

    def may_stay(self, px: Px) -> bool:
        """Is a trigger at `px` good enough?"""
        return self.outward * px <= self.outermost and (self.innermost is None or self.outward * px >= self.innermost)


def level_of(kind: TriggerKind, ground: Ground, distance_bps: int, reach_bps: int) -> Level:
    """The level of one kind, so far from the entry price; prices are rounded so that no distance is exceeded."""
    is_stop = kind is TriggerKind.STOP_LOSS
    outward = ground.side.value if is_stop else -ground.side.value
    inward, further = (Rounding.DOWN, Rounding.UP) if outward > 0 else (Rounding.UP, Rounding.DOWN)
    slack_px = ground.entry_px(0, Rounding.DOWN) * distance_bps // (BPS * SLACK)
    wanted_px = ground.entry_px(outward * distance_bps, inward)
    nearest_px = ground.mid_px(outward * distance_bps, further)
    px = wanted_px if outward * wanted_px >= outward * nearest_px else nearest_px
    if is_stop:
        furthest_px = ground.mid_px(outward * distance_bps * FAR * NEAR, inward)
        px = px if outward * px <= outward * furthest_px else furthest_px
        return Level(px, ground.reach_px(px, reach_bps), outward, outward * px + slack_px, None)
    # what takes a profit makes no loss, however far the market jumps back
    sign = ground.side.value
    limit_px = Px(sign * min(sign * ground.reach_px(px, reach_bps), sign * ground.entry_px(0, further)))
    return Level(px, limit_px, outward, outward * px + slack_px, outward * wanted_px - slack_px)
