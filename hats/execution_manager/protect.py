"""A stop and a take-profit at the venue for every position: they are still there when the desk is not.

Both are reduce-only market triggers of at least the whole position, so they can close and never open. A new one is
proven to rest before the old one is cancelled. Fact sheet 4.6: untriggered triggers hold no margin, and one that fires
is clipped to the position; nothing cancels it when the position goes, so that is done here. The one that did not fire
goes in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.execution_manager import life, sending
from hats.execution_manager.levels import Ground, Level, level_of
from hats.execution_manager.measures import UNPROTECTED
from hats.execution_manager.records import NEVER, Guard, Order, Turn
from shared.ids import PROTECT, PROTECT_NUMBER, cloid_for, intent_number_of
from shared.messages import AnyMessage
from shared.messages.risk import OrderDenied
from shared.messages.signal import FeatureUpdate, OrderIntent
from shared.order import OrderState, Tif, Trigger, TriggerKind, is_open
from shared.units import MS, SECOND, Ns, Sz

NAMES: Final = {TriggerKind.STOP_LOSS: "stop", TriggerKind.TAKE_PROFIT: "take-profit"}
"""What is kept at each position, one of each kind that has a distance in the settings."""
PAUSE_DOUBLINGS_MAX: Final = 6


def may_stay(turn: Turn, order: Order) -> bool:
    """Does it protect a position that is held, so that it may outlive the run?"""
    is_kept = order.strategy == PROTECT and isinstance(order.how, Trigger)
    return is_kept and bool(_distance_bps(turn, _kind_of(order))) and _is_closing(turn, order)


def denied(turn: Turn, denial: OrderDenied) -> None:
    """The Risk Officer did not let a trigger pass; it is asked for again after a pause that doubles."""
    for guards in turn.state.guards.values():
        guard = guards.get(denial.coin)
        if guard is not None and guard.asked == denial.cloid:
            _pause(turn, guard)


def uncovered(turn: Turn) -> list[str]:
    """Coins that are held and whose stop, if they are to have one, is not proven to rest."""
    if not _distance_bps(turn, TriggerKind.STOP_LOSS):
        return []
    covered = {order.coin for order in turn.state.orders.values() if _is_proven_stop(turn, order)}
    return sorted(coin for coin, net_sz in turn.state.positions.items() if net_sz and coin not in covered)


def _is_proven_stop(turn: Turn, order: Order) -> bool:
    is_stop = order.strategy == PROTECT and _kind_of(order) is TriggerKind.STOP_LOSS
    return is_stop and bool(turn.state.positions.get(order.coin)) and _covers(turn, order) and _rests(order)


def _rests(order: Order) -> bool:
    return order.is_proven and order.state in life.QUIET


def try_again(turn: Turn) -> None:
    """Something has changed for the better: no pause is waited out."""
    for guards in turn.state.guards.values():
        for guard in guards.values():
            guard.retry_ns = Ns(0)


def advance(turn: Turn) -> Iterator[AnyMessage]:
    """What is missing, or too much, at each coin; looked at again after every message."""
    state = turn.state
    kinds = [kind for kind in NAMES if _distance_bps(turn, kind)]
    if not kinds:
        return
    held = {coin for coin, net_sz in state.positions.items() if net_sz}
    state.guards_ns = Ns(turn.now + turn.settings.protect_every_ms * MS) if held else NEVER
    placed: dict[TriggerKind, dict[str, list[Order]]] = {kind: {} for kind in NAMES}
    for order in state.orders.values():
        if order.strategy == PROTECT:
            placed[_kind_of(order)].setdefault(order.coin, []).append(order)
    for kind in kinds:
        guards = state.guards.setdefault(kind, {})
        for coin in sorted(held | placed[kind].keys() | guards.keys()):
            yield from _guard(turn, kind, coin, placed[kind].get(coin, []))
    state.soonest_ns = min(state.soonest_ns, state.guards_ns)


def _guard(turn: Turn, kind: TriggerKind, coin: str, placed: list[Order]) -> Iterator[AnyMessage]:
    """One kind at one coin: the one good trigger stays, others go, and where none is one is asked for."""
    state = turn.state
    is_held = bool(state.positions.get(coin, 0))
    guard = state.guards[kind].setdefault(coin, Guard())
    good = [order for order in placed if is_held and _covers(turn, order)]
    proven = [order for order in good if _rests(order)]
    kept = max(proven, key=lambda order: intent_number_of(order.cloid), default=None)
    if kept is not None:
        _be_right(turn, kind, guard)
        for order in placed:
            if order is not kept and not order.wants_cancel:
                yield from life.want_gone(turn, order, f"{kept.cloid} covers the position")
    elif not is_held and not placed:
        del state.guards[kind][coin]
    elif _has_settled(turn, guard):
        for order in placed:
            if not order.wants_cancel and not _is_closing(turn, order):
                yield from life.want_gone(turn, order, "what it protected is gone")
        yield from _thin_out(turn, placed)
        if is_held and not good:
            yield from _ask(turn, kind, coin, guard)


def _thin_out(turn: Turn, placed: list[Order]) -> Iterator[AnyMessage]:
    """While a position grows on and on none covers all of it: of those that rest the largest is enough."""
    alive = [order for order in placed if _may_close(turn, order)]
    largest = max(filter(_rests, alive), key=lambda order: (_covered_sz(order), order.cloid), default=None)
    for order in alive:
        if largest is not None and order.cloid < largest.cloid and _covered_sz(order) <= _covered_sz(largest):
            yield from life.want_gone(turn, order, f"{largest.cloid} covers as much")


def _distance_bps(turn: Turn, kind: TriggerKind) -> int:
    settings = turn.settings
    return settings.protect_stop_bps if kind is TriggerKind.STOP_LOSS else settings.protect_take_bps


def _kind_of(order: Order) -> TriggerKind:
    assert isinstance(order.how, Trigger), f"{order.cloid} of the house waits for nothing"
    return order.how.kind


def _is_closing(turn: Turn, order: Order) -> bool:
    """Would it bring the position nearer to zero?"""
    return order.side.value * turn.state.positions.get(order.coin, 0) < 0


def _may_close(turn: Turn, order: Order) -> bool:
    """Is it open, or will it be, to close the position or a part of it?"""
    return is_open(order.state) and not order.wants_cancel and order.ending is None and _is_closing(turn, order)


def _covered_sz(order: Order) -> int:
    """Lots that it can close: what has not traded, or less if the venue has clipped it while it waits."""
    return order.left_sz if order.listed_sz is None else min(order.left_sz, order.listed_sz)


def _covers(turn: Turn, order: Order) -> bool:
    """Does it, or will it, close the whole position, from about where it belongs?"""
    if not _may_close(turn, order) or _covered_sz(order) < abs(turn.state.positions[order.coin]):
        return False
    feature = turn.state.features.get(order.coin)
    if feature is None or order.coin not in turn.state.instruments or not isinstance(order.how, Trigger):
        return True
    return _level(turn, order.how.kind, order.coin, feature).may_stay(order.how.px)


def _be_right(turn: Turn, kind: TriggerKind, guard: Guard) -> None:
    if guard.wrong_ns != NEVER and kind is TriggerKind.STOP_LOSS:
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


def _ask(turn: Turn, kind: TriggerKind, coin: str, guard: Guard) -> Iterator[AnyMessage]:
    """The trigger as an intent, to be approved like any other; one at a time, and not where no price is known."""
    state = turn.state
    before = state.find(guard.asked, 0) if guard.asked is not None else None
    if before is not None and _may_close(turn, before) and before.state is not OrderState.UNKNOWN:
        if not _rests(before):
            return  # it is on its way, and its answer comes first
        # it is there, and no longer enough, for the position has changed meanwhile: that denies nothing
        guard.asked, guard.retry_ns = None, Ns(turn.now + turn.settings.protect_settle_ms * MS)
    elif before is not None:
        _pause(turn, guard)  # it was sent, and ended without covering anything, or is in doubt
    elif guard.asked is not None and _is_before(turn, guard.asked_ns + turn.settings.child_answer_ms * MS):
        return
    feature = state.features.get(coin)
    if _is_before(turn, guard.retry_ns) or feature is None or coin not in state.instruments:
        return
    if sending.forbidden(turn, PROTECT, reduce_only=True) is None:
        intent = _intent(turn, kind, coin, feature)
        guard.asked, guard.asked_ns = intent.cloid, turn.now
        yield intent


def _intent(turn: Turn, kind: TriggerKind, coin: str, feature: FeatureUpdate) -> OrderIntent:
    """A market trigger of the whole position at its level."""
    state = turn.state
    net_sz, level = state.positions[coin], _level(turn, kind, coin, feature)
    state.guard_count += 1
    return OrderIntent(
        cloid=cloid_for(state.run, PROTECT_NUMBER, state.guard_count),
        strategy=PROTECT,
        coin=coin,
        side=_ground(turn, coin, feature).side,
        px=level.limit_px,
        sz=Sz(abs(net_sz)),
        tif=Tif.IOC,
        reduce_only=True,
        replaces=None,
        book_recv_ns=feature.book_recv_ns,
        reason=f"a {NAMES[kind]} for {net_sz} lots",
        how=Trigger(level.px, kind),
    )


def _level(turn: Turn, kind: TriggerKind, coin: str, feature: FeatureUpdate) -> Level:
    ground = _ground(turn, coin, feature)
    return level_of(kind, ground, _distance_bps(turn, kind), turn.settings.protect_reach_bps)


def _ground(turn: Turn, coin: str, feature: FeatureUpdate) -> Ground:
    state = turn.state
    twice_mid = feature.best_bid_px + feature.best_ask_px
    return Ground(state.positions[coin], state.costs.get(coin, 0), twice_mid, state.instruments[coin].sz_decimals)
