"""What the strategist remembers: of each coin, of each strategy, and of every order that may be open."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hats.quant_strategist.averages import Averages
from hats.quant_strategist.judgement import PendingMarkout
from hats.quant_strategist.permission import Situation
from hats.quant_strategist.working import WorkingOrder
from shared.ids import HOUSE, Cloid, StrategyId
from shared.instrument import Instrument
from shared.messages.order import Fill, FillBooked
from shared.messages.risk import DenyReason
from shared.messages.signal import FeatureUpdate, RegimeUpdate
from shared.order import Side
from shared.scorecard import Samples
from shared.units import Ns


class Right(msgspec.Struct, frozen=True, array_like=True):
    """Our own taker goes first: until `until_ns` no quote of ours may stand opposite to `side`."""

    side: Side
    until_ns: Ns


class CoinState(msgspec.Struct):
    """The newest that was heard of one coin; None: nothing yet. Funding is what longs pay an hour, in bps.

    `budgets_usd` is what the Risk Officer lets the coin's position come to, by strategy ("": everybody's).
    """

    features: FeatureUpdate | None = None
    regime: RegimeUpdate | None = None
    regime_ns: Ns = Ns(0)
    funding_bps: float = 0.0
    right: Right | None = None
    budgets_usd: dict[str, int] = {}


class StrategyState(msgspec.Struct):
    """One strategy: position in signed lots, intents made, when it last decided and acted, pauses, its averages."""

    net_sz: int = 0
    intents: int = 0
    decided_ns: Ns = Ns(0)
    acted_ns: Ns = Ns(0)
    paused_until_ns: Ns = Ns(0)
    denials_in_a_row: int = 0
    last_denial: DenyReason | None = None
    averages: Averages = msgspec.field(default_factory=Averages)


class Desk(msgspec.Struct):
    """The Hat's whole state."""

    run: int | None = None
    situation: Situation = msgspec.field(default_factory=Situation)
    throttle_ns: int = 0
    instruments: dict[str, Instrument] = {}
    coins: dict[str, CoinState] = {}
    strategies: dict[StrategyId, StrategyState] = {}
    working: dict[Cloid, WorkingOrder] = {}
    markouts: list[PendingMarkout] = []
    features_heard: int = 0
    features_decided: int = 0
    samples: Samples = msgspec.field(default_factory=Samples)

    def coin(self, name: str) -> CoinState:
        """What is remembered of a coin, made when first asked for."""
        return self.coins.setdefault(name, CoinState())

    def orders_of(self, strategy: StrategyId) -> list[WorkingOrder]:
        """Orders of one strategy that may be open."""
        return [order for order in self.working.values() if order.strategy == strategy]

    def orders_on(self, coin: str) -> Iterator[WorkingOrder]:
        """Orders of all strategies on one coin that may be open."""
        return (order for order in self.working.values() if order.coin == coin)

    def take_fill(self, booked: FillBooked, on_coin: list[StrategyId]) -> None:
        """Move the position that the fill belongs to. The house's own closing order closes what strategies hold."""
        fill = booked.fill
        if booked.strategy in self.strategies:
            self.strategies[booked.strategy].net_sz += fill.side.value * fill.sz
        elif booked.strategy in HOUSE:
            self._close_by(fill, on_coin)

    def _close_by(self, fill: Fill, on_coin: list[StrategyId]) -> None:
        left = int(fill.sz)
        for strategy in on_coin:
            state = self.strategies[strategy]
            closed = min(left, max(-fill.side.value * state.net_sz, 0))
            state.net_sz += fill.side.value * closed
            left -= closed
