"""Our books against the venue's: open orders, positions and fills, until they agree or are said to differ."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from hats.execution_manager import facts, life, protect
from hats.execution_manager.measures import DIFFERENCES
from hats.execution_manager.records import NEVER, DrainPhase, Order, Turn
from shared.ids import (
    FOREIGN,
    INTENTS,
    LEFT_TWAP_NUMBER,
    PROTECT,
    PROTECT_NUMBER,
    cloid_for,
    is_ours,
    run_of,
    strategy_number_of,
)
from shared.messages import AnyMessage
from shared.messages.account import AccountSnapshot, NetPosition, Reconciled, RunningTwap
from shared.messages.market import FeedState, FeedStatus
from shared.messages.order import QueryAccount, VenueOrder
from shared.order import How, OrderEvent, OrderState, Tif, Trigger, VenueTwap, is_open
from shared.units import MS, Ns, Px, Sz

STRANGERS_SHOWN: Final = 5
"""Most foreign fills that are named, newest last."""


def note_feed(turn: Turn, status: FeedStatus) -> None:
    """After a new connection, or when the feed can be relied on again, events may be missing: compare the books.

    The feed reads the account by itself before it calls a new connection up; what was compared since is not read again.
    """
    state = turn.state
    is_up, is_announced = status.state is FeedState.UP, status.epoch == state.feed_epoch
    is_missed = not is_announced or (not state.is_feed_up and state.account.read_ns <= state.feed_lost_ns)
    if is_up and is_missed:
        facts.want_account(turn, turn.now, f"the feed is up (connection {status.epoch})")
    if not is_up:
        state.feed_lost_ns = status.recv_ns
    state.is_feed_up, state.feed_epoch = is_up, status.epoch


def ask(turn: Turn) -> Iterator[AnyMessage]:
    """Ask for the account if it is time; once more if no answer came. Two questions keep a distance."""
    account, settings = turn.state.account, turn.settings
    if account.wanted_ns > turn.now:
        return
    next_ns = account.asked_ns + settings.confirm_ms * MS
    if account.asked_ns and turn.now < next_ns:
        account.wanted_ns = Ns(next_ns)
        return
    why, account.asked_ns = account.why, turn.now
    account.wanted_ns, account.why = Ns(turn.now + settings.account_timeout_ms * MS), f"no answer yet: {account.why}"
    since_ns = Ns(max(account.covered_ns - settings.fills_overlap_ms * MS, turn.state.started_ns, 0))
    drain = turn.state.drain
    # a difference that stays must not use up the weight of what closes
    is_last = drain.phase is DrainPhase.VERIFYING and turn.now < drain.verify_ns + settings.drain_timeout_ms * MS
    decides = is_last or any(map(_lacks_the_account, turn.state.orders.values()))
    yield QueryAccount(since_ns, why, with_twaps=not turn.state.is_opened, decides=decides)


def _lacks_the_account(order: Order) -> bool:
    """Is it in doubt, and over by the venue's word but for its fills, or not known to the lookup any more?"""
    is_told = order.ending is not None or (order.is_proven and order.absences > 0)
    return order.state is OrderState.UNKNOWN and is_told


