"""TWAP orders: placed, run suborder by suborder as their times come, ended; all that is known about them."""

from __future__ import annotations

from collections import deque
from typing import Final

from shared.instrument import MIN_NOTIONAL_USD
from shared.rules.twap import (
    MIN_VALUE_USD,
    SLICE_SPAN,
    is_duration,
    slice_count,
    slice_percent,
    slice_reach_px,
    slice_sz,
)
from shared.units import USD_DECIMALS, Px, Rounding, Sz, round_to_multiple
from shared.venue.core import timed_words, words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.clockwork import MARK_SPAN
from shared.venue.core.commands import OrderSpec, Tif
from shared.venue.core.events import FillHappened, TwapChanged
from shared.venue.core.later import Twap
from shared.venue.core.market import Market
from shared.venue.core.outcomes import Cancelled, Refused, TwapRunning
from shared.venue.core.timed_commands import CancelTwap, PlaceTwap, TwapSpec
from shared.venue.core.world import Answer, World

KIND: Final = "twap"
USD_DECIMALS_ON_SPOT: Final = 8


def place(world: World, command: PlaceTwap, block: Block) -> Answer:
    """The id of a TWAP order that runs or waits now, or why there is none."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    spec = command.twap
    market = world.markets.get(spec.asset)
    if market is None:
        return words.for_asset(words.UNKNOWN_ASSET, spec.asset)
    if not market.is_open:
        return words.HALTED
    fault = _fault(spec, account, market)
    if fault is not None:
        return (Refused(fault),)
    twaps = world.twaps
    twap = twaps.active[twaps.next_id] = Twap(twaps.next_id, command.user, spec, block.now_ms)
    twaps.next_id += 1
    if spec.trigger is None:
        _activate(world, twap, block)
    else:
        _tell(world, twap, "waitingForTrigger", None, block)
        world.agenda.add((block.now_ns // MARK_SPAN + 1) * MARK_SPAN, KIND, twap.twap_id)
    return (TwapRunning(twap.twap_id),)


def cancel(world: World, command: CancelTwap, block: Block) -> Answer:
    """The order ended, or the venue's word that there is none."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    twap = world.twaps.active.get(command.twap_id)
    if twap is None or twap.user != command.user or twap.spec.asset != command.asset:
        return (Refused(timed_words.TWAP_MISSING),)
    _end(world, twap, "terminated", None, block)
    return (Cancelled(),)


def fire(world: World, twap_id: int, block: Block) -> None:
    """The order's time has come: its next suborder, or another look at its trigger. Nothing for one that ended."""
    twap = world.twaps.active.get(twap_id)
    if twap is None:
        return
    if twap.start_ns:
        _slice(world, twap, block)
        return
    trigger = twap.spec.trigger
    mark_px = world.markets[twap.spec.asset].prices.mark_px
    if trigger is None or (mark_px >= trigger.px if trigger.is_above else mark_px <= trigger.px):
        _activate(world, twap, block)
    else:
        world.agenda.add(block.now_ns + MARK_SPAN, KIND, twap.twap_id)


def _fault(spec: TwapSpec, account: Account, market: Market) -> str | None:
    """What forbids the order."""
    if spec.sz == 0:
        return words.ZERO_SIZE
    if not is_duration(spec.minutes):
        return timed_words.twap_duration(spec.minutes)
    if spec.sz * _reference_px(market) < MIN_VALUE_USD * _scale(market):
        return timed_words.TWAP_VALUE
    if spec.reduce_only and market.is_spot:
        return words.SPOT_REDUCE_ONLY
    if spec.reduce_only:
        holding = account.holdings.get(spec.asset)
        net = 0 if holding is None else holding.position.net_sz
        if net == 0 or spec.is_buy == (net > 0):
            return timed_words.TWAP_REDUCE_ONLY
    return None


def _activate(world: World, twap: Twap, block: Block) -> None:
    """The time of the order begins."""
    twap.start_ns = block.now_ns
    _tell(world, twap, "activated", None, block)
    if world.policy.twap_first_slice == "at_once":
        _slice(world, twap, block)
    else:
        world.agenda.add(block.now_ns + SLICE_SPAN, KIND, twap.twap_id)


def _slice(world: World, twap: Twap, block: Block) -> None:
    """Send the next suborder and plan the one after it, or end the order."""
    twap.slices += 1
    spec = twap.spec
    count = slice_count(spec.minutes, world.policy.twap_first_slice == "at_once")
    error = _send(world, twap, count, block)
    if error is not None and world.policy.twap_after_refusal == "end":
        _end(world, twap, "error", error, block)
    elif twap.slices >= count or twap.executed_sz >= spec.sz:
        _end(world, twap, "finished", None, block)
    else:
        world.agenda.add(block.now_ns + SLICE_SPAN, KIND, twap.twap_id)


def _send(world: World, twap: Twap, count: int, block: Block) -> str | None:
    """Why the exchange did not let the suborder meet the book; None if it did, or if there was nothing to send."""
    spec, market = twap.spec, world.markets[twap.spec.asset]
    account = world.accounts.by_user[twap.user]
    px = _limit_px(market, spec.is_buy)
    percent = slice_percent(twap.twap_id, twap.slices) if spec.randomize else 100
    least_sz = -(-MIN_NOTIONAL_USD * _scale(market) // px)
    sz = slice_sz(spec.sz, twap.executed_sz, twap.slices, count, percent, least_sz)
    if not sz or not market.is_open or world.post_only:
        return None
    if not market.is_spot:
        account.holding(market.listing, market.prices)
    start = len(block.events)
    order = OrderSpec(spec.asset, spec.is_buy, px, Sz(sz), spec.reduce_only, Tif.IOC, twap_id=twap.twap_id)
    with block.unsigned():
        status = world.placing.place(order, account, market, block)
    for event in block.events[start:]:
        if isinstance(event, FillHappened) and event.twap_id == twap.twap_id:
            twap.executed_sz += event.sz
            twap.executed_usd += event.px * event.sz // _scale(market)
    if not isinstance(status, Refused) or status.error.startswith((words.IOC, words.NO_LIQUIDITY)):
        return None
    return status.error


def _limit_px(market: Market, is_buy: bool) -> Px:
    """The worst price of a suborder, on a tick."""
    reach = Px(max(slice_reach_px(_reference_px(market), is_buy), 1))
    rounding = Rounding.DOWN if is_buy else Rounding.UP
    return Px(round_to_multiple(reach, market.instrument.tick(reach), rounding))


def _reference_px(market: Market) -> int:
    """What slippage is measured from: the mid, or the mark (on spot the last trade) while a side is empty."""
    bid, ask = market.book.bids.best_px(), market.book.asks.best_px()
    if bid is not None and ask is not None:
        return (bid + ask) // 2
    return market.prices.mark_px or market.last_px or 0


def _scale(market: Market) -> int:
    """What price x size on this market is divided by to be micro-USDC."""
    return 10 ** (USD_DECIMALS_ON_SPOT - USD_DECIMALS) if market.is_spot else 1


def _end(world: World, twap: Twap, status: str, description: str | None, block: Block) -> None:
    """The order is over."""
    del world.twaps.active[twap.twap_id]
    _tell(world, twap, status, description, block)


def _tell(world: World, twap: Twap, status: str, description: str | None, block: Block) -> None:
    """Keep the change in the user's history and announce it."""
    changed = TwapChanged(twap.view(), status, description, block.now_ms)
    history = world.twaps.histories.get(twap.user)
    if history is None:
        history = world.twaps.histories[twap.user] = deque(maxlen=world.policy.kept_orders)
    history.append(changed)
    block.events.append(changed)
