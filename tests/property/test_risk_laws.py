"""Laws of the Risk Oversight Officer: whatever happens to orders, and whenever it hears of it, no limit is exceeded.

The machine keeps the truth (positions and live orders at the venue) and tells the officer about it late, in order.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.hat import restore, snapshot
from shared.ids import FLATTEN, Cloid
from shared.messages import AnyMessage
from shared.messages.control import Armed, Disarmed, KillLevel, KillOrdered, ResumeOrdered
from shared.messages.risk import OrderApproved, TradingStateChanged
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side
from shared.units import SECOND, USD, Ns
from tests.unit.hats.risk_oversight_officer.scene import (
    COINS,
    NOW,
    PX,
    booked,
    changed,
    features,
    intent,
    judged,
    ledger,
    memory,
    officer,
    say,
)

POSITION_LIMIT = 100
GROSS_LIMIT = 150
NET_LIMIT = 120
STRATEGY_LIMIT = 180
LIMITS: dict[str, Any] = {
    "position_limit_usd": POSITION_LIMIT, "gross_limit_usd": GROSS_LIMIT, "net_limit_usd": NET_LIMIT,
    "strategy_limit_usd": STRATEGY_LIMIT, "open_orders_limit": 12,
}  # fmt: skip


class Truth(msgspec.Struct):
    """An approved order as it really is at the venue."""

    wish: OrderIntent
    left_sz: int
    filled_sz: int = 0


class RiskLaws(RuleBasedStateMachine):
    """Intents, approvals, partial fills, cancels, unknowns, replacements, kills and crashes, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.hat = officer(**LIMITS)
        self.net = dict.fromkeys(COINS, 0)
        self.live: dict[Cloid, Truth] = {}
        self.outbox: list[tuple[AnyMessage, ...]] = []
        self.numbers = 0
        self.approval_ids: list[int] = []
        self.is_killed = False
        self.is_armed = True

    def say(self, message: AnyMessage) -> list[AnyMessage]:
        """What the officer answers now."""
        return say(self.hat, message, self.now)

    @rule(
        coin=st.sampled_from(COINS), side=st.sampled_from(list(Side)), sz=st.integers(9, 70), ticks=st.integers(-3, 3),
        aim=st.sampled_from(["any", "any", "position", "gross", "reduce", "exit"]), data=st.data(),
    )  # fmt: skip
    def intend(self, coin: str, side: Side, sz: int, ticks: int, aim: str, data: st.DataObject) -> None:
        """A wish is approved and becomes an order at the venue, or is denied and leaves no trace."""
        exposure = self.hat.state.exposure(coin)
        match aim:
            case "position":
                sz = POSITION_LIMIT - exposure.worst().on(side) + data.draw(st.integers(0, 1))
            case "gross":
                others, _ = self.hat.state.worst_gross_usd(besides=coin)
                sz = GROSS_LIMIT - others // USD - exposure.worst().on(side) + data.draw(st.integers(0, 1))
            case "reduce" | "exit" if exposure.net_sz:
                side, sz = (Side.SELL if exposure.net_sz > 0 else Side.BUY), min(sz, abs(exposure.net_sz))
        self.numbers += 1
        others_open = sorted(cloid for cloid, order in self.live.items() if order.wish.coin == coin)
        replaces = data.draw(st.sampled_from([None, None, *others_open]))
        extra: dict[str, Any] = {"strategy": FLATTEN, "strategy_number": 0xFFFF} if aim == "exit" else {}
        wish = intent(
            self.numbers, side, sz, PX + 100 * ticks, coin=coin, reduce_only=aim in ("reduce", "exit"),
            replaces=replaces, recv_ns=self.now, **extra,
        )  # fmt: skip
        self.judge(wish)

    def judge(self, wish: OrderIntent) -> None:
        """The officer's answer, held against what it may be."""
        before = memory(self.hat)
        answer = judged(self.hat, wish, self.now)
        if not isinstance(answer, OrderApproved):
            assert memory(self.hat) == before, "a denied intent left a trace"
            return
        assert answer.intent == wish
        is_exit = wish.strategy == FLATTEN and wish.reduce_only
        assert is_exit or (self.is_armed and not self.is_killed), "approved against the switch"
        self.no_side_exceeds_what_it_was_asked(wish)
        self.approval_ids.append(answer.approval_id)
        self.live[wish.cloid] = Truth(wish, wish.sz)
        self.outbox.append((changed(wish, OrderState.PENDING_SUBMIT),))
        again = judged(self.hat, wish, self.now)
        assert not isinstance(again, OrderApproved), "an intent passed twice"

    def no_side_exceeds_what_it_was_asked(self, wish: OrderIntent) -> None:
        """What opens a position keeps net and strategy limits, however much is open on the coin's other side."""
        state = self.hat.state
        if wish.strategy == FLATTEN or state.exposures[wish.coin].worst().on(wish.side) <= 0:
            return
        net = sum(exposure.worst().on(wish.side) for exposure in state.exposures.values())
        assert net <= NET_LIMIT, f"{net} lots net"
        orders = [order for exposure in state.exposures.values() for order in exposure.orders.values()]
        open_sz = sum(order.left_sz for order in orders if order.strategy == wish.strategy)
        held = sum(map(abs, state.strategies[wish.strategy].nets.values()))
        assert open_sz + held <= STRATEGY_LIMIT, f"{open_sz} lots open, {held} held"

    @precondition(lambda self: self.live)
    @rule(data=st.data(), share=st.integers(1, 100))
    def fill(self, data: st.DataObject, share: int) -> None:
        """Part of a live order trades; the venue clips what is reduce-only to the position."""
        order = self.live[data.draw(st.sampled_from(sorted(self.live)))]
        wish, sign = order.wish, order.wish.side.value
        room = max(-sign * self.net[wish.coin], 0) if wish.reduce_only else order.left_sz
        sz = min(max(order.left_sz * share // 100, 1), room)
        if not sz:
            return
        self.net[wish.coin] += sign * sz
        order.left_sz -= sz
        order.filled_sz += sz
        state = OrderState.PARTIALLY_FILLED if order.left_sz else OrderState.FILLED
        # said in one breath: between the two the fill counts twice, which denies too much and never too little
        self.outbox.append((booked(wish, sz), changed(wish, state, order.filled_sz)))
        if not order.left_sz:
            del self.live[wish.cloid]

    @precondition(lambda self: self.live)
    @rule(data=st.data(), state=st.sampled_from([OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED]))
    def end(self, data: st.DataObject, state: OrderState) -> None:
        """A live order ends without trading what is left of it."""
        order = self.live.pop(data.draw(st.sampled_from(sorted(self.live))))
        self.outbox.append((changed(order.wish, state, order.filled_sz),))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), state=st.sampled_from([OrderState.UNKNOWN, OrderState.PENDING_CANCEL, OrderState.RESTING]))
    def doubt(self, data: st.DataObject, state: OrderState) -> None:
        """Something is said of a live order that ends nothing."""
        order = self.live[data.draw(st.sampled_from(sorted(self.live)))]
        self.outbox.append((changed(order.wish, state, order.filled_sz),))

    @precondition(lambda self: self.outbox)
    @rule(count=st.integers(1, 6) | st.just(1_000))
    def hear(self, count: int) -> None:
        """The officer hears some of what happened."""
        for messages in self.outbox[:count]:
            for message in messages:
                self.say(message)
        del self.outbox[:count]

    @rule(level=st.sampled_from([KillLevel.PAUSE, KillLevel.FLATTEN]), side=st.sampled_from(list(Side)))
    def kill(self, level: KillLevel, side: Side) -> None:
        """The switch is pulled; nothing that adds passes until the operator lets trading go on."""
        self.say(KillOrdered(level, "test"))
        self.is_killed = True
        self.numbers += 1
        self.judge(intent(self.numbers, side, recv_ns=self.now))
        self.say(ResumeOrdered("test"))
        self.is_killed = False

    @rule(side=st.sampled_from(list(Side)))
    def disarm(self, side: Side) -> None:
        """The orchestrator disarms and arms again."""
        self.say(Disarmed("test"))
        self.is_armed = False
        self.numbers += 1
        self.judge(intent(self.numbers, side, recv_ns=self.now))
        self.say(Armed("test"))
        self.is_armed = True

    @rule()
    def crash(self) -> None:
        """The officer comes back from its snapshot, the same to the last byte."""
        data = snapshot(self.hat)
        self.hat = officer(**LIMITS)
        restore(self.hat, data)
        assert snapshot(self.hat) == data

    @rule()
    def pass_time(self) -> None:
        """A second passes; books and equity stay fresh."""
        self.now = Ns(self.now + SECOND)
        for coin in COINS:
            self.say(features(coin, self.now))
        self.say(ledger(10**6))

    @invariant()
    def no_position_exceeds_its_limit(self) -> None:
        """What is really held, and the worst that the officer believes, stay within the limits."""
        assert all(abs(net) <= POSITION_LIMIT for net in self.net.values()), self.net
        assert sum(map(abs, self.net.values())) <= GROSS_LIMIT, self.net
        for exposure in self.hat.state.exposures.values():
            assert exposure.worst().sz <= POSITION_LIMIT
            assert exposure.drift() == 0
        gross_usd, _ = self.hat.state.worst_gross_usd()
        assert gross_usd <= GROSS_LIMIT * USD

    @invariant()
    def approvals_are_numbered_without_gap(self) -> None:
        """Each approval id is used once."""
        assert self.approval_ids == list(range(1, len(self.approval_ids) + 1))

    @invariant()
    def heard_everything_knows_everything(self) -> None:
        """Once nothing is under way the officer's books are the truth."""
        if self.outbox:
            return
        assert {coin: self.hat.state.exposure(coin).net_sz for coin in COINS} == self.net
        assert set(self.hat.state.order_coins) == set(self.live)
        open_ = {c: o.left_sz for e in self.hat.state.exposures.values() for c, o in e.orders.items()}
        assert open_ == {cloid: order.left_sz for cloid, order in self.live.items()}

    def teardown(self) -> None:
        """After a kill, whatever else is asked, only what closes everything passes."""
        said = self.say(KillOrdered(KillLevel.FLATTEN, "the end"))
        assert all(isinstance(message, TradingStateChanged) for message in said)
        self.say(Armed("test"))
        for number in range(self.numbers + 1, self.numbers + 4):
            answer = judged(self.hat, intent(number, Side.BUY, 20, recv_ns=self.now), self.now)
            assert not isinstance(answer, OrderApproved)


TestRiskLaws = RiskLaws.TestCase
TestRiskLaws.settings = settings(max_examples=150, stateful_step_count=50)
TestRiskLaws.__doc__ = "No sequence of intents, fills, cancels, unknowns and replacements exceeds a limit."
