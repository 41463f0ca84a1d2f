"""All that the Risk Oversight Officer remembers."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from hats.risk_oversight_officer.concern import Vigil
from hats.risk_oversight_officer.exposure import Exposure
from hats.risk_oversight_officer.history import MidTrail, Returns
from hats.risk_oversight_officer.kill_switch import Switch
from hats.risk_oversight_officer.market import Market
from hats.risk_oversight_officer.tail import Corner
from shared.ids import HOUSE, Cloid, StrategyId
from shared.messages.risk import MarksKept
from shared.scorecard import Samples
from shared.units import DAY, Ns


class StrategyRecord(msgspec.Struct):
    """What is remembered of one strategy: what it holds, how fast it asks, and how long it has done the same thing.

    `run_ns` are its last fills that went one way in one coin (`run_key`) without one the other way. `is_disabled` stays
    until the operator lets trading go on.
    """

    nets: dict[str, int] = {}
    approved_ns: list[int] = []
    run_key: str = ""
    run_ns: list[int] = []
    is_disabled: bool = False

    def note_fill(self, key: str, now: Ns, window_ns: int, limit: int) -> bool:
        """Count a fill; True if with it the strategy did the same thing too often and is disabled from here on."""
        if self.is_disabled:
            return False
        if key != self.run_key:
            self.run_key, self.run_ns = key, []
        note(self.run_ns, now, now - window_ns)
        self.is_disabled = len(self.run_ns) > limit
        return self.is_disabled

    def enable(self) -> None:
        """Let it go on, with nothing held against it."""
        self.is_disabled, self.run_key, self.run_ns = False, "", []


class Day(msgspec.Struct):
    """One UTC day: its number since 1970, the equity that it began with (None: unknown) and what was approved in it."""

    number: int = -1
    open_usd: int | None = None
    approved_usd: int = 0


class State(msgspec.Struct):
    """Positions, open orders, prices, equity, the trading state and what was approved lately.

    `order_coins` finds an open order's coin. `last_intents` is the highest intent number approved for each strategy
    number. `approved_ns` are the approvals within the rate's window, `denied_ns` the denials of the last minute.
    `budgets_told` is what the strategist heard of size last, by coin and strategy.
    `equity_usd` is None until the ledger spoke; `transfers_usd` is what it had counted as brought by then; `marks` are
    what an earlier run left to count from.
    """

    run: int = 0
    switch: Switch = msgspec.field(default_factory=Switch)
    vigil: Vigil = msgspec.field(default_factory=Vigil)
    market: Market = msgspec.field(default_factory=Market)
    exposures: dict[str, Exposure] = {}
    order_coins: dict[Cloid, str] = {}
    strategies: dict[StrategyId, StrategyRecord] = {}
    is_opened: bool = False
    equity_usd: int | None = None
    equity_ns: Ns = Ns(0)
    begun_ns: Ns = Ns(0)
    transfers_usd: int = 0
    cash_gap_usd: int | None = None
    marks: MarksKept | None = None
    peak_usd: int = 0
    day: Day = msgspec.field(default_factory=Day)
    trail: MidTrail = msgspec.field(default_factory=MidTrail)
    returns: Returns = msgspec.field(default_factory=Returns)
    budgets_told: dict[str, int] = {}
    last_approval_id: int = 0
    last_intents: dict[str, int] = {}
    approved_ns: list[int] = []
    denied_ns: list[int] = []
    samples: Samples = msgspec.field(default_factory=Samples)

    def exposure(self, coin: str) -> Exposure:
        """The coin's exposure, begun flat when first asked for."""
        return self.exposures.setdefault(coin, Exposure())

    def record_of(self, strategy: StrategyId) -> StrategyRecord:
        """The strategy's record, begun empty when first asked for."""
        return self.strategies.setdefault(strategy, StrategyRecord())

    def book(self, strategy: StrategyId, coin: str, signed_sz: int) -> StrategyRecord:
        """The record of who traded, with the fill in what it holds.

        What the house has closed to nothing uses up no strategy's capital any more.
        """
        record = self.record_of(strategy)
        record.nets[coin] = record.nets.get(coin, 0) + signed_sz
        if strategy in HOUSE and not self.exposures[coin].net_sz:
            for each in self.strategies.values():
                each.nets.pop(coin, None)
        return record

    def corners(self, besides: str | None = None, since_ns: int = 0) -> tuple[tuple[Corner, ...], str | None]:
        """Each coin's furthest values in micro-USDC, and one without a price since `since_ns` (None: all have one)."""
        found, unpriced = [], None
        for coin, exposure in self.exposures.items():
            worst = exposure.worst()
            if coin == besides or not (worst.long or worst.short):
                continue
            px = self.market.reference_px(coin)
            if (not px or self.market.priced_ns(coin) < since_ns) and (unpriced is None or coin < unpriced):
                unpriced = coin
            found.append(Corner(coin, worst.long * px, worst.short * px))
        return tuple(found), unpriced

    def worst_gross_usd(self, besides: str | None = None) -> tuple[int, str | None]:
        """Sum of the coins' worst positions in micro-USDC, and a coin that could not be valued (None: all could)."""
        corners, unpriced = self.corners(besides)
        return sum(corner.worst_usd for corner in corners), unpriced

    def drawdown_usd(self) -> int:
        """How far equity is below its peak, in micro-USDC; 0 while unknown."""
        return self.peak_usd - self.equity_usd if self.equity_usd is not None else 0

    def day_loss_usd(self) -> int:
        """How far equity is below where the day began, in micro-USDC; 0 while unknown or above it."""
        if self.equity_usd is None or self.day.open_usd is None:
            return 0
        return max(self.day.open_usd - self.equity_usd, 0)

    def begin_with(self, marks: MarksKept) -> None:
        """Remember what an earlier run left: losses count on with the first equity, who was disabled is so at once."""
        self.marks = marks
        for strategy in marks.disabled:
            self.record_of(strategy).is_disabled = True

    def turn_day(self, now: Ns) -> None:
        """A new UTC day begins with the equity of its first moment, and with nothing approved."""
        if self.day.number != now // DAY:
            self.day = Day(now // DAY, self.equity_usd)

    def note_equity(self, equity_usd: int, transfers_usd: int, now: Ns) -> None:
        """Take the ledger's word. A transfer is no gain and no loss: peak and the day's first follow its scale.

        So neither a withdrawal tightens trading, nor a deposit hides how far equity has fallen. Both are rounded up.
        """
        without_usd = equity_usd - (transfers_usd - self.transfers_usd)
        if self.equity_usd is None and self.marks is not None:
            self._count_on(self.marks, now // DAY)
            if self.marks.flat_equity_usd is not None:
                without_usd = self.marks.flat_equity_usd
        if without_usd != equity_usd:
            self.peak_usd = _rescaled(self.peak_usd, without_usd, equity_usd)
            if self.day.open_usd is not None:
                self.day.open_usd = _rescaled(self.day.open_usd, without_usd, equity_usd)
        self.transfers_usd = transfers_usd
        self.equity_usd, self.equity_ns = equity_usd, now
        self.peak_usd = max(self.peak_usd, equity_usd)

    def _count_on(self, marks: MarksKept, today: int) -> None:
        """Begin with the peak that an earlier run left, and with its day's first and volume if it is the same day."""
        self.peak_usd = marks.peak_usd
        if marks.day == today:
            own_usd = self.day.approved_usd if self.day.number == today else 0
            self.day = Day(today, marks.day_open_usd, marks.day_approved_usd + own_usd)

    def in_doubt(self) -> int:
        """Open orders of which the venue gave no definite answer."""
        return sum(order.is_in_doubt for exposure in self.exposures.values() for order in exposure.orders.values())


def _rescaled(usd: int, before_usd: int, after_usd: int) -> int:
    """What stood to `before_usd` as the result stands to `after_usd`, rounded up; from or to nothing, the latter."""
    return -(-usd * after_usd // before_usd) if before_usd > 0 and after_usd > 0 else after_usd


def since(times: list[int], ns: int) -> int:
    """How many of the rising `times` are later than `ns`."""
    return len(times) - bisect_right(times, ns)


def note(times: list[int], now: Ns, since_ns: int) -> None:
    """Add `now` to the rising `times` and forget those up to `since_ns`."""
    del times[: bisect_right(times, since_ns)]
    times.append(now)
