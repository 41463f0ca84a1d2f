"""Laws of orders that wait for the mark, which no sequence of commands may break."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.instrument import Instrument
from shared.units import MINUTE, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    Grouping,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PassTime,
    PlaceOrders,
    SetPrices,
    Tif,
    TriggerSpec,
)
from shared.venue.core.events import FillHappened, OrderChanged, PricesChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Awaiting, Outcome, Resting

START_NS: Final = 1_700_000_000 * SECOND
COIN: Final = Instrument("ETH", 0, 2, 25)
MID_PX: Final = 1_000_000
TICK: Final = 1_000
USERS: Final = ("0xa", "0xb", "0xc")
ALIVE: Final = ("open", "triggered")

users = st.sampled_from(USERS)
steps = st.integers(-8, 8)
sizes = st.integers(20, 400).map(Sz)
kinds = st.tuples(st.booleans(), st.booleans())


def trigger(is_buy: bool, step: int, sz: int, kind: tuple[bool, bool], reduce_only: bool = True) -> OrderSpec:
    """A trigger `step` ticks from the middle whose limit reaches far beyond it; `kind` is (is_tp, is_market)."""
    is_tp, is_market = kind
    px = Px(MID_PX + step * TICK)
    limit = Px(px + (10 if is_buy else -10) * TICK)
    tif = Tif.IOC if is_market else Tif.GTC
    return OrderSpec(0, is_buy, limit, Sz(sz), reduce_only, tif, trigger=TriggerSpec(px, is_market, is_tp))


class TriggerLaws(RuleBasedStateMachine):
    """Few users on one market with triggers of every kind; the laws are checked on events and on what is shown."""

    @initialize()
    def open_accounts(self) -> None:
        """Three users of different means, and a price."""
        self.exchange = Exchange([list_perp(COIN)], start_ns=START_NS)
        self.now = START_NS
        self.mark_px = MID_PX
        self.status: dict[int, str] = {}
        self.filled: dict[int, int] = {}
        self.families: list[tuple[str, int, set[int]]] = []
        for user, usd in zip(USERS, (1_000_000, 20_000, 500), strict=True):
            self.do(Deposit(user, Usd(usd * USD)))
        self.do(SetPrices(0, Px(MID_PX)))

    def do(self, command: Command, span_ns: int = SECOND // 10) -> Outcome:
        """Apply, and check what every event must keep."""
        self.now += span_ns
        outcome = self.exchange.apply(command, Ns(self.now))
        for event in outcome.events:
            match event:
                case PricesChanged():
                    self.mark_px = event.mark_px
                case OrderChanged():
                    self.note_change(event)
                case FillHappened():
                    self.note_fill(event)
        return outcome

    def note_change(self, event: OrderChanged) -> None:
        """Nothing fires on the wrong side of its price; nothing comes back from its end."""
        order = event.order
        before = self.status.get(order.oid)
        assert before is None or before in ALIVE
        if event.status == "triggered":
            assert order.trigger is not None
            reached = (
                self.mark_px >= order.trigger.px if order.trigger.fires_above else self.mark_px <= order.trigger.px
            )
            assert reached
            assert before == "open"
        self.status[order.oid] = event.status

    def note_fill(self, fill: FillHappened) -> None:
        """Waiting orders do not fill; reduce-only orders neither open nor flip."""
        self.filled[fill.oid] = self.filled.get(fill.oid, 0) + fill.sz
        record = self.exchange.order_by_oid(fill.user, fill.oid)
        assert record is not None
        if record.order.trigger is not None:
            assert record.order.trigger.phase == "triggered"
        if record.order.reduce_only:
            assert fill.start_position
            assert fill.is_buy == (fill.start_position < 0)
            assert fill.sz <= abs(fill.start_position)

    def net(self, user: str) -> int:
        """The user's position."""
        return next((position.net_sz for position in self.exchange.account(user).positions), 0)

    @rule(user=users, step=steps, is_buy=st.booleans(), sz=sizes, reduce_only=st.sampled_from((False, False, True)))
    def trade(self, user: str, step: int, is_buy: bool, sz: Sz, reduce_only: bool) -> None:
        """An ordinary order, resting or not."""
        self.do(PlaceOrders(user, (OrderSpec(0, is_buy, Px(MID_PX + step * TICK), sz, reduce_only, Tif.GTC),)))

    @rule(user=users, step=steps, is_buy=st.booleans(), sz=sizes, kind=kinds, reduce_only=st.booleans())
    def wait_alone(
        self, user: str, step: int, is_buy: bool, sz: Sz, kind: tuple[bool, bool], reduce_only: bool
    ) -> None:
        """A trigger that belongs to nobody."""
        self.do(PlaceOrders(user, (trigger(is_buy, step, sz, kind, reduce_only),)))

    @rule(
        user=users,
        step=steps,
        is_buy=st.booleans(),
        sz=sizes,
        away=st.integers(1, 6),
        markets=kinds,
        is_ioc=st.booleans(),
    )
    def bracket(
        self, user: str, step: int, is_buy: bool, sz: Sz, away: int, markets: tuple[bool, bool], is_ioc: bool
    ) -> None:
        """A parent with a take-profit and a stop around it."""
        sign = 1 if is_buy else -1
        px = Px(MID_PX + step * TICK)
        parent = OrderSpec(0, is_buy, px, sz, False, Tif.IOC if is_ioc else Tif.GTC)
        take = trigger(not is_buy, step + sign * away, sz, (True, markets[0]))
        stop = trigger(not is_buy, step - sign * away, sz, (False, markets[1]))
        self.remember(user, self.do(PlaceOrders(user, (parent, take, stop), Grouping.NORMAL_TPSL)))

    @rule(user=users, away=st.integers(1, 6), percent=st.integers(0, 120), markets=kinds)
    def protect(self, user: str, away: int, percent: int, markets: tuple[bool, bool]) -> None:
        """A take-profit and a stop for the position, or for a part of it."""
        net = self.net(user)
        sign, sz = (1 if net > 0 else -1), abs(net) * percent // 100
        step = (self.mark_px - MID_PX) // TICK
        take = trigger(net < 0, step + sign * away + (sign > 0), sz, (True, markets[0]))
        stop = trigger(net < 0, step - sign * away + (sign < 0), sz, (False, markets[1]))
        self.remember(user, self.do(PlaceOrders(user, (take, stop), Grouping.POSITION_TPSL)))

    def remember(self, user: str, outcome: Outcome) -> None:
        """Keep who belongs to whom: parent (0: none) and children."""
        parent = next((status.oid for status in outcome.statuses if isinstance(status, Resting)), 0)
        children = {status.oid for status in outcome.statuses if isinstance(status, Awaiting)}
        if children:
            self.families.append((user, parent, children))

    @rule(user=users, pick=st.integers(0, 30))
    def cancel(self, user: str, pick: int) -> None:
        """An open order of the user goes, waiting or not."""
        mine = self.exchange.open_orders(user)
        if mine:
            self.do(CancelOrders(user, (CancelOrder(0, mine[pick % len(mine)].oid),)))

    @rule(user=users, pick=st.integers(0, 30), step=steps, kind=kinds)
    def modify(self, user: str, pick: int, step: int, kind: tuple[bool, bool]) -> None:
        """A waiting order is moved; it stays in its family."""
        mine = [order for order in self.exchange.open_orders(user) if order.trigger is not None and order.sz]
        if mine:
            old = mine[pick % len(mine)]
            new = trigger(old.is_buy, step, old.sz, kind, old.reduce_only)
            status = self.do(ModifyOrders(user, (ModifySpec(old.oid, new),), True)).statuses[0]
            for _, _, children in self.families:
                if old.oid in children and isinstance(status, Resting):
                    children.add(status.oid)

    @rule(step=steps)
    def move_oracle(self, step: int) -> None:
        """The oracle moves by up to 0.8 %; afterwards nobody waits for what has come."""
        self.do(SetPrices(0, Px(MID_PX + step * TICK)), 3 * SECOND)
        for user in USERS:
            for order in self.exchange.open_orders(user):
                if order.trigger is not None and order.trigger.phase == "waitingForTrigger":
                    above, px = order.trigger.fires_above, order.trigger.px
                    assert self.mark_px < px if above else self.mark_px > px

    @rule(minutes=st.integers(1, 70))
    def pass_time(self, minutes: int) -> None:
        """Time goes by."""
        self.do(PassTime(), minutes * MINUTE)

    @rule()
    def restart(self) -> None:
        """The exchange goes on from its snapshot, as if nothing had been."""
        digest = self.exchange.digest()
        self.exchange = Exchange.restore(self.exchange.snapshot())
        assert self.exchange.digest() == digest

    @invariant()
    def families_hold(self) -> None:
        """At most one child fills; no child outlives a parent that did not fill; it waits for the parent until then."""
        for _, parent, children in self.families:
            assert sum(1 for oid in children if self.filled.get(oid)) <= 1
            if not parent:
                continue
            end = self.status[parent]
            has_filled = end == "filled" or (end == "marginCanceled" and self.filled.get(parent, 0) > 0)
            if end not in ALIVE and not has_filled:
                assert not any(self.status[oid] in ALIVE for oid in children)

    @invariant()
    def shown_is_told(self) -> None:
        """What is open is what the events left open; what hangs on a position has one to end."""
        for user in USERS:
            for order in self.exchange.open_orders(user):
                assert self.status[order.oid] == "open"
                waits = order.trigger is not None and order.trigger.phase != "triggered"
                if order.trigger is not None and order.trigger.is_position and waits:
                    assert self.net(user) * (1 if order.is_buy else -1) < 0
                assert {child.oid for child in order.children} <= {o.oid for o in self.exchange.open_orders(user)}
        shown = {order.oid for user in USERS for order in self.exchange.open_orders(user)}
        assert shown == {oid for oid, status in self.status.items() if status == "open"}


TestTriggerLaws = TriggerLaws.TestCase
TestTriggerLaws.settings = settings(
    max_examples=30, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
