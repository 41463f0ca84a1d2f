"""Laws of parent orders, on a market that trades, moves and refuses as chance will have it."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.execution_manager import ExecutionManager
from hats.execution_manager.algorithms.schedule import cumulative
from shared.ids import Cloid, cloid_for
from shared.messages import AnyMessage
from shared.messages.order import AnswerKind, CancelOrder, QueryOrder, SubmitOrder, VenueOrderStatus
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
from shared.order import Side, Tif, is_open
from shared.units import MS, SECOND, Ns, Px, Sz
from tests.unit.hats.execution_manager.scene import (
    NOW,
    PX,
    RUN,
    STRATEGY,
    answer,
    approval,
    features,
    fill,
    manager,
    say,
    told,
    wake,
)

ALGORITHMS = st.one_of(
    st.builds(PassiveThenCross, patience_ms=st.integers(0, 5_000)),
    st.builds(Twap, slices=st.integers(1, 8)),
    st.builds(AlmgrenChriss, slices=st.integers(1, 8), urgency=st.floats(0, 5)),
    st.builds(Iceberg, display_sz=st.integers(10, 60)),
    st.builds(Participate, share_bps=st.integers(500, 10_000)),
    st.just(Chase()),
)


@given(total=st.integers(1, 10**12), slices=st.integers(1, 200), urgency=st.floats(0, 50))
def test_a_schedule_never_falls_and_sums_exactly(total: int, slices: int, urgency: float) -> None:
    """Every slice is at least nothing, and all of them are the total to the lot."""
    done = cumulative(total, slices, urgency)
    assert len(done) == slices
    assert done[-1] == total
    assert all(before <= after for before, after in zip((0, *done), done, strict=False))


class Play:
    """One parent, a manager, and a market that the test moves."""

    def __init__(self, algorithm: Algorithm, side: Side, sz: int) -> None:
        self.hat: ExecutionManager = manager(reconcile_every_ms=86_400_000)
        self.now = int(NOW)
        self.limit = Px(PX + side.value * 500)
        self.terms = ParentOrder(
            cloid_for(RUN, 1, 1), STRATEGY, "AAA", side, Sz(sz), self.limit, algorithm, False,
            Ns(NOW + 20 * SECOND), "test",
        )  # fmt: skip
        self.wishes: dict[Cloid, OrderIntent] = {}
        self.live: dict[Cloid, int] = {}
        self.waiting: list[OrderIntent] = []
        self.traded = 0
        self.market_sz = 0
        self.position = 0
        self.tid = 0
        self.last: ParentChanged | None = None
        self.say(features(at=self.now))
        self.say(self.terms)

    def say(self, message: AnyMessage) -> None:
        """Let the manager hear it; check every child."""
        self.take(say(self.hat, message, self.now))

    def take(self, said: list[AnyMessage]) -> None:
        """Follow what was said."""
        for message in said:
            match message:
                case OrderIntent():
                    assert self.terms.side.value * (self.limit - message.px) >= 0, "beyond the limit"
                    assert not self.live, "a second child while one is at work"
                    self.waiting.append(message)
                    assert message.sz + self.traded <= self.terms.sz, "more than the parent"
                case SubmitOrder():
                    self.live[message.cloid] = message.sz
                    self.say(answer(self.wishes[message.cloid], AnswerKind.RESTING))
                case CancelOrder() if message.cloid in self.live:
                    self.end(message.cloid)
                case QueryOrder() if message.cloid in self.wishes:
                    status = VenueOrderStatus.OPEN if message.cloid in self.live else VenueOrderStatus.CANCELLED
                    self.say(told(self.wishes[message.cloid], status, self.live.get(message.cloid, 0), at=self.now))
                case ParentChanged():
                    self.last = message
        assert sum(self.live.values()) + self.traded <= self.terms.sz, "children are more than the parent"

    def judge(self, passes: bool) -> None:
        """The Risk Officer speaks on every child that waits."""
        for wish in list(self.waiting):
            self.waiting.remove(wish)
            self.wishes[wish.cloid] = wish
            if passes:
                self.say(approval(wish, self.hat.state.last_approval_id + 1, self.now))
            else:
                self.say(OrderDenied(wish.cloid, wish.strategy, wish.coin, DenyReason.ORDER_RATE, 1, 2, "test"))

    def trade(self, share: int) -> None:
        """Some of each child trades."""
        for cloid, left in list(self.live.items()):
            lots = max(left * share // 100, 1)
            wish = self.wishes[cloid]
            self.tid += 1
            self.traded += lots
            start, self.position = self.position, self.position + wish.side.value * lots
            self.live[cloid] = left - lots
            if not self.live[cloid]:
                del self.live[cloid]
            self.say(fill(wish, lots, self.tid, start=start, at=self.now + self.tid))
            if wish.tif is Tif.IOC and cloid in self.live:
                self.end(cloid)

    def end(self, cloid: Cloid) -> None:
        """The venue cancels the rest."""
        left = self.live.pop(cloid)
        self.say(told(self.wishes[cloid], VenueOrderStatus.CANCELLED, left, at=self.now))

    def later(self, span_ms: int, move: int) -> None:
        """Time passes and the book moves."""
        self.now += span_ms * MS
        self.market_sz += span_ms // 10
        book = features(mid_px=PX + move * 100, at=self.now)
        self.say(msgspec.structs.replace(book, traded_sz=self.market_sz))
        self.take(wake(self.hat, self.now))


SIDES = st.sampled_from(list(Side))
STEPS = st.lists(
    st.tuples(st.sampled_from(["pass", "deny", "trade", "later", "later"]), st.integers(1, 100), st.integers(-6, 6)),
    max_size=40,
)


@settings(max_examples=150)
@given(algorithm=ALGORITHMS, side=SIDES, sz=st.integers(20, 200), steps=STEPS, stops=st.booleans())
def test_children_stay_within_their_parent(
    algorithm: Algorithm, side: Side, sz: int, steps: list[tuple[str, int, int]], stops: bool
) -> None:
    """Never more than the parent, never beyond its limit, one at a time; in the end it says exactly what it traded."""
    play = Play(algorithm, side, sz)
    for what, number, move in steps:
        match what:
            case "pass" | "deny":
                play.judge(what == "pass")
            case "trade":
                play.trade(number)
            case "later":
                play.later(number * 20, move)
    if stops:
        play.say(CancelIntent(play.terms.parent, STRATEGY, "test"))
    for _ in range(60):
        play.judge(passes=False)
        play.later(1_000, 0)
    assert play.last is not None
    assert play.last.state is not ParentState.WORKING
    assert play.last.filled_sz == play.traded
    assert (play.last.state is ParentState.FILLED) == (play.traded == sz)
    assert not play.hat.state.parents
    assert not [order for order in play.hat.state.orders.values() if is_open(order.state)]
