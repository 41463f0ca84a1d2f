"""Laws of the Execution Manager on a wire that loses, delays, repeats and reorders everything."""

from __future__ import annotations

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.hat import restore, snapshot
from shared.ids import Cloid
from shared.messages import AnyMessage
from shared.messages.account import Reconciled
from shared.messages.control import (
    Armed,
    Disarmed,
    DrainOrdered,
    KillLevel,
    KillOrdered,
    ResumeOrdered,
    Started,
    WakeAt,
    Woke,
)
from shared.messages.market import FeedState, FeedStatus
from shared.messages.order import (
    CancelOrder,
    FenceOrder,
    Fill,
    FillBooked,
    OrderChanged,
    QueryAccount,
    QueryOrder,
    ResendOrder,
    SignatureRefused,
    SubmitOrder,
    VenueOrder,
    VenueOrderStatus,
)
from shared.messages.risk import TradingState, TradingStateChanged
from shared.messages.signal import CancelIntent
from shared.order import TERMINAL, TRANSITIONS, OrderEvent, OrderState, Side, is_open
from shared.units import MS, Ns
from tests.property.execution_venue import Action, Copy, Reading, TinyVenue, kind_of, no_answer, on_wire
from tests.unit.hats.execution_manager.scene import (
    COINS,
    EM,
    NOW,
    RUN,
    STRATEGY,
    approval,
    intent,
    manager,
    say,
)

STEPS = {(before, after) for before, row in TRANSITIONS.items() for after in row.values()}
"""Moves of the table; giving back a partly filled order is two of them at once."""
STEPS |= {
    (before, OrderState.PARTIALLY_FILLED)
    for before, row in TRANSITIONS.items()
    if row.get(OrderEvent.REFUSE_CHANGE) is OrderState.RESTING
}
HOLDS: tuple[AnyMessage, ...] = (
    KillOrdered(KillLevel.PAUSE, "test"),
    KillOrdered(KillLevel.REDUCE, "test"),
    TradingStateChanged(TradingState.REDUCING, "test"),
    TradingStateChanged(TradingState.HALTED, "test"),
    DrainOrdered(flatten=False),
    Disarmed("test"),
)
RELEASE: tuple[AnyMessage, ...] = (
    ResumeOrdered("test"),
    TradingStateChanged(TradingState.ACTIVE, "test"),
    Armed("test"),
)
QUIET_S = 100
"""Three comparisons: the first may find an order in doubt, the second look again while it still is."""


