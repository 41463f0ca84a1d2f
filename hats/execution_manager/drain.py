"""The way to flat: cancel every order, close every position within a price bound, prove it, say so.

It goes on until the venue has shown that nothing is left, or until the operator resumes. No closing order follows one
whose fate is not known, however long that takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.execution_manager import facts, protect, sending
from hats.execution_manager.records import NEVER, Drain, DrainPhase, Order, Turn
from shared.ids import FLATTEN, FLATTEN_NUMBER, cloid_for
from shared.messages import AnyMessage
from shared.messages.control import Drained
from shared.messages.risk import OrderDenied
from shared.messages.signal import FeatureUpdate, OrderIntent
from shared.order import OrderEvent, Side, Tif
from shared.units import BPS, MS, SECOND, Ns, Rounding, Sz, on_tick, round_ratio

CLOSE_FIRST_NS: Final = SECOND
"""Cancels wait no longer than this for closing orders."""
CLOSING_EACH: Final = 2
"""Requests that closing a coin is reckoned with."""
AT_ONCE: Final = 3
"""Closing orders in vain after which the pause begins to double."""
DOUBLINGS_MAX: Final = 16
NO_TAKERS: Final = ("Order could not immediately match", "No liquidity available")
"""The venue's refusals of an order for which the book had nothing."""


def begin(turn: Turn, *, flatten: bool, is_kill: bool, reason: str) -> Iterator[AnyMessage]:
    """Cancel everything from here on, and close positions if asked; a second order only asks for more, and so does one
    after the end: what was closed stays so.

    What is to close positions only now has its whole time for that.
    """
    drain = turn.state.drain
    if drain.is_active:
        if flatten and not drain.flatten:
            drain.flatten, drain.began_ns, drain.word_ns = True, turn.now, _next_word_ns(turn)
        drain.is_kill = drain.is_kill and is_kill
        drain.phase = DrainPhase.WORKING
    else:
        closes = flatten or drain.closes
        turn.state.drain = Drain(DrainPhase.WORKING, closes, is_kill, turn.now, word_ns=_next_word_ns(turn))
    if not _closes_first(turn):
        yield from _cancel(turn, reason)


def advance(turn: Turn) -> Iterator[AnyMessage]:
    """The next step, whatever happened; looked at again after every message and every tick."""
    state, drain = turn.state, turn.state.drain
    if turn.now >= drain.word_ns:
        drain.word_ns = _next_word_ns(turn)
        yield _word(turn, is_verified=False)
    if drain.phase is DrainPhase.WORKING:
        if not _closes_first(turn):
            yield from _cancel(turn, "draining")
        closing = _to_close(turn)
        _forget_closed(turn, closing)
        for place, coin in enumerate(closing):
            yield from _close(turn, coin, place)
        if not _unfinished(turn) and not closing and not _uncovered(turn):
            drain.phase, drain.verify_ns = DrainPhase.VERIFYING, turn.now
            facts.want_account(turn, turn.now, "to prove that nothing is left")
    drain.deadline_ns = Ns(turn.now + turn.settings.drain_tick_ms * MS)
    state.soonest_ns = min(state.soonest_ns, drain.deadline_ns)


def keep_closed(turn: Turn) -> None:
    """What was closed stays closed: a fill that was heard late, or anybody's new position, begins the work anew."""
    drain = turn.state.drain
    if drain.phase not in (DrainPhase.VERIFYING, DrainPhase.DONE) or not _to_close(turn):
        return
    if drain.phase is DrainPhase.DONE:
        drain.word_ns = _next_word_ns(turn)
    drain.phase = DrainPhase.WORKING


def _to_close(turn: Turn) -> list[str]:
    """Coins that are held and must not be."""
    state = turn.state
    return sorted(coin for coin, net_sz in state.positions.items() if net_sz) if state.drain.flatten else []


def _forget_closed(turn: Turn, held: list[str]) -> None:
    """A coin that is closed begins anew when it turns up again: nothing of its closing orders speaks against the next.

    Its pause is kept, lest a position that comes and goes be followed without end.
    """
    drain = turn.state.drain
    for known in (drain.sent, drain.vain, drain.thin, drain.hurdles):
        for coin in known.keys() - held:
            del known[coin]


def _uncovered(turn: Turn) -> list[str]:
    """Coins that stay held without the stop that they should have."""
    return [] if turn.state.drain.flatten else protect.uncovered(turn)


def _next_word_ns(turn: Turn) -> Ns:
    return Ns(turn.now + turn.settings.drain_timeout_ms * MS)


def _cancel(turn: Turn, reason: str) -> Iterator[AnyMessage]:
    """Everything goes; what holds on to its positions keeps what protects them."""
    yield from sending.cancel_all(turn, reason, also_reducing=True, also_guards=turn.state.drain.flatten)


def _closes_first(turn: Turn) -> bool:
    """Would the cancels take the requests that closing needs? Then they wait for it, but not for long.

    The venue takes cancels beyond the budget and counts them, and orders it then refuses. What is closed is volume,
    which buys requests. Source: fact sheet 8.2.
    """
    state, drain = turn.state, turn.state.drain
    held = _to_close(turn)
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
        drain.vain[denial.coin] = drain.vain.get(denial.coin, 0) + 1
        drain.hurdles[denial.coin] = f"{denial.reason}: {denial.detail} (limit {denial.limit}, found {denial.found})"


