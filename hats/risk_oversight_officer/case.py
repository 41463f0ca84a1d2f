"""One intent with everything that is known at the moment of judging it, and what a broken control says."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from hats.risk_oversight_officer.exposure import Exposure, Worst
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State, StrategyRecord
from hats.risk_oversight_officer.tail import Box, Corner, Losses, Tail, box_of
from shared.ids import HOUSE
from shared.instrument import Instrument
from shared.messages.market import AssetContext
from shared.messages.risk import DenyReason, RiskModel
from shared.messages.signal import FeatureUpdate, OrderIntent
from shared.order import Trigger
from shared.rules.margin import maintenance_usd
from shared.units import BPS, MS, Ns, notional


class Breach(NamedTuple):
    """A limit that an intent would break: the limit, what was found, both in the unit that `detail` names.

    `model` is whose loss was found, where it is one.
    """

    reason: DenyReason
    limit: int
    found: int
    detail: str
    model: RiskModel | None = None


class Case:
    """What the controls look at. Whatever takes work is worked out once, and only if a control asks."""

    def __init__(self, intent: OrderIntent, state: State, settings: Settings, tail: Tail, now: Ns) -> None:
        self.intent = intent
        self.state = state
        self.settings = settings
        self.tail = tail
        self.now = now
        self.exposure = state.exposures.get(intent.coin) or Exposure()

    @cached_property
    def is_reducing(self) -> bool:
        """Can it only bring the position nearer to zero? Reduce-only, against the position, and no larger than it."""
        held = -self.intent.side.value * self.exposure.net_sz
        return self.intent.reduce_only and 0 < self.intent.sz <= held

    @cached_property
    def is_exit(self) -> bool:
        """Does the house itself close a position by it, or keep a stop? It may pass in any trading state."""
        return self.intent.strategy in HOUSE and self.is_reducing

    @cached_property
    def trigger(self) -> Trigger | None:
        """What wakes it at the venue, if it sleeps there."""
        return self.intent.how if isinstance(self.intent.how, Trigger) else None

    @cached_property
    def adds_exposure(self) -> bool:
        """Does it let the coin's position grow on its side beyond what is possible there already?

        What is open the other way is no reason to ask less of it: both sides together may break what neither does.
        """
        side = self.intent.side
        return self.worst.on(side) > max(self.exposure.worst().on(side), 0)

    @cached_property
    def notional_usd(self) -> int:
        """Its value at its own price, micro-USDC."""
        return notional(self.intent.px, self.intent.sz)

    @cached_property
    def worst(self) -> Worst:
        """The coin's worst case with it."""
        return self.exposure.worst_with(self.intent.side, self.intent.sz, self.intent.reduce_only)

    @property
    def instrument(self) -> Instrument:
        """What the venue lists; only after `check_coin`."""
        return self.state.market.instruments[self.intent.coin]

    @property
    def feature(self) -> FeatureUpdate:
        """Our own book in numbers; only after `check_feed`."""
        return self.state.market.features[self.intent.coin]

    @cached_property
    def twice_mid(self) -> int:
        """Twice our own mid, price units."""
        return self.feature.best_bid_px + self.feature.best_ask_px

    @property
    def context(self) -> AssetContext | None:
        """The venue's own word on mark, oracle and funding, if it spoke."""
        return self.state.market.contexts.get(self.intent.coin)

    @cached_property
    def oracle_px(self) -> int:
        """The venue's oracle; 0 if it named none, or so long ago that it holds up no order that reduces."""
        context = self.context
        if context is None or abs(self.now - context.recv_ns) > self.settings.context_age_limit_ms * MS:
            return 0
        return context.oracle_px

    @property
    def strategy(self) -> StrategyRecord:
        """What is remembered of who wants it."""
        return self.state.strategies.get(self.intent.strategy) or StrategyRecord()

    @property
    def equity_usd(self) -> int:
        """Equity in micro-USDC; 0 while unknown (then `check_equity` has denied whatever adds)."""
        return self.state.equity_usd or 0

    @cached_property
    def others(self) -> tuple[tuple[Corner, ...], str | None]:
        """The other coins' furthest values, and one of them that nobody has priced lately (None: all were)."""
        since_ns = self.now - self.settings.context_age_limit_ms * MS
        return self.state.corners(besides=self.intent.coin, since_ns=since_ns)

    @cached_property
    def corners(self) -> tuple[Corner, ...]:
        """Every coin's furthest values with the order, micro-USDC."""
        return (*self.others[0], self._corner(self.worst))

    @cached_property
    def gross_usd(self) -> int:
        """All coins' worst positions with it, micro-USDC."""
        return sum(corner.worst_usd for corner in self.corners)

    @cached_property
    def others_maintenance_usd(self) -> int:
        """Maintenance margin of the other coins' worst positions, micro-USDC."""
        return sum(maintenance_usd(self.state.market.tiers(c.coin), c.worst_usd) for c in self.others[0])

    @cached_property
    def box(self) -> Box:
        """The corners as the tail takes them."""
        return box_of(self.corners)

    @cached_property
    def box_before(self) -> Box:
        """The same without the order."""
        return box_of((*self.others[0], self._corner(self.exposure.worst())))

    @cached_property
    def losses(self) -> Losses | None:
        """What a bad hour may cost with it; None while unknown, or known by too little where it must be known."""
        found = self.tail.losses(self.box, self.intent.coin)
        return None if found is not None and found.is_thin and self.settings.var_required else found

    @cached_property
    def losses_before(self) -> Losses | None:
        """What it may cost without it."""
        return self.tail.losses(self.box_before, self.intent.coin)

    def _corner(self, worst: Worst) -> Corner:
        px = self.state.market.reference_px(self.intent.coin)
        return Corner(self.intent.coin, worst.long * px, worst.short * px)


def within(px: int, middle: int, bps: int) -> bool:
    """Does `px` lie no further than `bps` from `middle`?"""
    return abs(px - middle) * BPS <= bps * middle


def bps_between(px: int, middle: int) -> int:
    """Distance in whole bps, rounded up, so that what is just over a limit does not read as equal to it."""
    return -(-abs(px - middle) * BPS // middle)


def over_equity(usd: int, equity_usd: int, scale: int) -> int:
    """`usd` over equity in units of 1 / scale, rounded up."""
    return -(-usd * scale // equity_usd)