def compare(turn: Turn, snapshot: AccountSnapshot) -> Generator[AnyMessage, None, bool]:
    """Take in what the snapshot proves, then say Reconciled; what differs is looked at again before it is said.

    The books open on a snapshot that tells the TWAPs, for one that an earlier run left goes on trading. The feed reads
    the account by itself, too, without them. The generator returns whether this snapshot had all fills and showed no
    difference at all, and listed each order that we think is open.
    """
    state, account = turn.state, turn.state.account
    if not state.is_opened and snapshot.twaps is None:
        return False
    account.asked_ns = Ns(0)
    if account.raised_ns <= snapshot.recv_ns:
        account.wanted_ns = NEVER  # what was wished for since it began to be read is still due
    facts.want_account(turn, turn.now + turn.settings.reconcile_every_ms * MS, "regular")
    for twap in snapshot.twaps or ():
        yield from _take_twap(turn, twap)  # before its parts are booked
    if not state.is_opened:
        yield from _open(turn, snapshot)
    for fill in sorted(snapshot.fills, key=lambda fill: fill.exch_ns):
        yield from facts.book(turn, fill)
    is_whole = snapshot.fills_since_ns <= max(account.covered_ns, state.opened_ns)
    if snapshot.is_cut and not is_whole:
        state.strangers.append(f"fills before {snapshot.fills_since_ns} are lost: the venue has more than it keeps")
    is_all = snapshot.is_cut or is_whole  # what is lost is not asked for again
    if is_all:
        account.covered_ns, account.read_ns = max(account.covered_ns, snapshot.exch_ns), snapshot.recv_ns
    findings: dict[str, str] = {}
    doubts = 0
    listed: set[str] = set()
    for listing in snapshot.open_orders:
        yield from _take_listing(turn, snapshot, listing, listed, findings)
    for cloid in sorted(state.orders):
        if cloid not in listed and cloid in state.orders:
            doubts += yield from _look_for(turn, snapshot, state.orders[cloid], has_all_fills=is_all)
    left = [cloid for cloid in state.orders if strategy_number_of(cloid) == LEFT_TWAP_NUMBER]
    findings |= {f"order {cloid}": "a TWAP that was left over is not proven to have ended" for cloid in left}
    gaps = _position_gaps(turn, snapshot)
    findings |= {f"position {coin}": f"ours {ours}, the venue's {theirs} lots" for coin, ours, theirs in gaps}
    if findings and not is_all:  # what is missing may be why, and our own reading will have it
        facts.want_account(turn, turn.now + turn.settings.confirm_ms * MS, "fills may be missing")
    else:
        yield from _conclude(turn, findings, doubts, gaps)
    _take_costs(turn, snapshot)
    return is_all and not findings and state.orders.keys() <= listed


def _open(turn: Turn, snapshot: AccountSnapshot) -> Iterator[AnyMessage]:
    """Open the books on the positions of the first snapshot; fills up to its time are in them already."""
    state = turn.state
    state.is_opened, state.opened_ns = True, snapshot.exch_ns
    state.positions = {position.coin: position.net_sz for position in snapshot.positions if position.net_sz}
    _take_costs(turn, snapshot)
    held, state.held_fills = state.held_fills, []
    for fill in sorted(held, key=lambda fill: fill.exch_ns):
        yield from facts.book(turn, fill)


def _take_costs(turn: Turn, snapshot: AccountSnapshot) -> None:
    """What positions cost by the venue's word: ours differs where fills came in another order, or were never booked."""
    state = turn.state
    agreed = [one for one in snapshot.positions if one.net_sz == state.positions.get(one.coin) and one.cost_usd]
    state.costs |= {position.coin: position.cost_usd for position in agreed}


def _take_listing(
    turn: Turn, snapshot: AccountSnapshot, listing: VenueOrder, listed: set[str], findings: dict[str, str]
) -> Iterator[AnyMessage]:
    """An order that is open at the venue: ours and known, ours and unknown, left over, or somebody else's."""
    order = turn.state.find(listing.cloid, listing.oid)
    if order is None:
        yield from _take_stranger(turn, listing, listed, findings)
    elif is_open(order.state):
        # whether the venue goes on telling a trigger that has fired is not recorded
        may_lack_it = listing.trigger is None and (order.has_fired or order.filled_sz > 0)
        trigger = None if may_lack_it else order.how
        ours, theirs = _terms(order, order.sz, trigger), _terms(listing, listing.orig_sz, listing.trigger)
        if order.cloid in listed:
            findings[f"order {order.cloid}"] = f"open at the venue more than once, as {order.oid} and {listing.oid}"
        elif theirs != ours:
            findings[f"order {order.cloid}"] = f"{theirs} at the venue, {ours} here"
        listed.add(order.cloid)
        order.listed_sz = listing.sz
        yield from facts.venue_order(turn, listing)
    elif order.changed_ns + turn.settings.account_lag_ms * MS < snapshot.recv_ns:
        findings[f"order {order.cloid}"] = f"open at the venue, {order.state} here"
        turn.state.samples.add(DIFFERENCES.name, 1.0)
        yield life.cancel_order(turn, order)


def _terms(one: Order | VenueOrder, sz: Sz, trigger: How | None) -> str:
    """What an order is to do, in words; the same words for the same terms."""
    text = f"{one.side.name.lower()} {sz} {one.coin} at {one.px}" + " to reduce" * one.reduce_only
    return text + (f" ({trigger.kind} at {trigger.px})" if isinstance(trigger, Trigger) else "")


