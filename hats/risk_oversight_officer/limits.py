"""The limits, one function each: an intent, what we know, and the first limit that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, NamedTuple

from hats.risk_oversight_officer.exposure import Exposure, Worst
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State
from shared.ids import FLATTEN, intent_number_of, is_ours, run_of, strategy_number_of
from shared.instrument import MIN_NOTIONAL_USD, Instrument
from shared.messages.risk import DenyReason, TradingState
from shared.messages.signal import OrderIntent
from shared.units import MS, USD, Ns, notional, tick_at

BPS: Final = 10_000


class Breach(NamedTuple):
    """A limit that an intent would break: the limit, what was found, both in the unit that `detail` names."""

    reason: DenyReason
    limit: int
    found: int
    detail: str


class Case:
    """One intent with everything that is known at the moment of judging it."""

    def __init__(self, intent: OrderIntent, state: State, settings: Settings, now: Ns) -> None:
        self.intent = intent
        self.state = state
        self.settings = settings
        self.now = now
        self.exposure = state.exposures.get(intent.coin) or Exposure()

    @cached_property
    def is_reducing(self) -> bool:
        """Can it only bring the position nearer to zero? Reduce-only, against the position, and no larger than it."""
        held = -self.intent.side.value * self.exposure.net_sz
        return self.intent.reduce_only and 0 < self.intent.sz <= held

    @cached_property
    def is_exit(self) -> bool:
        """Is it a reducing order of the Execution Manager that closes everything? It may pass in any trading state."""
        return self.intent.strategy == FLATTEN and self.is_reducing

    @cached_property
    def notional_usd(self) -> int:
        """Its value at its own price, micro-USDC."""
        return notional(self.intent.px, self.intent.sz)

    @cached_property
    def worst(self) -> Worst:
        """The coin's worst case with it."""
        return self.exposure.worst_with(self.intent.side, self.intent.sz, self.intent.reduce_only)

    @cached_property
    def adds_exposure(self) -> bool:
        """Does it let the coin's position grow beyond what is possible already?"""
        return self.worst.sz > self.exposure.worst().sz

    @cached_property
    def gross_usd(self) -> tuple[int, str | None]:
        """All coins' worst positions with it, micro-USDC, and a coin that nobody can value."""
        others, unpriced = self.state.worst_gross_usd(besides=self.intent.coin)
        return others + self.worst.sz * self.state.market.reference_px(self.intent.coin), unpriced


def check_purpose(case: Case) -> Breach | None:
    """A reduce-only order must reduce: the venue would refuse or clip it."""
    if not case.intent.reduce_only or case.is_reducing:
        return None
    held = -case.intent.side.value * case.exposure.net_sz
    return Breach(DenyReason.NOT_REDUCING, max(held, 0), case.intent.sz, "lots that there are to close")


def check_state(case: Case) -> Breach | None:
    """The desk is armed and the trading state allows it; closing everything is always allowed."""
    switch = case.state.switch
    if case.is_exit:
        return None
    if switch.trading is TradingState.HALTED:
        return check_drawdown(case.state, case.settings) or Breach(DenyReason.HALTED, 0, 1, switch.why)
    obstacle = switch.obstacle()
    if obstacle is not None:
        return Breach(DenyReason.DISARMED, 0, 1, obstacle)
    if switch.trading is TradingState.REDUCING and not case.is_reducing:
        return Breach(DenyReason.REDUCING_ONLY, 0, 1, switch.why)
    return None


