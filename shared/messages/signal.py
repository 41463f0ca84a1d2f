"""What the analysts conclude. Floats are features: USDC, coins, basis points and ratios."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from shared.ids import Cloid, StrategyId
from shared.messages.message import Lane, Message
from shared.order import How, Side, Tif
from shared.units import Ns, Px, Sz


class FeatureUpdate(Message, frozen=True):
    """The state of one coin's book in numbers, conflatable like the book it comes from.

    `imbalance` is (bid - ask) / (bid + ask) size over the first levels, in [-1, 1]. `flow_imbalance` is the order-flow
    imbalance of the last window over its mean depth. `buy_slippage_bps` and `sell_slippage_bps` forecast the cost of
    taking `probe_usd` against the mid. `traded_sz` counts the lots that the market traded, from wherever it began.
    """

    lane: ClassVar[Lane] = Lane.MARKET

    coin: str
    book_exch_ns: Ns
    book_recv_ns: Ns
    best_bid_px: Px
    best_ask_px: Px
    mid: float
    microprice: float
    spread_bps: float
    bid_depth_usd: float
    ask_depth_usd: float
    imbalance: float
    flow_imbalance: float
    probe_usd: float
    buy_slippage_bps: float
    sell_slippage_bps: float
    traded_sz: int = 0

    def conflation_key(self) -> str | None:
        """Only the latest features of a coin matter."""
        return self.coin


class Regime(StrEnum):
    """How volatile the market is, as filtered so far."""

    CALM = "calm"
    NORMAL = "normal"
    TURBULENT = "turbulent"


class RegimeUpdate(Message, frozen=True):
    """Filtered regime probabilities (calm, normal, turbulent; they sum to 1) after a closed bar.

    `sigma_bps` forecasts the standard deviation of the next bar's return.
    """

    coin: str
    bar_close_ns: Ns
    bar_ns: int
    regime: Regime
    probabilities: tuple[float, float, float]
    sigma_bps: float


class OrderIntent(Message, frozen=True):
    """A strategy wants an order. With `replaces` it wants it instead of that order.

    `book_recv_ns` is the age anchor: the receive time of the data it was decided on. `how` None: a limit order.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    cloid: Cloid
    strategy: StrategyId
    coin: str
    side: Side
    px: Px
    sz: Sz
    tif: Tif
    reduce_only: bool
    replaces: Cloid | None
    book_recv_ns: Ns
    reason: str
    how: How | None = None


class CancelIntent(Message, frozen=True):
    """A strategy no longer wants an order. Never needs approval."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    cloid: Cloid
    strategy: StrategyId
    reason: str