def _take_stranger(turn: Turn, listing: VenueOrder, listed: set[str], findings: dict[str, str]) -> Iterator[AnyMessage]:
    if listing.cloid is None or not is_ours(listing.cloid):
        if not turn.settings.tolerate_foreign_orders:
            findings[f"order {listing.oid}"] = f"open on {listing.coin} and not ours"
        return
    order = yield from _adopt(turn, listing)
    listed.add(order.cloid)
    run = run_of(order.cloid)
    if run != turn.state.run and protect.may_stay(turn, order):
        return  # an earlier run left it with its position: it is ours now
    if run == turn.state.run:
        findings[f"order {order.cloid}"] = "open at the venue, not known here"
        turn.state.samples.add(DIFFERENCES.name, 1.0)
    else:
        findings[f"order {order.cloid}"] = f"left over from run {run}"
        yield from life.want_gone(turn, order, f"left over from run {run}")


def _adopt(turn: Turn, listing: VenueOrder) -> Generator[AnyMessage, None, Order]:
    """Take an order of ours that we do not remember into the books (the generator returns it)."""
    state = turn.state
    assert listing.cloid is not None
    ours = run_of(listing.cloid) == state.run
    number = strategy_number_of(listing.cloid)
    is_guard = number == PROTECT_NUMBER and listing.trigger is not None
    strategy = state.strategies.get(str(number), FOREIGN) if ours else FOREIGN
    order = Order(
        cloid=listing.cloid,
        strategy=PROTECT if is_guard else strategy,
        coin=listing.coin,
        side=listing.side,
        px=listing.px,
        sz=listing.orig_sz,
        tif=Tif.IOC if is_guard else Tif.GTC,
        reduce_only=listing.reduce_only,
        replaces=None,
        expires_ns=Ns(0),
        how=listing.trigger,
        state=OrderState.PENDING_SUBMIT,
        filled_sz=listing.orig_sz - listing.sz,
    )
    state.orders[order.cloid] = order
    yield from life.accept(turn, order, listing.oid, "found open at the venue")
    return order


def _take_twap(turn: Turn, twap: RunningTwap) -> Iterator[AnyMessage]:
    """End a TWAP that is at work and that we do not know: nothing there tells whose it is, and it goes on trading.

    Who says that others trade on the account keeps theirs, and is left to what `foreign_fills` says of its parts.
    """
    state = turn.state
    if str(twap.twap_id) in state.twaps or turn.settings.tolerate_foreign_orders:
        return
    order = Order(
        cloid=cloid_for(state.run, LEFT_TWAP_NUMBER, twap.twap_id % INTENTS),
        strategy=FOREIGN,
        coin=twap.coin,
        side=twap.side,
        px=Px(0),
        sz=twap.sz,
        tif=Tif.IOC,
        reduce_only=twap.reduce_only,
        replaces=None,
        expires_ns=Ns(0),
        how=VenueTwap(twap.minutes, twap.randomize),
        state=OrderState.PENDING_SUBMIT,
        filled_sz=twap.executed_sz,
    )
    state.orders[order.cloid] = order
    yield from life.accept(turn, order, twap.twap_id, "found at work at the venue")
    yield from life.want_gone(turn, order, "left over from an earlier run")


def _look_for(
    turn: Turn, snapshot: AccountSnapshot, order: Order, *, has_all_fills: bool
) -> Generator[AnyMessage, None, bool]:
    """An order that is open here and not listed there: over with nothing more to come, or in doubt and asked about.

    It is over only by a snapshot without a gap in its fills (the feed's own may have one). The generator returns
    whether it is in doubt.
    """
    lag_ns = turn.settings.account_lag_ms * MS
    if order.ending is not None:
        if has_all_fills and order.ending_ns + lag_ns <= snapshot.recv_ns:
            # every fill of it is in the lists by now, and those were booked above
            yield from life.end_at_venue(turn, order, order.ending, order.filled_sz, order.ending_why)
        return False
    if not order.is_proven:
        return False
    if order.is_twap:
        # no list of open orders has it: it is asked about by itself, as often as the books are compared without a cause
        if turn.now >= max(order.asked_ns, order.sent_ns) + turn.settings.reconcile_every_ms * MS:
            yield from life.ask(turn, order)
        return False
    if order.changed_ns + lag_ns >= snapshot.recv_ns:
        # a fill in this very snapshot may be what changed it: look again as soon as the lists can be relied on
        facts.want_account(turn, order.changed_ns + lag_ns + 1, f"{order.cloid} is not listed as open")
        return False
    if order.absences and has_all_fills:
        reason = "neither open at the venue nor known there any more"
        facts.want_account(turn, turn.now + lag_ns + 1, f"{order.cloid} was {reason}")  # list and lookup may both lag
        yield from life.end_at_venue(turn, order, OrderEvent.CANCEL, order.filled_sz, reason)
        return False
    yield from life.ask(turn, order)
    return True