def check_drawdown(state: State, settings: Settings) -> Breach | None:
    """Equity is no further below its peak than allowed."""
    drawdown, peak = state.drawdown_usd(), state.peak_usd
    if drawdown * BPS <= settings.drawdown_limit_bps * peak:
        return None
    found = -(-drawdown * BPS // peak) if peak > 0 else BPS
    return Breach(DenyReason.DRAWDOWN, settings.drawdown_limit_bps, found, "bps below the highest equity")


def check_coin(case: Case) -> Breach | None:
    """The venue lists the coin."""
    instrument = case.state.market.instruments.get(case.intent.coin)
    if instrument is None:
        return Breach(DenyReason.UNKNOWN_COIN, 0, 0, f"{case.intent.coin} is not in the universe")
    if instrument.is_delisted:
        return Breach(DenyReason.UNKNOWN_COIN, 0, 0, f"{case.intent.coin} is delisted")
    return None


def check_id(case: Case) -> Breach | None:
    """Its id is of this run and newer than every id of its strategy that was approved: an intent passes once."""
    cloid = case.intent.cloid
    if not is_ours(cloid) or run_of(cloid) != case.state.run:
        return Breach(DenyReason.DUPLICATE, case.state.run, 0, f"{cloid} is no id of this run")
    last = case.state.last_intents.get(str(strategy_number_of(cloid)), -1)
    number = intent_number_of(cloid)
    if number <= last:
        return Breach(DenyReason.DUPLICATE, last + 1, number, "intent number of its strategy, which only rises")
    return None


def check_price(case: Case) -> Breach | None:
    """The venue would take the price: positive and on the tick that holds at it."""
    instrument, px = _instrument(case), case.intent.px
    if instrument.is_on_tick(px):
        return None
    return Breach(DenyReason.BAD_PRICE, tick_at(px, instrument.sz_decimals), px, "price units; the limit is the tick")


def check_size(case: Case) -> Breach | None:
    """There is something to trade."""
    return None if case.intent.sz > 0 else Breach(DenyReason.BAD_SIZE, 1, case.intent.sz, "lots")


def check_data(case: Case) -> Breach | None:
    """The feed is up, and both the book it was decided on and our own are fresh (and not from the future)."""
    settings = case.settings
    limit_ms = settings.exit_data_age_limit_ms if case.is_exit else settings.data_age_limit_ms
    feature = case.state.market.features.get(case.intent.coin)
    if feature is None:
        return Breach(DenyReason.STALE_DATA, limit_ms, 0, f"no book of {case.intent.coin} was seen yet")
    if not case.state.market.is_feed_up and not case.is_exit:
        return Breach(DenyReason.STALE_DATA, 1, 0, "the feed is not up")
    for recv_ns, whose in ((case.intent.book_recv_ns, "the intent's book"), (feature.book_recv_ns, "our own book")):
        age_ns = case.now - recv_ns
        if abs(age_ns) > limit_ms * MS:
            return Breach(DenyReason.STALE_DATA, limit_ms, age_ns // MS, f"ms old is {whose}")
    return None


def check_collar(case: Case) -> Breach | None:
    """The price lies within its collars around our own mid and, when known, the venue's oracle."""
    intent, settings = case.intent, case.settings
    feature = case.state.market.features[intent.coin]
    twice_mid = feature.best_bid_px + feature.best_ask_px
    if not _within(2 * intent.px, twice_mid, settings.price_collar_bps):
        found = _bps_between(2 * intent.px, twice_mid)
        return Breach(DenyReason.PRICE_COLLAR, settings.price_collar_bps, found, "bps away from our mid")
    context = case.state.market.contexts.get(intent.coin)
    if context is None or context.oracle_px <= 0:
        return None
    if not _within(intent.px, context.oracle_px, settings.oracle_collar_bps):
        found = _bps_between(intent.px, context.oracle_px)
        return Breach(DenyReason.PRICE_COLLAR, settings.oracle_collar_bps, found, "bps away from the oracle")
    return None


def check_min_notional(case: Case) -> Breach | None:
    """It reaches the venue's minimum, unless it closes the whole position."""
    if case.notional_usd >= MIN_NOTIONAL_USD or (case.is_reducing and case.intent.sz == abs(case.exposure.net_sz)):
        return None
    return Breach(DenyReason.BELOW_MIN_NOTIONAL, MIN_NOTIONAL_USD, case.notional_usd, "micro-USDC")


def check_order_notional(case: Case) -> Breach | None:
    """It is not larger than one order may be; closing everything is bounded by the position."""
    limit_usd = case.settings.order_limit_usd * USD
    if case.is_exit or case.notional_usd <= limit_usd:
        return None
    return Breach(DenyReason.ORDER_NOTIONAL, limit_usd, case.notional_usd, "micro-USDC of one order")


def check_self_match(case: Case) -> Breach | None:
    """It would not trade with an order of our own. The order that it replaces leaves the book first."""
    intent, sign = case.intent, case.intent.side.value
    crossed = [
        (cloid, order.px)
        for cloid, order in case.exposure.orders.items()
        if order.side is not intent.side and cloid != intent.replaces and sign * (intent.px - order.px) >= 0
    ]
    if not crossed:
        return None
    cloid, px = min(crossed)
    return Breach(DenyReason.SELF_MATCH, px, intent.px, f"price units; {cloid} is our own order")


def check_position(case: Case) -> Breach | None:
    """The coin's position stays within its limit if every open order on that side fills, replaced ones too."""
    coin = case.intent.coin
    limit_usd = position_limit_usd(case.state, case.settings, coin)
    worst_usd = case.worst.on(case.intent.side) * case.state.market.reference_px(coin)
    if worst_usd <= limit_usd:
        return None
    return Breach(DenyReason.POSITION_LIMIT, limit_usd, worst_usd, "micro-USDC, everything open filled against us")


def check_gross(case: Case) -> Breach | None:
    """All coins' worst positions together stay within their limit; an order that adds nothing passes."""
    if not case.adds_exposure:
        return None
    limit_usd = case.settings.gross_limit_usd * USD
    gross_usd, unpriced = case.gross_usd
    if unpriced is not None:
        return Breach(DenyReason.GROSS_EXPOSURE, limit_usd, gross_usd, f"micro-USDC without {unpriced}: no price known")
    if gross_usd <= limit_usd:
        return None
    return Breach(DenyReason.GROSS_EXPOSURE, limit_usd, gross_usd, "micro-USDC, every coin at its worst")


def check_leverage(case: Case) -> Breach | None:
    """Equity is known, fresh and large enough for the worst gross exposure; an order that adds nothing passes."""
    state, settings = case.state, case.settings
    if not case.adds_exposure:
        return None
    if state.equity_usd is None:
        return Breach(DenyReason.NO_EQUITY, settings.equity_age_limit_ms, 0, "the ledger has not spoken yet")
    age_ms = (case.now - state.equity_ns) // MS
    if case.now - state.equity_ns > settings.equity_age_limit_ms * MS:
        return Breach(DenyReason.NO_EQUITY, settings.equity_age_limit_ms, age_ms, "ms old is the equity")
    if state.equity_usd <= 0:
        return Breach(DenyReason.NO_EQUITY, 1, state.equity_usd, "micro-USDC of equity")
    gross_usd, _ = case.gross_usd
    if gross_usd * 100 <= settings.leverage_limit_percent * state.equity_usd:
        return None
    found = -(-gross_usd * 100 // state.equity_usd)
    return Breach(DenyReason.LEVERAGE, settings.leverage_limit_percent, found, "percent of equity, everything filled")


def check_rate(case: Case) -> Breach | None:
    """Not too many orders within the window."""
    settings = case.settings
    since = case.now - settings.order_rate_window_ms * MS
    recent = 1 + sum(ns > since for ns in case.state.approved_ns)
    if case.is_exit or recent <= settings.order_rate_limit:
        return None
    return Breach(DenyReason.ORDER_RATE, settings.order_rate_limit, recent, f"in {settings.order_rate_window_ms} ms")


def check_open_orders(case: Case) -> Breach | None:
    """Not too many orders open at once, those in doubt included."""
    found, limit = len(case.state.order_coins) + 1, case.settings.open_orders_limit
    if case.is_exit or found <= limit:
        return None
    return Breach(DenyReason.OPEN_ORDERS, limit, found, "open orders")


CHECKS: Final[tuple[Callable[[Case], Breach | None], ...]] = (
    check_purpose,
    check_state,
    check_coin,
    check_id,
    check_price,
    check_size,
    check_data,
    check_collar,
    check_min_notional,
    check_order_notional,
    check_self_match,
    check_position,
    check_gross,
    check_leverage,
    check_rate,
    check_open_orders,
)
"""In this order: what may be done at all, then the order by itself, then what it adds to everything else."""


def first_breach(case: Case) -> Breach | None:
    """The first limit that the intent breaks; None if it may pass."""
    for check in CHECKS:
        breach = check(case)
        if breach is not None:
            return breach
    return None


def position_limit_usd(state: State, settings: Settings, coin: str) -> int:
    """The position limit that holds for the coin now, in micro-USDC; tighter in a turbulent market."""
    limit_usd = settings.position_limits_usd.get(coin, settings.position_limit_usd) * USD
    return limit_usd * settings.turbulent_scale_percent // 100 if state.market.is_turbulent(coin) else limit_usd


def _instrument(case: Case) -> Instrument:
    return case.state.market.instruments[case.intent.coin]


def _within(px: int, middle: int, bps: int) -> bool:
    return abs(px - middle) * BPS <= bps * middle


def _bps_between(px: int, middle: int) -> int:
    """Distance in whole bps, rounded up, so that what is just over a limit does not read as equal to it."""
    return -(-abs(px - middle) * BPS // middle)
