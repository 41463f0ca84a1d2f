"""A stop at the venue for every position: it is still there when the desk is not.

A stop is a reduce-only market trigger of at least the whole position, so it can close and never open. The new one is
proven to rest before the old one is cancelled. Fact sheet 4.6: untriggered triggers hold no margin, and one that fires
is clipped to the position; nothing cancels it when the position goes, so that is done here.

Its level is counted from the average entry price. Where the market has gone so far the other way that the level lies
more than `FAR` distances off, it follows. Where the market is at the level already, or beyond, it lies a part (`NEAR`)
of its distance away from the market, as near as the venue and the Risk Officer take it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.execution_manager import life, sending
from hats.execution_manager.measures import UNPROTECTED
from hats.execution_manager.records import NEVER, Guard, Order, Turn
from shared.ids import PROTECT, PROTECT_NUMBER, cloid_for, intent_number_of
from shared.messages import AnyMessage
from shared.messages.risk import OrderDenied
from shared.messages.signal import FeatureUpdate, OrderIntent
from shared.order import Side, Tif, Trigger, TriggerKind
from shared.units import MS, SECOND, Ns, Px, Rounding, Sz, round_ratio, round_to_multiple, tick_at

BPS: Final = 10_000
FAR: Final = 2
"""A stop lies at most so many times its distance from the market."""
NEAR: Final = 10
"""It lies at least this part (one in so many) of its distance from the market."""
SLACK: Final = 4
"""It may lie this part (one in so many) of its distance off from where it belongs before it is moved."""
PAUSE_DOUBLINGS_MAX: Final = 6


def may_stay(turn: Turn, order: Order) -> bool:
    """Is it a stop of a position that is held, so that it may outlive the run?"""
    return bool(turn.settings.protect_stop_bps) and order.strategy == PROTECT and _is_closing(turn, order)


def denied(turn: Turn, denial: OrderDenied) -> None:
    """The Risk Officer did not let a stop pass; it is asked for again after a pause that doubles."""
    guard = turn.state.guards.get(denial.coin)
    if guard is not None and guard.asked == denial.cloid:
        _pause(turn, guard)


def advance(turn: Turn) -> Iterator[AnyMessage]:
    """What is missing, or too much, at each coin; looked at again after every message."""
    state = turn.state
    if not turn.settings.protect_stop_bps:
        return
    stops: dict[str, list[Order]] = {}
    for order in state.orders.values():
        if order.strategy == PROTECT:
            stops.setdefault(order.coin, []).append(order)
    held = {coin for coin, net_sz in state.positions.items() if net_sz}
    state.guards_ns = Ns(turn.now + turn.settings.protect_every_ms * MS) if held else NEVER
    for coin in sorted(held | stops.keys() | state.guards.keys()):
        yield from _guard(turn, coin, stops.get(coin, []))
    state.soonest_ns = min(state.soonest_ns, state.guards_ns)


def _guard(turn: Turn, coin: str, stops: list[Order]) -> Iterator[AnyMessage]:
    """One coin: the one good stop stays, what else there is goes, and where none is one is asked for."""
    state = turn.state
    is_held = bool(state.positions.get(coin, 0))
    guard = state.guards.setdefault(coin, Guard())
    good = [stop for stop in stops if is_held and _covers(turn, stop)]
    proven = [stop for stop in good if stop.is_proven and stop.state in life.QUIET]
    kept = max(proven, key=lambda stop: (stop.is_proven, intent_number_of(stop.cloid)), default=None)
    if kept is not None:
        _be_right(turn, guard)
        for stop in stops:
            if stop is not kept and not stop.wants_cancel:
                yield from life.want_gone(turn, stop, f"{kept.cloid} covers the position")
    elif not is_held and not stops:
        del state.guards[coin]
    elif _has_settled(turn, guard):
        for stop in stops:
            if not stop.wants_cancel and not _is_closing(turn, stop):
                yield from life.want_gone(turn, stop, "what it protected is gone")
        if is_held and not good:
            yield from _ask(turn, coin, guard)


def _is_closing(turn: Turn, stop: Order) -> bool:
    """Would it bring the position nearer to zero?"""
    return stop.side.value * turn.state.positions.get(stop.coin, 0) < 0


def _covers(turn: Turn, stop: Order) -> bool:
    """Does it, or will it, close the whole position, not too far from the market?"""
    is_wanted = not stop.wants_cancel and stop.ending is None
    if not is_wanted or not _is_closing(turn, stop) or stop.sz - stop.filled_sz < abs(turn.state.positions[stop.coin]):
        return False
    return not isinstance(stop.how, Trigger) or _is_in_place(turn, stop.coin, stop.how.px)


def _is_in_place(turn: Turn, coin: str, px: Px) -> bool:
    """Is that price of a stop as near as it has to be? Where no price is known, it is."""
    feature = turn.state.features.get(coin)
    if feature is None or coin not in turn.state.instruments:
        return True
    outward = _outward(turn, coin)
    slack_px = _entry(turn, coin, feature, 0, Rounding.DOWN) * turn.settings.protect_stop_bps // (BPS * SLACK)
    return outward * (px - _trigger_px(turn, coin, feature)) <= slack_px


def _be_right(turn: Turn, guard: Guard) -> None:
    if guard.wrong_ns != NEVER:
        turn.state.samples.add(UNPROTECTED.name, (turn.now - guard.wrong_ns) / SECOND)
    guard.wrong_ns, guard.asked, guard.denials, guard.retry_ns = NEVER, None, 0, Ns(0)


def _has_settled(turn: Turn, guard: Guard) -> bool:
    """Has it been wrong for long enough to act? A position that changes all the time is waited for."""
    if guard.wrong_ns == NEVER:
        guard.wrong_ns = turn.now
    return not _is_before(turn, guard.wrong_ns + turn.settings.protect_settle_ms * MS)


def _is_before(turn: Turn, at: int) -> bool:
    """Is `at` still to come? Then it is looked at again by then."""
    if turn.now >= at:
        return False
    turn.state.guards_ns = Ns(min(turn.state.guards_ns, at))
    return True


def _pause(turn: Turn, guard: Guard) -> None:
    guard.asked, guard.denials = None, guard.denials + 1
    pause_ms = turn.settings.protect_settle_ms << min(guard.denials, PAUSE_DOUBLINGS_MAX)
    guard.retry_ns = Ns(turn.now + max(pause_ms, 1) * MS)


def _ask(turn: Turn, coin: str, guard: Guard) -> Iterator[AnyMessage]:
    """The stop as an intent, to be approved like any other; one at a time, and not where no price is known."""
    state = turn.state
    if guard.asked is not None and state.find(guard.asked, 0) is None:
        if _is_before(turn, guard.asked_ns + turn.settings.child_answer_ms * MS):
            return
    elif guard.asked is not None:
        _pause(turn, guard)  # it was sent, and ended without covering anything
    feature = state.features.get(coin)
    if _is_before(turn, guard.retry_ns) or feature is None or coin not in state.instruments:
        return
    if sending.forbidden(turn, PROTECT, reduce_only=True) is None:
        intent = _stop(turn, coin, feature)
        guard.asked, guard.asked_ns = intent.cloid, turn.now
        yield intent


def _stop(turn: Turn, coin: str, feature: FeatureUpdate) -> OrderIntent:
    """A market trigger of the whole position, rounded to ticks towards the market, so that bounds hold exactly."""
    state, settings = turn.state, turn.settings
    net_sz = state.positions[coin]
    side = Side.SELL if net_sz > 0 else Side.BUY
    trigger_px = _trigger_px(turn, coin, feature)
    reach = trigger_px * (BPS + side.value * settings.protect_reach_bps)
    px = _on_tick(turn, coin, reach, BPS, Rounding.UP if side is Side.SELL else Rounding.DOWN)
    state.stop_count += 1
    return OrderIntent(
        cloid=cloid_for(state.run, PROTECT_NUMBER, state.stop_count),
        strategy=PROTECT,
        coin=coin,
        side=side,
        px=px,
        sz=Sz(abs(net_sz)),
        tif=Tif.IOC,
        reduce_only=True,
        replaces=None,
        book_recv_ns=feature.book_recv_ns,
        reason=f"a stop for {net_sz} lots",
        how=Trigger(trigger_px, TriggerKind.STOP_LOSS),
    )


def _outward(turn: Turn, coin: str) -> int:
    """Where a stop lies, seen from the market: below it for a long position (-1), above it for a short one (1)."""
    return -1 if turn.state.positions[coin] > 0 else 1


def _trigger_px(turn: Turn, coin: str, feature: FeatureUpdate) -> Px:
    """Where the stop belongs: at its distance from the entry price, but neither too near to the market nor too far."""
    outward, bps = _outward(turn, coin), turn.settings.protect_stop_bps
    inward, further = (Rounding.DOWN, Rounding.UP) if outward > 0 else (Rounding.UP, Rounding.DOWN)
    twice_mid = feature.best_bid_px + feature.best_ask_px
    level = _entry(turn, coin, feature, outward * bps, inward)
    near = _on_tick(turn, coin, twice_mid * (BPS * NEAR + outward * bps), 2 * BPS * NEAR, further)
    far = _on_tick(turn, coin, twice_mid * (BPS + outward * FAR * bps), 2 * BPS, inward)
    return sorted((level, near, far))[1]


def _entry(turn: Turn, coin: str, feature: FeatureUpdate, bps: int, rounding: Rounding) -> Px:
    """The average entry price and so many basis points; the mid stands in where nobody told what the position cost."""
    cost_usd, net_sz = turn.state.costs.get(coin, 0), turn.state.positions[coin]
    if not cost_usd:
        cost_usd, net_sz = feature.best_bid_px + feature.best_ask_px, 2
    return _on_tick(turn, coin, abs(cost_usd) * (BPS + bps), abs(net_sz) * BPS, rounding)


def _on_tick(turn: Turn, coin: str, numerator: int, denominator: int, rounding: Rounding) -> Px:
    decimals = turn.state.instruments[coin].sz_decimals
    px = Px(round_ratio(numerator, denominator, rounding))
    return Px(round_to_multiple(px, tick_at(px, decimals), rounding))