def _position_gaps(turn: Turn, snapshot: AccountSnapshot) -> list[tuple[str, int, int]]:
    """(coin, ours, theirs) where the positions differ as of the snapshot's time by the venue's clock."""
    state = turn.state
    theirs = {position.coin: position.net_sz for position in snapshot.positions}
    ours = dict(state.positions)
    for fill in state.unbound_fills:
        if fill.exch_ns <= snapshot.exch_ns:
            ours[fill.coin] = ours.get(fill.coin, 0) + fill.side.value * fill.sz
    for move in state.recent_moves:
        if move.exch_ns > snapshot.exch_ns:
            ours[move.coin] = ours.get(move.coin, 0) - move.signed_sz
    coins = sorted(ours.keys() | theirs.keys())
    return [(c, ours.get(c, 0), theirs.get(c, 0)) for c in coins if ours.get(c, 0) != theirs.get(c, 0)]


def _conclude(
    turn: Turn, findings: dict[str, str], doubts: int, gaps: list[tuple[str, int, int]]
) -> Iterator[AnyMessage]:
    """Clean, or look again soon, or (in the last round) say what differs and take over positions that stay different.

    Orders in doubt are no difference: they count in full until the venue answers, and it was asked about each.
    """
    account, settings = turn.state.account, turn.settings
    next_ns = account.round_ns + settings.confirm_ms * MS
    if findings and turn.now < next_ns:  # looks in quick succession are one, the last of them as well
        facts.want_account(turn, next_ns, f"{len(findings)} differences")
        return
    before, account.gaps = account.gaps, {coin: theirs - ours for coin, ours, theirs in gaps}
    if findings:
        account.rounds, account.round_ns = account.rounds + 1, turn.now
        if account.rounds < settings.confirm_rounds:
            facts.want_account(turn, turn.now + settings.confirm_ms * MS, f"{len(findings)} differences")
            return
    account.rounds = 0
    for coin, gap in account.gaps.items():
        if before.get(coin) == gap:  # what changes from look to look are fills on their way, to be booked as such
            turn.state.positions[coin] = turn.state.positions.get(coin, 0) + gap
    if findings:
        soon_ns = turn.now + settings.confirm_rounds * settings.confirm_ms * MS
        facts.want_account(turn, soon_ns, "the books differed")
    turn.state.samples.add(DIFFERENCES.name, float(len(findings)))
    yield _reconciled(turn, tuple(f"{what}: {text}" for what, text in sorted(findings.items())), doubts)


def say_strangers(turn: Turn) -> Iterator[AnyMessage]:
    """Something traded on the account that was not ours: the books count as different from now on, without waiting."""
    if len(turn.state.strangers) != turn.state.strangers_said:
        turn.state.strangers_said = len(turn.state.strangers)
        yield _reconciled(turn, (), 0)


def accept_strangers(turn: Turn) -> None:
    """The operator knows of them: they are in the books, which are compared anew."""
    turn.state.strangers, turn.state.strangers_said = [], 0
    facts.want_account(turn, turn.now, "resumed")


def _reconciled(turn: Turn, differences: tuple[str, ...], doubts: int) -> Reconciled:
    state = turn.state
    differences += tuple(state.strangers[-STRANGERS_SHOWN:])
    unknown = doubts + sum(order.state is OrderState.UNKNOWN for order in state.orders.values())
    positions = tuple(NetPosition(coin, net_sz) for coin, net_sz in sorted(state.positions.items()))
    return Reconciled(not differences, len(state.orders), unknown, differences, positions)
