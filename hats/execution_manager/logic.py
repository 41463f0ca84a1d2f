"""The Execution Manager: approvals become orders, orders have provable lives, fills are booked once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from hats.execution_manager import answers, command, drain, facts, parents, protect, reconcile, sending
from hats.execution_manager.records import NEVER, State, Turn
from hats.execution_manager.settings import Settings
from shared.ids import Role
from shared.messages import AnyMessage, Message
from shared.messages.account import AccountSnapshot
from shared.messages.control import (
    Armed,
    Disarmed,
    DrainOrdered,
    KillOrdered,
    ResumeOrdered,
    Started,
    WakeAt,
    Woke,
)
from shared.messages.market import FeedState, FeedStatus, UniverseUpdate
from shared.messages.order import (
    ActionAnswered,
    ActionSent,
    AllowanceTold,
    CancelOrder,
    FenceOrder,
    Fill,
    ResendOrder,
    SignatureRefused,
    SubmitOrder,
    VenueOrder,
)
from shared.messages.parent import ParentOrder, ParentState
from shared.messages.risk import OrderApproved, OrderDenied, TradingStateChanged
from shared.messages.signal import CancelIntent, FeatureUpdate
from shared.units import MS, SECOND, Ns

DEADLINES_TIMER = "deadlines"
MEASURES_TIMER = "measures"
REQUESTS = (SubmitOrder, CancelOrder, ResendOrder, FenceOrder)
"""What becomes a request that the venue counts."""
EARLY_CANCEL_NS = 60 * SECOND
"""A cancel whose order has not been approved by then is forgotten."""


class ExecutionManager:
    """In: approvals and the venue's word. Out: what to send, what became of it, and every fill once."""

    role: ClassVar[Role] = Role.EXECUTION_MANAGER
    hears: ClassVar[tuple[type[Message], ...]] = (
        UniverseUpdate,
        FeedStatus,
        FeatureUpdate,
        CancelIntent,
        ParentOrder,
        OrderApproved,
        OrderDenied,
        SignatureRefused,
        ActionSent,
        ActionAnswered,
        AllowanceTold,
        VenueOrder,
        Fill,
        AccountSnapshot,
        TradingStateChanged,
        Woke,
        Started,
        Armed,
        Disarmed,
        KillOrdered,
        ResumeOrdered,
        DrainOrdered,
    )

    def __init__(self, settings: Settings) -> None:
        self.state = State()
        self._settings = settings

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from one message; see `shared.hat.Hat`."""
        for said in self._handle(message, now):
            if isinstance(said, REQUESTS) and self.state.requests_left is not None:
                self.state.requests_left -= 1
            yield said

    def _handle(self, message: AnyMessage, now: Ns) -> Iterator[AnyMessage]:
        state = self.state
        if isinstance(message, FeatureUpdate):
            state.features[message.coin] = message
            if not state.parents:
                return
        turn = Turn(state, self._settings, now)
        yield from self._react(turn, message)
        if state.unbound_fills:
            yield from facts.bind_fills(turn)
        if state.strangers:
            yield from reconcile.say_strangers(turn)
        drain.keep_closed(turn)
        if state.drain.is_active:
            yield from drain.advance(turn)
        if state.parents:
            yield from parents.advance(turn)
        yield from protect.advance(turn)
        yield from reconcile.ask(turn)
        if state.soonest_ns <= now:
            state.soonest_ns = self._next_deadline()
        if state.soonest_ns < state.armed_ns:
            state.armed_ns = Ns(max(state.soonest_ns, now + 1))
            yield WakeAt(state.armed_ns, DEADLINES_TIMER)

    def _react(self, turn: Turn, message: AnyMessage) -> Iterator[AnyMessage]:
        match message:
            case OrderApproved():
                yield from sending.approved(turn, message)
            case ActionSent() | ActionAnswered() | SignatureRefused():
                yield from answers.hear(turn, message)
            case VenueOrder() | Fill():
                yield from facts.hear(turn, message)
            case CancelIntent(cloid=cloid) if cloid in turn.state.parents:
                yield from parents.stop(turn, turn.state.parents[cloid], ParentState.CANCELLED, message.reason)
            case CancelIntent():
                yield from sending.withdrawn(turn, message)
            case ParentOrder():
                yield from parents.begin(turn, message)
            case OrderDenied():
                drain.denied(turn, message)
                yield from parents.denied(turn, message)
                protect.denied(turn, message)
            case AccountSnapshot():
                yield from self._take_account(turn, message)
            case AllowanceTold(used=used, cap=cap):
                turn.state.requests_left = cap - used
            case UniverseUpdate():
                turn.state.instruments |= {instrument.coin: instrument for instrument in message.instruments}
            case FeedStatus():
                reconcile.note_feed(turn, message)
                if message.state is FeedState.UP:  # a new one, or other coins of it can be priced
                    drain.try_again(turn)
                    protect.try_again(turn)
            case Armed() | Disarmed() | KillOrdered() | ResumeOrdered() | TradingStateChanged() | DrainOrdered():
                yield from command.hear(turn, message)
            case Woke():
                yield from self._wake(turn, message)
            case Started():
                yield from self._start(turn, message)

    def _take_account(self, turn: Turn, snapshot: AccountSnapshot) -> Iterator[AnyMessage]:
        is_clean = yield from reconcile.compare(turn, snapshot)
        if turn.state.is_opened:
            yield from drain.verify(turn, snapshot.recv_ns, is_clean=is_clean)

    def _start(self, turn: Turn, started: Started) -> Iterator[AnyMessage]:
        """Set the timers and compare the books. What was sent is never sent again: its deadlines lead to proof."""
        state = turn.state
        if started.run != state.run:
            state.run, state.started_ns = started.run, started.ns
        state.armed_ns, state.soonest_ns = NEVER, turn.now
        facts.want_account(turn, turn.now, "started")
        yield WakeAt(Ns(turn.now + self._settings.measures_every_ms * MS), MEASURES_TIMER)

    def _wake(self, turn: Turn, woke: Woke) -> Iterator[AnyMessage]:
        state = turn.state
        if woke.timer == MEASURES_TIMER:
            state.early_cancels = {c: ns for c, ns in state.early_cancels.items() if ns > turn.now - EARLY_CANCEL_NS}
            yield from state.samples.report(self.role)
            yield WakeAt(Ns(turn.now + self._settings.measures_every_ms * MS), MEASURES_TIMER)
            return
        state.armed_ns = NEVER
        for cloid in sorted(cloid for cloid, order in state.orders.items() if order.deadline_ns <= turn.now):
            if cloid in state.orders:
                yield from facts.due(turn, state.orders[cloid])

    def _next_deadline(self) -> Ns:
        """The earliest of all deadlines."""
        state = self.state
        orders = min((order.deadline_ns for order in state.orders.values()), default=NEVER)
        return min(orders, state.account.wanted_ns, state.drain.deadline_ns, state.parents_ns, state.guards_ns)