def verify(turn: Turn, read_ns: int, *, is_clean: bool) -> Iterator[AnyMessage]:
    """After a comparison with the venue: back to work if something is left, else done if it was clean.

    One that showed a difference, or lacked fills, proves nothing, and another one follows.
    """
    drain, settings = turn.state.drain, turn.settings
    if drain.phase is not DrainPhase.VERIFYING or read_ns < drain.verify_ns:
        return
    if _unfinished(turn) or _to_close(turn) or _uncovered(turn):
        drain.phase = DrainPhase.WORKING
    elif is_clean:
        drain.phase, drain.deadline_ns = DrainPhase.DONE, NEVER
        yield _word(turn, is_verified=True)
    else:
        # a difference is looked at again sooner than that
        soon_ns = turn.now + settings.confirm_rounds * settings.confirm_ms * MS
        facts.want_account(turn, soon_ns, "to prove that nothing is left")


def try_again(turn: Turn) -> None:
    """Something has changed for the better: no pause is waited out, but by whom waits for an answer."""
    drain = turn.state.drain
    drain.retry_ns = {coin: ns for coin, ns in drain.retry_ns.items() if _is_closing(turn, coin)}


def _close(turn: Turn, coin: str, place: int) -> Iterator[AnyMessage]:
    """One more closing order of a coin, if it is time for one and nobody doubts what became of the last.

    After one in vain coins take turns, by their `place`, for what is asked for together is signed as one action, which
    the venue may refuse for one of them.
    """
    state, drain, settings = turn.state, turn.state.drain, turn.settings
    open_here = [order for order in state.orders.values() if order.coin == coin]
    if turn.now < drain.retry_ns.get(coin, 0) or any(order.strategy == FLATTEN for order in open_here):
        return
    _judge_last(turn, coin)
    is_patient = turn.now < drain.began_ns + settings.flatten_patience_ms * MS and not _closes_first(turn)
    if is_patient and open_here:
        return
    feature = state.features.get(coin)
    if feature is None or coin not in state.instruments:
        drain.hurdles[coin] = "no price is known"
        return
    drain.attempts[coin] = drain.attempts.get(coin, 0) + 1
    doublings = min(max(drain.vain.get(coin, 0) + 1 - AT_ONCE, 0), DOUBLINGS_MAX)
    pause_ms = min(settings.flatten_retry_ms << doublings, settings.flatten_retry_max_ms)
    turn_ms = place * settings.drain_tick_ms if drain.vain.get(coin, 0) else 0
    drain.retry_ns[coin] = Ns(turn.now + (pause_ms + turn_ms) * MS)
    intent = _closing(turn, coin, feature)
    drain.sent[coin] = intent.cloid
    yield intent


def _judge_last(turn: Turn, coin: str) -> None:
    """What the coin's last closing order came to says how the next one is made."""
    drain = turn.state.drain
    cloid = drain.sent.pop(coin, None)
    if cloid is None:
        return
    order = turn.state.ended.get(cloid)
    drain.vain[coin] = 0 if order is not None and order.filled_sz else drain.vain.get(coin, 0) + 1
    if order is None:
        drain.hurdles[coin] = "a closing order was not judged"
    elif order.filled_sz < order.sz:
        drain.hurdles[coin] = f"{order.filled_sz} of {order.sz} lots closed: {order.ending_why or order.state}"
        is_thin = order.ending is OrderEvent.CANCEL or order.ending_why.startswith(NO_TAKERS)
        drain.thin[coin] = drain.thin.get(coin, 0) + 1 if is_thin else 0
        # perhaps there is nothing to close any more
        facts.want_account(turn, turn.now, f"closing {coin} came to little")


def _closing(turn: Turn, coin: str, feature: FeatureUpdate) -> OrderIntent:
    """A reduce-only IOC of the whole position, through the best price by no more than the slippage bound.

    It gives way further with each one that found too little to trade with, up to a bound.
    """
    state = turn.state
    net_sz = state.positions[coin]
    side = Side.SELL if net_sz > 0 else Side.BUY
    sz_decimals = state.instruments[coin].sz_decimals
    slippage = turn.settings.flatten_slippage_bps << min(state.drain.thin.get(coin, 0), DOUBLINGS_MAX)
    slippage = min(slippage, turn.settings.flatten_slippage_max_bps)
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


def _word(turn: Turn, *, is_verified: bool) -> Drained:
    """Say what was reached; flat only if the venue confirmed it."""
    state, drain = turn.state, turn.state.drain
    left = [f"{coin} {net_sz} lots" for coin, net_sz in sorted(state.positions.items()) if net_sz]
    guards = sum(not drain.flatten and protect.may_stay(turn, order) for order in state.orders.values())
    doubtful = len(state.orders) - guards
    details = [f"{doubtful} orders open or in doubt"] if doubtful else []
    details += [f"{guards} stops and take-profits stay at the venue"] if guards else []
    details += [f"held: {', '.join(left)}"] if left else []
    details += [f"{coin}: {why}" for coin, why in sorted(drain.hurdles.items()) if state.positions.get(coin)]
    details += [f"no stop covers {', '.join(bare)}"] if (bare := _uncovered(turn)) else []
    details += [] if is_verified else ["not confirmed by the venue yet: it goes on"]
    return Drained(is_verified and not left and not state.orders, "; ".join(details) or "nothing is left")
