"""Laws of parent orders on a wire that loses, delays, repeats and reorders everything, under a manager that crashes."""

from __future__ import annotations

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from shared.ids import Cloid, cloid_for
from shared.messages import AnyMessage
from shared.messages.order import Fill, SubmitOrder
from shared.messages.parent import (
    Algorithm,
    AlmgrenChriss,
    Chase,
    Iceberg,
    ParentChanged,
    ParentOrder,
    ParentState,
    Participate,
    PassiveThenCross,
    Twap,
)
from shared.messages.risk import DenyReason, OrderDenied
from shared.messages.signal import CancelIntent, OrderIntent
from shared.order import OrderState, Side
from shared.units import SECOND, Ns, Px, Sz
from tests.property.execution_venue import Copy, no_answer
from tests.property.test_execution_laws import ExecutionLaws
from tests.unit.hats.execution_manager.scene import COINS, PX, RUN, STRATEGY, approval, features

ALGORITHMS: tuple[Algorithm, ...] = (
    PassiveThenCross(patience_ms=1_000),
    Twap(slices=4),
    AlmgrenChriss(slices=3, urgency=2.0),
    Iceberg(display_sz=15),
    Participate(share_bps=2_000),
    Chase(),
)
NUMBER = 3
"""The strategy of the parents; that of the other orders is another one."""
LASTS_S = 20


class ParentWireLaws(ExecutionLaws):
    """Parents work beside other orders; their children are judged late, denied, lost and found."""

    def __init__(self) -> None:
        super().__init__()
        self.parents: dict[Cloid, ParentOrder] = {}
        self.told: dict[Cloid, ParentChanged] = {}
        self.family: dict[Cloid, Cloid] = {}
        """Each child's parent."""
        self.unjudged: list[OrderIntent] = []
        self.traded_sz = 0
        self.look(0)

    def note(self, said: AnyMessage) -> None:
        """Follow parents and children."""
        match said:
            case OrderIntent():
                self.family[said.cloid] = Cloid(said.reason.rpartition(" ")[2])
                self.unjudged.append(said)
            case ParentChanged():
                before = self.told.get(said.parent)
                assert before is None or before.state is ParentState.WORKING, "it had ended"
                self.told[said.parent] = said

    @precondition(lambda self: len(self.parents) < 3)
    @rule(algorithm=st.sampled_from(ALGORITHMS), side=st.sampled_from(list(Side)), sz=st.integers(20, 90))
    def begin(self, algorithm: Algorithm, side: Side, sz: int) -> None:
        """A parent order is asked for, good for 20 s."""
        cloid, coin = cloid_for(RUN, NUMBER, len(self.parents) + 1), COINS[sz % len(COINS)]
        limit, end_ns = Px(PX + side.value * 500), Ns(self.now + LASTS_S * SECOND)
        terms = ParentOrder(cloid, STRATEGY, coin, side, Sz(sz), limit, algorithm, False, end_ns, "test")
        self.parents[cloid] = terms
        self.say(terms)

    @precondition(lambda self: self.unjudged)
    @rule(data=st.data(), passes=st.sampled_from([True, True, True, False]))
    def judge(self, data: st.DataObject, passes: bool) -> None:
        """The Risk Officer speaks on a child."""
        child = self.unjudged.pop(data.draw(st.integers(0, len(self.unjudged) - 1)))
        if passes:
            self.numbers += 1
            self.say(approval(child, self.numbers, self.now))
        else:
            self.say(OrderDenied(child.cloid, child.strategy, child.coin, DenyReason.ORDER_RATE, 1, 2, "test"))

    @precondition(lambda self: self.unjudged)
    @rule(span_ms=st.sampled_from([600, 4_000]), has_arrived=st.booleans())
    def doubt(self, span_ms: int, has_arrived: bool) -> None:
        """Nobody knows for a while what became of a child: the venue took it, or it is still on its way."""
        child = self.unjudged.pop()
        self.numbers += 1
        self.say(approval(child, self.numbers, self.now))
        sent = [action for action in self.wire if isinstance(action, SubmitOrder) and action.cloid == child.cloid]
        for action in sent:
            if has_arrived:
                self.wire.remove(action)
                _, pushed = self.venue.take(action, refuse=False)
                self.inbox += [fact for fact in pushed if isinstance(fact, Fill)]
            self.say(no_answer(action, self.now))
        self.pass_time(span_ms)
        self.look(0)

    @rule(move=st.integers(-6, 6))
    def look(self, move: int) -> None:
        """A new book, and something traded."""
        self.traded_sz += 50
        for coin in COINS:
            book = features(coin, mid_px=PX + move * 100, at=self.now)
            self.say(msgspec.structs.replace(book, traded_sz=self.traded_sz))

    @precondition(lambda self: self.parents)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        """A parent is no longer wanted."""
        self.say(CancelIntent(data.draw(st.sampled_from(sorted(self.parents))), STRATEGY, "test"))

    @invariant()
    def no_parent_is_overfilled(self) -> None:
        """All that its children traded, may trade and may still bring to the venue is at most its size."""
        if not self.family:
            return
        exposed = dict.fromkeys(self.parents, 0)
        for child, parent in self.family.items():
            truth = self.venue.orders.get(child)
            if truth is not None:
                exposed[parent] += truth.action.sz if truth.is_live else truth.filled_sz
        coming = {action.cloid for action in self.wire if isinstance(action, SubmitOrder | Copy)}
        for child in coming & self.family.keys():
            order = self.submitted[child]
            if child not in self.venue.spent and self.venue.now <= order.expires_ns:
                exposed[self.family[child]] += order.sz
        for parent, sz in exposed.items():
            assert sz <= self.parents[parent].sz, f"{sz} lots of {parent}, which has {self.parents[parent].sz}"

    def teardown(self) -> None:
        """Every parent has ended, saying exactly what its children traded."""
        self.unjudged.clear()
        super().teardown()
        for cloid in self.parents:
            last = self.told[cloid]
            traded = [self.venue.orders[child].filled_sz for child in self.family if self.is_its(child, cloid)]
            assert last.state is not ParentState.WORKING, "it never ended"
            assert last.filled_sz == sum(traded)
            assert (last.state is ParentState.FILLED) == (last.filled_sz == last.sz)
        children = [order for order in self.hat.state.orders.values() if order.cloid in self.family]
        assert not children, "a child outlived its parent"
        assert OrderState.UNKNOWN not in self.states.values()

    def is_its(self, child: Cloid, parent: Cloid) -> bool:
        """Is it a child of that parent, which the venue has seen?"""
        return self.family[child] == parent and child in self.venue.orders


TestParentWireLaws = ParentWireLaws.TestCase
TestParentWireLaws.settings = settings(max_examples=100, stateful_step_count=50)
TestParentWireLaws.__doc__ = "No fate of its children lets a parent trade more than its size, or work for ever."
