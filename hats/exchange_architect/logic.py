"""The Exchange Architect: lets signed actions and reads out to the venue within its budgets, and keeps funding time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import msgspec

from hats.exchange_architect.budget import (
    WEIGHT_ACCOUNT,
    WEIGHT_ALLOWANCE,
    WEIGHT_UNIVERSE,
    AddressBudget,
    Budget,
    Priority,
    weight_of,
)
from hats.exchange_architect.errors import allowance_in
from hats.exchange_architect.measures import AVAILABILITY
from hats.exchange_architect.reads import Reads, hold_proofs, proof_weight
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.wire import UNREADABLE
from hats.exchange_architect.wire_exchange import is_reduce_only
from shared.ids import FLATTEN_NUMBER, Cloid, Role, strategy_number_of
from shared.messages import AnyMessage, Message
from shared.messages.account import AccountReadBegun
from shared.messages.control import KillOrdered, ResumeOrdered, Started, WakeAt, Woke
from shared.messages.market import (
    AssetContext,
    FeedState,
    FeedStatus,
    FundingClock,
    QueryCandles,
    UniverseUpdate,
)
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    AllowanceTold,
    AnswerKind,
    DropWaiting,
    PostAction,
    QueryAccount,
    QueryOrder,
    QueryTwap,
    ReadAllowance,
    ResendOrder,
    SignedAction,
)
from shared.scorecard import Samples
from shared.succession import Succession
from shared.units import HOUR, MINUTE, MS, SECOND, Ns, Sz

MEASURES_TIMER: Final = "measures"
FUNDING_TIMER: Final = "funding"
ALLOWANCE_TIMER: Final = "allowance"


class State(msgspec.Struct):
    """All that it remembers. `placed`: orders on their way, whose bytes may have to be sent again.

    `decided`: until when (ms) the bytes of what was answered for good could still act, by their nonce as text.
    `succession`: the actions that a process that died may have sent. `resumed_ms`: when the last kill ended; nonces are
    the time too, so what has one of before was signed before.
    """

    budget: Budget
    address: AddressBudget
    run: int = 0
    started_ns: int = 0
    succession: Succession = msgspec.field(default_factory=Succession)
    is_killed: bool = False
    resumed_ms: int = -1
    feed: FeedState = FeedState.DOWN
    was_up: bool = False
    placed: dict[Cloid, SignedAction] = {}
    decided: dict[str, int] = {}
    rates_e10: dict[str, int] = {}
    reads: Reads = msgspec.field(default_factory=Reads)
    allowance_ns: int = 0
    samples: Samples = msgspec.field(default_factory=Samples)


class ExchangeArchitect:
    """In: signed actions and queries. Out: PostAction, reads for its edge within the budgets, FundingClock."""

    role: ClassVar[Role] = Role.EXCHANGE_ARCHITECT
    hears: ClassVar[tuple[type[Message], ...]] = (
        UniverseUpdate,
        AssetContext,
        FeedStatus,
        AccountReadBegun,
        SignedAction,
        ResendOrder,
        ActionAnswered,
        AllowanceTold,
        KillOrdered,
        ResumeOrdered,
        QueryOrder,
        QueryTwap,
        QueryAccount,
        QueryCandles,
        Woke,
        Started,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.state = State(
            Budget(settings.weight_per_minute - settings.weight_elsewhere),
            AddressBudget(settings.address_requests, settings.flatten_reserve),
        )

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from `message` at `now`."""
        match message:
            case SignedAction():
                yield from self._let_out(message, now)
            case KillOrdered(level=level):
                self.state.is_killed = True
                yield DropWaiting(f"kill ({level}) while it waited for a connection")
            case ResumeOrdered():
                self.state.is_killed, self.state.resumed_ms = False, now // MS
            case ResendOrder(cloid=cloid):
                yield from self._let_out_again(cloid, now)
            case ActionAnswered():
                yield from self._note_answer(message, now)
            case AllowanceTold(used=used, cap=cap):
                self.state.address.learn(used, cap)
            case QueryOrder() | QueryTwap() | QueryAccount() | QueryCandles():
                self.state.reads.want(message, self.state.budget, now)
                yield from self._read(now)
            case AssetContext(coin=coin, funding_rate_e10=rate):
                self.state.rates_e10[coin] = rate
            case FeedStatus(state=feed):
                self.state.feed, self.state.was_up = feed, self.state.was_up or feed is FeedState.UP
            case AccountReadBegun():  # nobody asked for room, and the budget must know all the same
                self.state.reads.account_read_ns = now
                self.state.budget.charge(WEIGHT_ACCOUNT, now)
            case UniverseUpdate():
                self.state.budget.charge(WEIGHT_UNIVERSE, now)
            case Woke(timer=timer, ns=ns):
                yield from self._woke(timer, ns, now)
            case Started():
                yield from self._start(message, now)

    # ------------------------------------------------------------------------------------------ actions

    def _let_out(self, action: SignedAction, now: Ns) -> Iterable[PostAction | ActionAnswered]:
        """The bytes on their way, or for each entry the proof that they never left.

        Whether it is too late for them the gateway judges, which knows if they may have left before a restart. A
        signature may be said again after one, too: whose orders were answered is answered, and must not leave now.
        """
        may_be_there = self.state.succession.take()
        before = self.state.placed.get(action.cloid)
        if action.kind.places and before is not None and before.nonce == action.nonce:
            return self._let_out_again(action.cloid, now)
        if action.kind.places and str(action.nonce) in self.state.decided:
            return ()
        entries, priority = len(action.cloids), _priority(action)
        # what enters waits until its proof can be paid, too; what is worth more has as much of it held as there is room
        proofs = entries * proof_weight(action) if priority is Priority.ENTER else 0
        if self._is_killed(action, priority):
            return self._kept(action, "local: a kill while it was on its way", now, may_be_there=may_be_there)
        if not self.state.address.has_room(priority, entries):
            return self._kept(action, "local: action budget of the address is used up", now, may_be_there=may_be_there)
        if not self.state.budget.try_spend(weight_of(entries), priority, now, and_leave=proofs):
            return self._kept(action, "local: weight budget of this minute is used up", now, may_be_there=may_be_there)
        self.state.address.charge(entries)
        hold_proofs(action, self.state.budget, now)
        if action.kind.places:
            self.state.placed |= dict.fromkeys(action.cloids, action)
        return (_post(action, priority, is_resent=False),)

    def _let_out_again(self, cloid: Cloid, now: Ns) -> Iterable[PostAction]:
        """The same bytes once more, if they can still act and there is room; else the order's fate is found out."""
        action = self.state.placed.get(cloid)
        if action is None or action.expires_after_ms * MS <= now:
            return
        priority, entries = _priority(action), len(action.cloids)
        if self._is_killed(action, priority):
            return
        has_requests = self.state.address.has_room(priority, entries)
        if has_requests and self.state.budget.try_spend(weight_of(entries), priority, now):
            self.state.address.charge(entries)
            yield _post(action, priority, is_resent=True)

    def _is_killed(self, action: SignedAction, priority: Priority) -> bool:
        """Would it enter, although there was a kill since it was signed?"""
        return priority is Priority.ENTER and (self.state.is_killed or action.nonce <= self.state.resumed_ms)

    def _kept(self, action: SignedAction, why: str, now: Ns, *, may_be_there: bool) -> tuple[ActionAnswered, ...]:
        """Of each entry that the action does not leave the house; that proves something only if it never did.

        If it may have, what has to prove that is held for it as for what leaves: else it waits behind all others.
        """
        if action.kind.places:
            self.state.decided[str(action.nonce)] = action.expires_after_ms
        if may_be_there:
            hold_proofs(action, self.state.budget, now)
        answer = AnswerKind.NO_ANSWER if may_be_there else AnswerKind.REFUSED
        return tuple(
            ActionAnswered(action.kind, cloid, action.nonce, answer, 0, Sz(0), why, now) for cloid in action.cloids
        )

    def _note_answer(self, answered: ActionAnswered, now: Ns) -> Iterable[AnyMessage]:
        """Forget the bytes of what is decided; a refusal for too many requests tells how many there are.

        What is proven by its answer needs no more weight, and others may have waited for that.
        """
        spent = allowance_in(answered.error) if answered.kind.places else None
        if spent is not None:
            self.state.address.learn(*spent)
        is_fence, answer = answered.kind is ActionKind.FENCE, answered.answer
        if answer is not AnswerKind.NO_ANSWER and (answered.kind.places or is_fence):
            action = self.state.placed.pop(answered.cloid, None)
            if action is not None:
                self.state.decided[str(action.nonce)] = action.expires_after_ms
        if answer is AnswerKind.FENCED if is_fence else answer not in (AnswerKind.NO_ANSWER, AnswerKind.NONCE_USED):
            self.state.budget.release(answered.cloid)
            if self.state.reads.is_waiting:
                yield from self._read(now)

    # ------------------------------------------------------------------------------------------ reads

    def _read(self, now: Ns) -> Iterable[AnyMessage]:
        return self.state.reads.due(self.state.budget, self._settings.account_pause_ms, now)

    # ------------------------------------------------------------------------------------------ feed and time

    def _woke(self, timer: str, ns: Ns, now: Ns) -> Iterable[AnyMessage]:
        match timer:
            case "repeat":
                self.state.succession.woke(ns)
            case "funding":
                yield FundingClock(_next(HOUR, now), dict(self.state.rates_e10))
                yield WakeAt(_next(MINUTE, now), FUNDING_TIMER)
            case "allowance":
                yield from self._ask_allowance(now)
            case "reads":
                yield from self._read(now)
            case "measures":
                yield from self._measure(now)

    def _ask_allowance(self, now: Ns) -> Iterable[AnyMessage]:
        """Ask the venue for its count of our requests, if there is an account and room, and again after a while."""
        if self._settings.user_address is None:
            return
        every_ns = self._settings.allowance_s * SECOND
        is_due = not self.state.allowance_ns or now >= self.state.allowance_ns + every_ns
        if is_due and self.state.budget.try_spend(WEIGHT_ALLOWANCE, Priority.RECONCILE, now):
            self.state.allowance_ns = now
            yield ReadAllowance()
        next_ns = self.state.allowance_ns + every_ns
        yield WakeAt(Ns(next_ns if next_ns > now else now + every_ns), ALLOWANCE_TIMER)

    def _measure(self, now: Ns) -> Iterable[AnyMessage]:
        state = self.state
        state.placed = {c: action for c, action in state.placed.items() if action.expires_after_ms * MS > now}
        state.decided = {nonce: expires_ms for nonce, expires_ms in state.decided.items() if expires_ms * MS > now}
        if state.was_up or now - state.started_ns > self._settings.start_grace_ms * MS:
            state.samples.add(AVAILABILITY, 1.0 if state.feed is FeedState.UP else 0.0)
        yield from state.samples.report(self.role)
        yield WakeAt(Ns(now + self._settings.measures_ms * MS), MEASURES_TIMER)

    def _start(self, started: Started, now: Ns) -> Iterable[AnyMessage]:
        self.state.run = started.run
        if self.state.started_ns:
            yield self.state.succession.begin(now)
        else:
            self.state.started_ns = now
        yield WakeAt(Ns(now + self._settings.measures_ms * MS), MEASURES_TIMER)
        yield WakeAt(_next(MINUTE, now), FUNDING_TIMER)
        yield from self._ask_allowance(now)
        yield from self._read(now)


def _post(action: SignedAction, priority: Priority, *, is_resent: bool) -> PostAction:
    return PostAction(
        action.kind, action.cloid, action.nonce, action.body, is_resent, int(priority), action.expires_after_ms,
        action.mates,
    )  # fmt: skip


def _priority(action: SignedAction) -> Priority:
    """The desk's own closing orders, cancels and fences, orders that only reduce, then those that enter.

    A body that can't be read enters.
    """
    if not action.kind.places:
        return Priority.CANCEL
    try:
        if not is_reduce_only(action.body):
            return Priority.ENTER
    except UNREADABLE:
        return Priority.ENTER
    is_closing = any(strategy_number_of(cloid) == FLATTEN_NUMBER for cloid in action.cloids)
    return Priority.KILL if is_closing else Priority.REDUCE


def _next(span_ns: int, now: Ns) -> Ns:
    """The next whole multiple of `span_ns` strictly after `now`."""
    return Ns((now // span_ns + 1) * span_ns)
