"""The Risk Officer's word: approvals, denials with typed reasons, the trading state and what stands behind it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final

from shared.ids import Cloid, StrategyId
from shared.messages.control import KillLevel
from shared.messages.message import Lane, Message
from shared.messages.signal import OrderIntent
from shared.units import Ns, Usd


class DenyReason(StrEnum):
    """Why an intent may not become an order."""

    DISARMED = "disarmed"
    HALTED = "halted"
    REDUCING_ONLY = "reducing_only"
    UNKNOWN_COIN = "unknown_coin"
    BAD_PRICE = "bad_price"
    BAD_SIZE = "bad_size"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    PRICE_COLLAR = "price_collar"
    STALE_DATA = "stale_data"
    NOT_CAPTURED = "not_captured"
    CLOCK_OFFSET = "clock_offset"
    ORDER_NOTIONAL = "order_notional"
    POSITION_LIMIT = "position_limit"
    GROSS_EXPOSURE = "gross_exposure"
    STRATEGY_CAPITAL = "strategy_capital"
    LEVERAGE = "leverage"
    ORDER_RATE = "order_rate"
    OPEN_ORDERS = "open_orders"
    DRAWDOWN = "drawdown"
    NO_EQUITY = "no_equity"
    NOT_REDUCING = "not_reducing"
    DUPLICATE = "duplicate"
    SELF_MATCH = "self_match"
    STRATEGY_DISABLED = "strategy_disabled"
    FAT_FINGER = "fat_finger"
    PRICE_DRIFT = "price_drift"
    BAD_TRIGGER = "bad_trigger"
    WIDE_SPREAD = "wide_spread"
    PRICE_DISAGREEMENT = "price_disagreement"
    ORDER_DEPTH = "order_depth"
    NET_EXPOSURE = "net_exposure"
    CLUSTER_EXPOSURE = "cluster_exposure"
    CONCENTRATION = "concentration"
    MARGIN_USE = "margin_use"
    LIQUIDATION_DISTANCE = "liquidation_distance"
    DAILY_LOSS = "daily_loss"
    DAILY_VOLUME = "daily_volume"
    FUNDING_COST = "funding_cost"
    IN_DOUBT = "in_doubt"
    VALUE_AT_RISK = "value_at_risk"
    EXPECTED_SHORTFALL = "expected_shortfall"
    STRESS = "stress"
    SIZE_BUDGET = "size_budget"
    CASH_GAP = "cash_gap"


class RiskModel(StrEnum):
    """What a loss is read from."""

    HISTORICAL = "historical"
    """Returns as they were."""
    FILTERED = "filtered"
    """Returns as they were, told again at today's volatility."""
    MONTE_CARLO = "monte_carlo"
    """Draws from a Student t at today's volatility."""
    CORNISH_FISHER = "cornish_fisher"
    """A normal corrected for the skew and kurtosis of the filtered returns, where that is a distribution."""
    SCENARIO = "scenario"
    """A named day."""


class OrderApproved(Message, frozen=True):
    """The only thing that may become an order: the intent, once, until `expires_ns`.

    `mac` seals it for the signer (see `shared.approval`); empty: it can't be signed.
    """

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    intent: OrderIntent
    approval_id: int
    expires_ns: Ns
    mac: bytes = b""


class OrderDenied(Message, frozen=True):
    """The veto. `limit` and `found` are the evidence, in the unit that `detail` names.

    Where a loss was found, `model` is whose: of those that were asked the one that fears most.
    """

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    cloid: Cloid
    strategy: StrategyId
    coin: str
    reason: DenyReason
    limit: int
    found: int
    detail: str
    model: RiskModel | None = None


class TradingState(StrEnum):
    """What may be done at all. Tightening is instant; loosening needs the operator."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


LOOSE_TO_TIGHT: Final = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)
STATE_FOR: Final = {
    KillLevel.PAUSE: TradingState.HALTED,
    KillLevel.REDUCE: TradingState.REDUCING,
    KillLevel.FLATTEN: TradingState.HALTED,
}
"""What a kill allows: "no new orders" and "close everything" leave no room for a strategy's own orders."""


