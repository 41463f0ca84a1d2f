"""What is to be read of the venue, each once, and when: proofs first, then other questions, the account, history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from hats.exchange_architect.budget import (
    CANDLES_A_WEIGHT,
    HELD_NS,
    PROOF,
    PROOF_READS,
    WEIGHT_ACCOUNT,
    WEIGHT_CANDLES,
    WEIGHT_ORDER_STATUS,
    WEIGHT_TWAPS,
    Budget,
    Priority,
    candles_weight,
)
from shared.ids import Cloid
from shared.messages.control import WakeAt
from shared.messages.market import QueryCandles, ReadCandles
from shared.messages.order import (
    ActionKind,
    QueryAccount,
    QueryOrder,
    QueryTwap,
    ReadAccount,
    ReadOrder,
    ReadTwaps,
    SignedAction,
)
from shared.rules.intervals import INTERVALS_NS
from shared.units import MS, SECOND, Ns

READS_TIMER: Final = "reads"
CANDLES_PAUSE: Final = SECOND
"""History is read one coin after the other, so that a read of the account never waits behind many."""
Query = QueryOrder | QueryTwap | QueryAccount | QueryCandles
Read = ReadOrder | ReadTwaps | ReadAccount | ReadCandles
_WEIGHT_PROOF: Final = PROOF_READS * WEIGHT_ORDER_STATUS
_WEIGHT_TWAP_PROOF: Final = PROOF_READS * WEIGHT_TWAPS


class Reads(msgspec.Struct):
    """Questions that wait, oldest first; `account_since_ns` None: nobody asks for the account (`with_twaps`, or not).

    One read of the TWAPs answers for all of them, and one of the account whoever asks for it. What decides may use what
    reduces may: others have used up theirs, and a minute is longer than a doubt or a drain should last.
    """

    orders: dict[Cloid, QueryOrder] = {}
    twaps: dict[Cloid, QueryTwap] = {}
    twaps_read_ns: int = 0
    account_since_ns: int | None = None
    with_twaps: bool = False
    account_decides: bool = False
    account_read_ns: int = 0
    candles: list[QueryCandles] = []
    candles_read_ns: int = 0

    @property
    def is_waiting(self) -> bool:
        """Is there a question that was not asked yet?"""
        return bool(self.orders or self.twaps or self.candles or self.account_since_ns is not None)

    def want(self, query: Query, budget: Budget, now: Ns) -> None:
        """Remember the question; as long as an order is asked about, weight is kept for its proof."""
        match query:
            case QueryOrder(cloid=cloid):
                budget.hold(cloid, _WEIGHT_PROOF, Ns(now + HELD_NS), now)
                self.orders[cloid] = query
            case QueryTwap(cloid=cloid):
                budget.hold(cloid, _WEIGHT_TWAP_PROOF, Ns(now + HELD_NS), now)
                self.twaps[cloid] = query
            case QueryAccount(fills_since_ns=since):
                asked = self.account_since_ns
                self.account_since_ns = since if asked is None else min(asked, since)
                self.with_twaps = self.with_twaps or query.with_twaps
                self.account_decides = self.account_decides or query.decides
            case QueryCandles():
                self._want_candles(query, budget)

    def _want_candles(self, query: QueryCandles, budget: Budget) -> None:
        """Each coin waits once. What no share of the budget would ever let out is asked for from later on."""
        room = budget.share(Priority.READ) - WEIGHT_CANDLES
        since_ns = max(query.since_ns, query.until_ns - room * CANDLES_A_WEIGHT * INTERVALS_NS[query.interval])
        if since_ns < query.until_ns:
            others = [one for one in self.candles if one.coin != query.coin]
            self.candles = [*others, QueryCandles(query.coin, query.interval, Ns(since_ns), query.until_ns)]

    def due(self, budget: Budget, pause_ms: int, now: Ns) -> Iterator[Read | WakeAt]:
        """What may be read now, and a timer for what must wait. Nothing that was asked is forgotten."""
        for query in sorted(self.orders.values(), key=_can_wait):
            if _is_paid(query, WEIGHT_ORDER_STATUS, budget, now):
                del self.orders[query.cloid]
                yield ReadOrder(query.cloid)
        twaps_ns, asked = self.twaps_read_ns + pause_ms * MS, sorted(self.twaps.values(), key=_can_wait)
        if now >= twaps_ns and any(_is_paid(query, WEIGHT_TWAPS, budget, now) for query in asked):
            queries, self.twaps, self.twaps_read_ns = tuple(self.twaps.values()), {}, now
            yield ReadTwaps(queries)
        account_ns = self.account_read_ns + pause_ms * MS
        since, weight = self.account_since_ns, WEIGHT_ACCOUNT + self.with_twaps * WEIGHT_TWAPS
        by = PROOF if self.account_decides else Priority.RECONCILE
        if since is not None and now >= account_ns and budget.try_spend(weight, by, now):
            yield ReadAccount(Ns(since), self.with_twaps)
            self.account_since_ns, self.with_twaps, self.account_decides, self.account_read_ns = None, False, False, now
        candles_ns = self.candles_read_ns + CANDLES_PAUSE
        if self.candles and now >= candles_ns and budget.try_spend(_weight_of(self.candles[0]), Priority.READ, now):
            self.candles_read_ns = now
            yield ReadCandles(self.candles.pop(0))
        waits = [(0, WEIGHT_ORDER_STATUS, _priority_of(self.orders.values()))] if self.orders else []
        waits += [(twaps_ns, WEIGHT_TWAPS, _priority_of(self.twaps.values()))] if self.twaps else []
        waits += [(account_ns, weight, by)] if self.account_since_ns is not None else []
        waits += [(candles_ns, _weight_of(self.candles[0]), Priority.READ)] if self.candles else []
        if waits:
            room_ns = (Ns(at) if at > now else budget.room_ns(each, whose, now) for at, each, whose in waits)
            yield WakeAt(min(room_ns), READS_TIMER)


def proof_weight(action: SignedAction) -> int:
    """Weight of proving what became of one order of an action; a fence is the proof of another action's."""
    if action.kind is ActionKind.FENCE:
        return 0
    return _WEIGHT_TWAP_PROOF if action.kind in (ActionKind.TWAP, ActionKind.TWAP_CANCEL) else _WEIGHT_PROOF


def hold_proofs(action: SignedAction, budget: Budget, now: Ns) -> None:
    """Keep what proving each order of an action that leaves now may take."""
    until_ns = Ns(max(now, action.expires_after_ms * MS) + HELD_NS)
    for cloid in action.cloids:
        budget.hold(cloid, proof_weight(action), until_ns, now)


def _is_paid(query: QueryOrder | QueryTwap, weight: int, budget: Budget, now: Ns) -> bool:
    """Could the read be paid, by what is held for its proof if that is what it is?"""
    if query.decides:
        return budget.try_prove(query.cloid, weight, now)
    return budget.try_spend(weight, Priority.RECONCILE, now)


def _priority_of(queries: Iterable[QueryOrder | QueryTwap]) -> Priority:
    return PROOF if any(query.decides for query in queries) else Priority.RECONCILE


def _can_wait(query: QueryOrder | QueryTwap) -> bool:
    return not query.decides


def _weight_of(query: QueryCandles) -> int:
    return candles_weight((query.until_ns - query.since_ns) // INTERVALS_NS[query.interval])