class ExecutionLaws(RuleBasedStateMachine):
    """Strategies wish and withdraw, the venue trades, the wire does its worst, the manager crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = int(NOW)
        self.hat = manager()
        self.venue = TinyVenue(NOW)
        self.wire: list[Action] = []
        self.queries: list[QueryOrder | QueryAccount] = []
        self.readings: list[Reading] = []
        self.inbox: list[AnyMessage] = []
        self.timers: dict[str, int] = {"deadlines": self.hat.state.armed_ns}
        self.numbers = 0
        self.epoch = 1
        self.states: dict[Cloid, OrderState] = {}
        self.filled: dict[Cloid, int] = {}
        self.submitted: dict[Cloid, SubmitOrder] = {}
        self.unsigned: set[Cloid] = set()
        """Orders that were refused a signature: there are no bytes of them."""
        self.copied: set[Cloid] = set()
        """Orders whose bytes were sent again: they have a signature."""
        self.booked: list[int] = []
        self.is_held = False
        """Was something ordered that lets no order through?"""
        self.reconciled: Reconciled | None = None

    # ------------------------------------------------------------------------------------- hearing the manager
    def say(self, message: AnyMessage) -> None:
        """Let the manager hear something and check every word of its answer."""
        for said in say(self.hat, message, self.now):
            match said:
                case SubmitOrder():
                    assert said.cloid not in self.submitted, "submitted twice"
                    assert not self.is_held, "submitted though nothing may be"
                    self.submitted[said.cloid] = said
                    self.wire.append(said)
                case CancelOrder() | FenceOrder():
                    self.wire.append(said)
                case ResendOrder(cloid=cloid):
                    assert self.states[cloid] is OrderState.UNKNOWN, "sent again though not in doubt"
                    assert not self.is_held, "sent again though nothing may be"
                    if cloid not in self.unsigned:
                        self.copied.add(cloid)
                        self.wire.append(Copy(self.submitted[cloid]))
                case QueryOrder() | QueryAccount():
                    self.queries.append(said)
                case OrderChanged():
                    self.check_change(said)
                case FillBooked():
                    assert said.fill.tid not in self.booked, "booked twice"
                    assert said.strategy == STRATEGY
                    self.booked.append(said.fill.tid)
                case WakeAt():
                    assert said.ns > self.now, "a wake-up in the past"
                    self.timers[said.timer] = said.ns
                case Reconciled():
                    self.reconciled = said
                    assert said.is_clean, said.differences
                case _:
                    self.note(said)

    def note(self, said: AnyMessage) -> None:
        """What else it says: nothing that these laws are about."""

    def check_change(self, said: OrderChanged) -> None:
        """Legal moves only; what is filled never shrinks; an end is true at the venue."""
        before = self.states.get(said.cloid, OrderState.NEW)
        assert said.state is before or (before, said.state) in STEPS, f"{before} -> {said.state}"
        assert self.filled.get(said.cloid, 0) <= said.filled_sz <= said.sz
        assert before not in TERMINAL or said.state is before
        self.states[said.cloid], self.filled[said.cloid] = said.state, said.filled_sz
        if said.state is OrderState.FILLED:
            assert said.filled_sz == said.sz
        if is_open(said.state):
            return
        truth = self.venue.orders.get(said.cloid)
        if truth is not None:
            assert not truth.is_live, f"{said.cloid} is {said.state} here and open at the venue: {said.reason}"
            assert said.filled_sz == truth.filled_sz, f"ended with {said.filled_sz} of {truth.filled_sz} booked"
        for action in self.wire:
            if isinstance(action, SubmitOrder | Copy) and action.cloid == said.cloid:
                can_act = self.venue.now < self.submitted[said.cloid].expires_ns and said.cloid not in self.venue.spent
                assert not can_act, f"{said.cloid} ended and may still arrive: {said.reason}"

    def live(self) -> list[Cloid]:
        """What may trade at the venue."""
        return sorted(cloid for cloid, order in self.venue.orders.items() if order.is_live)

    # ------------------------------------------------------------------------------------------------- wishes
    @rule(coin=st.sampled_from(COINS), side=st.sampled_from(list(Side)), sz=st.integers(10, 30))
    def wish(self, coin: str, side: Side, sz: int) -> None:
        """An order is approved."""
        self.numbers += 1
        self.say(approval(intent(self.numbers, side, sz, coin=coin), self.numbers, self.now))

    @precondition(lambda self: self.hat.state.orders)
    @rule(data=st.data(), sz=st.integers(10, 30))
    def replace(self, data: st.DataObject, sz: int) -> None:
        """An order that replaces another is approved."""
        old = self.hat.state.orders[data.draw(st.sampled_from(sorted(self.hat.state.orders)))]
        self.numbers += 1
        wish = intent(self.numbers, old.side, sz, coin=old.coin, replaces=old.cloid)
        self.say(approval(wish, self.numbers, self.now))

    @precondition(lambda self: self.hat.state.orders)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """A strategy no longer wants an order."""
        self.say(CancelIntent(data.draw(st.sampled_from(sorted(self.hat.state.orders))), STRATEGY, "test"))

    @rule(what=st.sampled_from(HOLDS))
    def hold(self, what: AnyMessage) -> None:
        """A kill, a drain or a trading state lets nothing through any more that adds."""
        self.is_held = True
        self.say(what)

    @rule()
    def release(self) -> None:
        """All of that is lifted."""
        for message in RELEASE:
            self.say(message)
        self.is_held = False

    @rule()
    def repeat_an_approval(self) -> None:
        """An approval is heard again."""
        if self.numbers:
            self.say(approval(intent(self.numbers), self.numbers, self.now))

    # --------------------------------------------------------------------------------------- the wire's fates
    @precondition(lambda self: self.wire)
    @rule(data=st.data(), refuse=st.booleans(), is_answered=st.booleans())
    def arrive(self, data: st.DataObject, refuse: bool, is_answered: bool) -> None:
        """An action reaches the venue; its answer may be lost on the way back."""
        action = self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1)))
        self.inbox.append(on_wire(action, self.now))
        said, pushed = self.venue.take(action, refuse=refuse)
        self.inbox += [said if is_answered else no_answer(action, self.now), *pushed]

    @precondition(lambda self: self.wire)
    @rule(data=st.data(), is_noticed=st.booleans())
    def lose(self, data: st.DataObject, is_noticed: bool) -> None:
        """An action is lost before it arrives, noticed by the gateway or not."""
        action = self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1)))
        if is_noticed:
            self.inbox.append(no_answer(action, self.now))

    @precondition(lambda self: self.wire)
    @rule(data=st.data())
    def refuse_to_sign(self, data: st.DataObject) -> None:
        """An action is not signed."""
        action = self.wire[data.draw(st.integers(0, len(self.wire) - 1))]
        if isinstance(action, Copy) or (isinstance(action, SubmitOrder) and action.cloid in self.copied):
            return
        self.wire.remove(action)
        if isinstance(action, SubmitOrder):
            self.unsigned.add(action.cloid)
        self.inbox.append(SignatureRefused(kind_of(action), action.cloid, "test"))

    @precondition(lambda self: self.inbox)
    @rule(data=st.data(), again=st.booleans())
    def deliver(self, data: st.DataObject, again: bool) -> None:
        """Something is heard, in whatever order, perhaps to be heard again."""
        index = data.draw(st.integers(0, len(self.inbox) - 1))
        message = self.inbox[index]
        if not again:
            del self.inbox[index]
        self.say(message)

    @precondition(lambda self: self.inbox)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """The feed breaks and what it would have pushed is lost; it comes back as a new connection."""
        self.inbox = [m for m in self.inbox if not isinstance(m, VenueOrder | Fill) or data.draw(st.booleans())]
        self.epoch += 1
        self.say(FeedStatus(FeedState.UP, self.epoch, "test", Ns(self.now)))

    @precondition(lambda self: any(order.is_live for order in self.venue.orders.values()))
    @rule(data=st.data(), share=st.integers(1, 99))
    def black_out(self, data: st.DataObject, share: int) -> None:
        """An order trades and ends while the feed breaks: its end is heard, its fill is not.

        The feed then reads the account by itself, with fills since it was cut: that one is not among them.
        """
        cloid = data.draw(st.sampled_from(self.live()))
        order = self.venue.orders[cloid]
        pushed = self.venue.trade(cloid, max(order.left_sz * share // 100, 1))
        pushed += self.venue.end(cloid) if order.is_live else []
        for message in pushed:
            if isinstance(message, VenueOrder):
                self.say(message)
        self.pass_time(2_500)
        reading = self.venue.read_positions(QueryAccount(Ns(self.now), "the feed's own"))
        self.venue.read_orders(reading)
        self.say(self.venue.read_fills(reading))
        self.epoch += 1
        self.say(FeedStatus(FeedState.UP, self.epoch, "test", Ns(self.now)))

    @precondition(lambda self: self.queries)
    @rule(data=st.data(), is_lost=st.booleans())
    def read(self, data: st.DataObject, is_lost: bool) -> None:
        """A question is answered with the truth of now, or not at all; the account is begun to be read."""
        query = self.queries.pop(data.draw(st.integers(0, len(self.queries) - 1)))
        if not is_lost and isinstance(query, QueryAccount):
            self.readings.append(self.venue.read_positions(query))
        elif not is_lost:
            self.inbox.append(self.venue.read(query))

    @precondition(lambda self: self.queries)
    @rule(data=st.data())
    def overlook(self, data: st.DataObject) -> None:
        """The venue's lookup lags, or has forgotten: it does not know an order that it has shown."""
        query = self.queries[data.draw(st.integers(0, len(self.queries) - 1))]
        order = self.hat.state.orders.get(query.cloid) if isinstance(query, QueryOrder) else None
        if order is not None and order.is_proven and order.cloid in self.venue.orders:
            self.queries.remove(query)
            self.inbox.append(TinyVenue(self.venue.now).word(order.cloid))

    @precondition(lambda self: self.live())
    @rule(data=st.data(), status=st.sampled_from([VenueOrderStatus.TRIGGERED, VenueOrderStatus.OTHER]))
    def say_strangely(self, data: st.DataObject, status: VenueOrderStatus) -> None:
        """The venue says that a live order's trigger fired, or a word that nobody knows; the order lives on."""
        word = self.venue.word(data.draw(st.sampled_from(self.live())))
        self.inbox.append(msgspec.structs.replace(word, status=status))

    @precondition(lambda self: self.readings)
    @rule(data=st.data(), is_last=st.booleans())
    def read_on(self, data: st.DataObject, is_last: bool) -> None:
        """The next part of the account is read, and perhaps the last one at once."""
        reading = self.readings[data.draw(st.integers(0, len(self.readings) - 1))]
        if reading.live is None:
            self.venue.read_orders(reading)
            if not is_last:
                return
        self.readings.remove(reading)
        self.inbox.append(self.venue.read_fills(reading))

    # -------------------------------------------------------------------------------------------- venue, time
    @precondition(lambda self: any(order.is_live for order in self.venue.orders.values()))
    @rule(data=st.data(), share=st.integers(1, 100), is_ended=st.booleans())
    def trade(self, data: st.DataObject, share: int, is_ended: bool) -> None:
        """An order trades, and perhaps the venue cancels the rest."""
        cloid = data.draw(st.sampled_from(self.live()))
        order = self.venue.orders[cloid]
        self.inbox += self.venue.trade(cloid, max(order.left_sz * share // 100, 1))
        if is_ended and order.is_live:
            self.inbox += self.venue.end(cloid)

    @rule(span_ms=st.sampled_from([10, 100, 600, 2_500, 6_000]))
    def pass_time(self, span_ms: int) -> None:
        """Time goes by, and the manager is woken when it asked for it."""
        until = self.now + span_ms * MS
        for _ in range(200):
            timer, at = min(self.timers.items(), key=lambda item: item[1], default=("", until + 1))
            if at > until:
                break
            del self.timers[timer]
            self.now = max(self.now, at)
            self.venue.now = max(self.venue.now, self.now)
            self.say(Woke(EM, timer, Ns(at)))
        else:
            raise AssertionError("woken 200 times: the manager spins")
        self.now = until
        self.venue.now = max(self.venue.now, self.now)

    @rule()
    def crash(self) -> None:
        """The manager comes back from its snapshot, the same to the last byte."""
        data = snapshot(self.hat)
        self.hat = manager()
        restore(self.hat, data)
        assert snapshot(self.hat) == data
        self.timers.clear()
        self.say(Started(EM, RUN, Ns(self.now)))

    # --------------------------------------------------------------------------------------------------- laws
    @invariant()
    def what_is_booked_is_held(self) -> None:
        """The position is the sum of the booked fills."""
        booked = [f for f in self.venue.fills if f.tid in set(self.booked)]
        for coin in COINS:
            assert self.hat.state.positions.get(coin, 0) == sum(f.side.value * f.sz for f in booked if f.coin == coin)

    def teardown(self) -> None:
        """Once the wire works again, our books become the venue's, to the last lot, and stay clean."""
        self.release()
        self.inbox = [m for m in self.inbox if not isinstance(m, Fill)]
        for _ in range(QUIET_S):
            for action in self.wire:
                self.inbox += [on_wire(action, self.now)]
                said, pushed = self.venue.take(action, refuse=False)
                self.inbox += [said, *pushed]
            queries, self.wire, self.queries = self.queries, [], []
            self.inbox += [self.venue.read(query) for query in queries]
            messages, self.inbox = self.inbox, []
            for message in messages:
                self.say(message)
            self.pass_time(1_000)
        live = {cloid: order.filled_sz for cloid, order in self.venue.orders.items() if order.is_live}
        assert {cloid: order.filled_sz for cloid, order in self.hat.state.orders.items()} == live
        assert {order.state for order in self.hat.state.orders.values()} <= {
            OrderState.RESTING,
            OrderState.PARTIALLY_FILLED,
        }
        assert {c: n for c, n in self.hat.state.positions.items() if n} == {
            c: n for c, n in self.venue.net.items() if n
        }
        assert sorted(self.booked) == [f.tid for f in self.venue.fills]
        assert self.reconciled is not None
        assert self.reconciled.unknown_orders == 0
        for cloid, order in self.venue.orders.items():
            assert self.filled.get(cloid, 0) == order.filled_sz


TestExecutionLaws = ExecutionLaws.TestCase
TestExecutionLaws.settings = settings(max_examples=100, stateful_step_count=40)
TestExecutionLaws.__doc__ = "No fate of actions, answers, events and questions breaks the books."