class TradingStateChanged(Message, frozen=True):
    """The Risk Officer tightened or (on the operator's word) loosened the trading state."""

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    state: TradingState
    reason: str


class RiskAlert(Message, frozen=True):
    """Something goes wrong and was confirmed. Unless acknowledged by `until_ns`, trading tightens to `tightens_to`.

    `limit` and `found` are the evidence, in the unit that `detail` names.
    """

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    name: str
    tightens_to: TradingState
    until_ns: Ns
    limit: int
    found: int
    detail: str


class AlertAcknowledged(Message, frozen=True):
    """The operator knows of the alert and takes it on: it does not tighten trading by itself any more.

    `signature` (hex) is the operator's over the run, the name, the reason and `ns`; empty where the desk asks for none.
    """

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    name: str
    reason: str
    ns: Ns = Ns(0)
    signature: str = ""


class VarianceFitted(Message, frozen=True):
    """A job of the run fitted GARCH(1,1) to so many returns of a coin, each of `every_ms`: these are the weights."""

    coin: str
    alpha: float
    beta: float
    returns: int
    every_ms: int


class VarianceJudged(Message, frozen=True):
    """What the Risk Officer made of a fit: the weights that hold now; without a `refusal` the fitted ones."""

    coin: str
    alpha: float
    beta: float
    refusal: str


class SizeBudget(Message, frozen=True):
    """How large a coin's position may be with everything open on one side filled, so that nobody asks for more in vain.

    `strategy` is whose orders it is for; None: everybody's. It is advice: the controls deny what is beyond as it stands
    then. Told when it changed.
    """

    coin: str
    strategy: StrategyId | None
    limit_usd: Usd
    rule: str


class MarksKept(Message, frozen=True):
    """What the account's losses are counted from, as its last run left it, in micro-USDC; said as a run begins.

    `day_open_usd` is the equity that the UTC day (its number since 1970) began with. `flat_equity_usd` is what the run
    ended with if it held nothing then, so that what changed since was brought or taken away; None: it may be a loss.
    `day_approved_usd` is the notional approved within that day; `disabled` are the strategies that the operator has not
    let go on.
    """

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    peak_usd: Usd
    day: int
    day_open_usd: Usd
    flat_equity_usd: Usd | None
    day_approved_usd: Usd = Usd(0)
    disabled: tuple[StrategyId, ...] = ()


class RiskReport(Message, frozen=True):
    """Exposure against limits, in micro-USDC; worst cases count everything in flight.

    The tail's figures are of the worst cases too, each by the model that fears most; None while a coin's history is
    too short to know. `unheard` says which model has no say on these positions, and why. `day_open_usd` is the equity
    that the UTC `day` (its number since 1970) began with; None before equity is known. `fitted` are alpha and beta of
    the coins whose variance follows fitted weights; for the others those of the settings hold. `day_approved_usd` is
    the notional approved within the day; `disabled` are the strategies that were stopped for doing the same thing over
    and over.
    """

    equity_usd: Usd
    peak_equity_usd: Usd
    gross_usd: Usd
    net_usd: Usd
    worst_gross_usd: Usd
    gross_limit_usd: Usd
    drawdown_ratio: float
    drawdown_limit_ratio: float
    open_orders: int
    state: TradingState
    value_at_risk_usd: Usd | None = None
    expected_shortfall_usd: Usd | None = None
    stress_usd: Usd | None = None
    value_at_risk_model: RiskModel | None = None
    expected_shortfall_model: RiskModel | None = None
    unheard: str = ""
    day: int = -1
    day_open_usd: Usd | None = None
    fitted: dict[str, tuple[float, float]] = {}
    day_approved_usd: Usd = Usd(0)
    disabled: tuple[StrategyId, ...] = ()
