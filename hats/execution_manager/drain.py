"""The way to flat: cancel every order, close every position within a price bound, prove it, say so."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from hats.execution_manager import facts, protect, sending
from hats.execution_manager.records import NEVER, Drain, DrainPhase, Order, Turn
from shared.ids import FLATTEN, FLATTEN_NUMBER, cloid_for
from shared.messages import AnyMessage
from shared.messages.control import Drained
from shared.messages.risk import OrderDenied
from shared.messages.signal import FeatureUpdate, OrderIntent
from shared.order import Side, Tif
from shared.units import BPS, MS, SECOND, Ns, Rounding, Sz, on_tick, round_ratio

CLOSE_FIRST_NS: Final = SECOND
"""Cancels wait no longer than this for closing orders."""
CLOSING_EACH: Final = 2
"""Requests that closing a coin is reckoned with."""


def begin(turn: Turn, *, flatten: bool, is_kill: bool, reason: str) -> Iterator[AnyMessage]:
    """Cancel everything from here on, and close positions if asked; a second order only asks for more.

    What is to close positions only now has its whole time for that.
    """
    drain = turn.state.drain
    if drain.is_active:
        if flatten and not drain.flatten:
            drain.flatten, drain.began_ns = True, turn.now
        drain.is_kill = drain.is_kill and is_kill
        drain.phase = DrainPhase.WORKING
    else:
        turn.state.drain = Drain(DrainPhase.WORKING, flatten, is_kill, turn.now)
    if not _closes_first(turn):
        yield from _cancel(turn, reason)


def advance(turn: Turn) -> Iterator[AnyMessage]:
    """The next step, whatever happened; looked at again after every message and every tick."""
    state, drain = turn.state, turn.state.drain
    if turn.now >= drain.began_ns + turn.settings.drain_timeout_ms * MS:
        yield _end(turn, is_verified=False)
        return
    if drain.phase is DrainPhase.WORKING:
        if not _closes_first(turn):
            yield from _cancel(turn, "draining")
        can_go_on = False
        if drain.flatten:
            for coin in sorted(coin for coin, net_sz in state.positions.items() if net_sz):
                can_go_on |= yield from _close(turn, coin)
        if not _unfinished(turn) and not can_go_on:
            drain.phase, drain.verify_ns = DrainPhase.VERIFYING, turn.now
            facts.want_account(turn, turn.now, "to prove that nothing is left")
    drain.deadline_ns = Ns(turn.now + turn.settings.drain_tick_ms * MS)
    state.soonest_ns = min(state.soonest_ns, drain.deadline_ns)


def _cancel(turn: Turn, reason: str) -> Iterator[AnyMessage]:
    """Everything goes; what holds on to its positions keeps what protects them."""
    yield from sending.cancel_all(turn, reason, also_reducing=True, also_guards=turn.state.drain.flatten)


def _closes_first(turn: Turn) -> bool:
    """Would the cancels take the requests that closing needs? Then they wait for it, but not for long.

    The venue takes cancels beyond the budget and counts them, and orders it then refuses. What is closed is volume,
    which buys requests. Source: fact sheet 8.2.
    """
    state, drain = turn.state, turn.state.drain
    held = [coin for coin, net_sz in state.positions.items() if net_sz]
    is_late = turn.now >= drain.began_ns + CLOSE_FIRST_NS
    if not drain.flatten or is_late or state.requests_left is None:
        return False
    to_cancel = sum(not order.is_cancel_under_way for order in state.orders.values())
    if state.requests_left >= to_cancel + CLOSING_EACH * len(held):
        return False
    return any(not drain.attempts.get(coin) or _is_closing(turn, coin) for coin in held)


def _is_closing(turn: Turn, coin: str) -> bool:
    """Is a closing order of the coin on its way: wished for, approved or sent?"""
    cloid = turn.state.drain.sent.get(coin)
    return cloid is not None and cloid not in turn.state.ended


def _unfinished(turn: Turn) -> list[Order]:
    """Orders that must end before the drain does."""
    state = turn.state
    return [order for order in state.orders.values() if state.drain.flatten or not protect.may_stay(turn, order)]


def denied(turn: Turn, denial: OrderDenied) -> None:
    """The Risk Officer did not let a closing order pass; it is tried again after the pause."""
    drain = turn.state.drain
    if drain.sent.get(denial.coin) == denial.cloid:
        del drain.sent[denial.coin]
        drain.hurdles[denial.coin] = f"{denial.reason}: {denial.detail} (limit {denial.limit}, found {denial.found})"


def verify(turn: Turn, read_ns: int) -> Iterator[AnyMessage]:
    """After a comparison with the venue: done if nothing is left, back to work if something still is."""
    state, drain = turn.state, turn.state.drain
    if drain.phase is not DrainPhase.VERIFYING or read_ns < drain.verify_ns or state.account.rounds:
        return
    attempts_max = turn.settings.flatten_attempts
    closable = [c for c, n in state.positions.items() if n and drain.attempts.get(c, 0) < attempts_max]
    if _unfinished(turn) or (drain.flatten and closable):
        drain.phase = DrainPhase.WORKING
    else:
        yield _end(turn, is_verified=True)


def _close(turn: Turn, coin: str) -> Generator[AnyMessage, None, bool]:
    """One more attempt at a coin, if it is time for one (the generator returns whether to wait for this coin)."""
    state, drain, settings = turn.state, turn.state.drain, turn.settings
    sent = drain.sent.get(coin)
    if sent is not None and sent in state.orders:
        return True
    if turn.now < drain.retry_ns.get(coin, 0):
        return True
    drain.sent.pop(coin, None)
    if drain.attempts.get(coin, 0) >= settings.flatten_attempts:
        drain.hurdles.setdefault(coin, f"{settings.flatten_attempts} closing orders did not close it")
        return False
    is_patient = turn.now < drain.began_ns + settings.flatten_patience_ms * MS and not _closes_first(turn)
    if is_patient and any(order.coin == coin for order in state.orders.values()):
        return True
    feature = state.features.get(coin)
    if feature is None or coin not in state.instruments:
        drain.hurdles[coin] = "no price is known"
        return True
    drain.attempts[coin] = drain.attempts.get(coin, 0) + 1
    drain.retry_ns[coin] = Ns(turn.now + settings.flatten_retry_ms * MS)
    intent = _closing(turn, coin, feature)
    drain.sent[coin] = intent.cloid
    yield intent
    return True


def _closing(turn: Turn, coin: str, feature: FeatureUpdate) -> OrderIntent:
    """A reduce-only IOC of the whole position, through the best price by no more than the slippage bound."""
    state = turn.state
    net_sz = state.positions[coin]
    side = Side.SELL if net_sz > 0 else Side.BUY
    sz_decimals = state.instruments[coin].sz_decimals
    slippage = turn.settings.flatten_slippage_bps
    # rounded to the tick inside the bound, which is at least the best price itself
    best_px, inward = (feature.best_ask_px, Rounding.DOWN) if side is Side.BUY else (feature.best_bid_px, Rounding.UP)
    px = round_ratio(best_px * (BPS + side.value * slippage), BPS, inward)
    state.flatten_count += 1
    return OrderIntent(
        cloid=cloid_for(state.run, FLATTEN_NUMBER, state.flatten_count),
        strategy=FLATTEN,
        coin=coin,
        side=side,
        px=on_tick(px, sz_decimals, inward),
        sz=Sz(abs(net_sz)),
        tif=Tif.IOC,
        reduce_only=True,
        replaces=None,
        book_recv_ns=feature.book_recv_ns,
        reason="closing the position",
    )


def _end(turn: Turn, *, is_verified: bool) -> Drained:
    """Say what was reached; flat only if the venue confirmed it."""
    state, drain = turn.state, turn.state.drain
    drain.phase, drain.deadline_ns = DrainPhase.DONE, NEVER
    left = [f"{coin} {net_sz} lots" for coin, net_sz in sorted(state.positions.items()) if net_sz]
    guards = sum(not drain.flatten and protect.may_stay(turn, order) for order in state.orders.values())
    doubtful = len(state.orders) - guards
    details = [f"{doubtful} orders open or in doubt"] if doubtful else []
    details += [f"{guards} stops and take-profits stay at the venue"] if guards else []
    details += [f"held: {', '.join(left)}"] if left else []
    details += [f"{coin}: {why}" for coin, why in sorted(drain.hurdles.items()) if state.positions.get(coin)]
    details += [] if is_verified else ["not confirmed by the venue in time"]
    return Drained(is_verified and not left and not state.orders, "; ".join(details) or "nothing is left")
