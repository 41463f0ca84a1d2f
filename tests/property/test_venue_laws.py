"""Laws of the local exchange that no sequence of commands may break."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.instrument import Instrument
from shared.rules.margin import MAINNET_TABLES, initial_margin_usd
from shared.units import MINUTE, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PassTime,
    PlaceOrders,
    SetPrices,
    Tif,
    UpdateLeverage,
)
from shared.venue.core.events import FillHappened, FundingPaid, OrderChanged, OrderView, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Outcome
from shared.venue.core.timed_commands import PlaceTwap, TwapSpec

START_NS: Final = 1_700_000_000 * SECOND
COIN: Final = Instrument("ETH", 4, 2, 25)
LISTINGS: Final = (list_perp(COIN, MAINNET_TABLES[55]), list_perp(Instrument("SOL", 5, 2, 20)))
ASSETS: Final = (4, 5)
MID_PX: Final = 1_000_000
TICK: Final = 1_000
USERS: Final = ("0xa", "0xb", "0xc", "0xd")
DEPOSITS: Final = (1_000_000 * USD, 20_000 * USD, 2_000 * USD, 300 * USD)

users = st.sampled_from(USERS)
assets = st.sampled_from((4, 4, 4, 5))
steps = st.integers(1, 4)
sizes = st.one_of(st.integers(10, 60), st.integers(100, 9_999)).map(Sz)
specs = st.builds(
    OrderSpec,
    asset=assets,
    is_buy=st.booleans(),
    px=st.integers(-8, 8).map(lambda step: Px(MID_PX + step * TICK)),
    sz=sizes,
    reduce_only=st.sampled_from((False, False, True)),
    tif=st.sampled_from((Tif.GTC, Tif.GTC, Tif.ALO, Tif.IOC, Tif.FRONTEND_MARKET)),
    cloid=st.sampled_from((None, None, "0x1", "0x2")),
)


class Shadow:
    """The exchange as its events tell it: queues, positions, cash. It never looks inside."""

    def __init__(self) -> None:
        self.queue: dict[int, OrderView] = {}
        self.left: dict[int, int] = {}
        self.filled: defaultdict[int, int] = defaultdict(int)
        self.net_sz: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.raw_usd: defaultdict[str, int] = defaultdict(int)
        self.increasing: set[int] = set()

    def take(self, outcome: Outcome) -> None:
        """Fold the events in, checking the laws that hold for each."""
        trade: TradeHappened | None = None
        for event in outcome.events:
            match event:
                case OrderChanged(order=order, status=status):
                    self.order(order, status)
                case TradeHappened():
                    trade = event
                case FillHappened():
                    assert trade is not None
                    assert trade.users[0] != trade.users[1]
                    self.fill(event, trade)
                case FundingPaid(user=user, usd=usd, net_sz=net_sz, asset=asset):
                    assert net_sz == self.net_sz[user, asset]
                    self.raw_usd[user] += usd

    def order(self, order: OrderView, status: str) -> None:
        """filled + remaining + cancelled = original; only a reduce-only order may be clipped."""
        assert 0 <= order.sz <= order.orig_sz
        whole = order.sz + self.filled[order.oid]
        assert whole <= order.orig_sz if order.reduce_only else whole == order.orig_sz
        assert not order.reduce_only or order.oid not in self.increasing
        if status == "open":
            self.queue[order.oid] = order
            self.left[order.oid] = order.sz
        else:
            assert status != "filled" or order.sz == 0
            self.queue.pop(order.oid, None)

    def fill(self, fill: FillHappened, trade: TradeHappened) -> None:
        """Both sides of a trade agree with it; the maker was first in the queue; the position was what it says."""
        assert fill.sz > 0
        assert (fill.px, fill.sz, fill.tid, fill.hash) == (trade.px, trade.sz, trade.tid, trade.hash)
        key = fill.user, fill.asset
        assert fill.start_position == self.net_sz[key]
        self.net_sz[key] += fill.sz if fill.is_buy else -fill.sz
        flips = fill.start_position * self.net_sz[key] < 0
        if flips or abs(self.net_sz[key]) > abs(fill.start_position):
            self.increasing.add(fill.oid)
        self.raw_usd[fill.user] -= fill.px * fill.sz * (1 if fill.is_buy else -1) + fill.fee
        self.filled[fill.oid] += fill.sz
        if not fill.crossed:
            self.maker(fill)

    def maker(self, fill: FillHappened) -> None:
        """Nobody on the maker's side had a better price, and nobody an older order at the same price."""
        side = [o for o in self.queue.values() if o.asset == fill.asset and o.is_buy == fill.is_buy]
        first = min(side, key=lambda o: (-o.px if o.is_buy else o.px, list(self.queue).index(o.oid)))
        assert fill.oid == first.oid
        assert fill.px == first.px
        self.left[fill.oid] -= fill.sz
        assert self.left[fill.oid] >= 0


class VenueLaws(RuleBasedStateMachine):
    """Any user does anything at any time; every law is checked after each command."""

    @initialize()
    def open_accounts(self) -> None:
        """Four users of very different means, two assets with a price."""
        self.exchange = Exchange(LISTINGS, start_ns=START_NS)
        self.shadow = Shadow()
        self.now = START_NS
        self.log: list[tuple[Command, int]] = []
        for user, usd in zip(USERS, DEPOSITS, strict=True):
            self.do(Deposit(user, Usd(usd)))
            self.shadow.raw_usd[user] += usd
        for asset in ASSETS:
            self.do(SetPrices(asset, Px(MID_PX)))

    def do(self, command: Command, span_ns: int = SECOND // 10) -> Outcome:
        """Apply, record, and let the shadow follow."""
        self.now += span_ns
        self.log.append((command, self.now))
        outcome = self.exchange.apply(command, Ns(self.now))
        self.shadow.take(outcome)
        return outcome

    @rule(user=users, orders=st.lists(specs, min_size=1, max_size=3))
    def place(self, user: str, orders: list[OrderSpec]) -> None:
        """One status per order."""
        assert len(self.do(PlaceOrders(user, tuple(orders))).statuses) == len(orders)

    @rule(user=users, asset=assets, near=steps, sz=sizes)
    def quote(self, user: str, asset: int, near: int, sz: Sz) -> None:
        """A post-only order on either side."""
        pxs = ((True, Px(MID_PX - near * TICK)), (False, Px(MID_PX + near * TICK)))
        self.do(PlaceOrders(user, tuple(OrderSpec(asset, b, px, sz, False, Tif.ALO) for b, px in pxs)))

    @rule(user=users, asset=assets, is_buy=st.booleans(), sz=sizes, tif=st.sampled_from((Tif.IOC, Tif.GTC)))
    def take(self, user: str, asset: int, is_buy: bool, sz: Sz, tif: Tif) -> None:
        """An order that reaches deep into the book."""
        px = Px(MID_PX + (5 if is_buy else -5) * TICK)
        self.do(PlaceOrders(user, (OrderSpec(asset, is_buy, px, sz, False, tif),)))

    @rule(user=users, pick=st.integers(0, 3), percent=st.integers(10, 200), far=st.integers(-3, 6))
    def close(self, user: str, pick: int, percent: int, far: int) -> None:
        """A reduce-only order against a position, of any size, resting or not."""
        positions = self.exchange.account(user).positions
        if positions:
            position = positions[pick % len(positions)]
            is_buy = position.net_sz < 0
            px = Px(MID_PX + (-far if is_buy else far) * TICK)
            sz = Sz(max(abs(position.net_sz) * percent // 100, 1))
            self.do(PlaceOrders(user, (OrderSpec(position.asset, is_buy, px, sz, True, Tif.GTC),)))

    @rule(user=users, orders=st.lists(specs, min_size=1, max_size=2), fault=st.sampled_from((0, -1)))
    def place_nothing(self, user: str, orders: list[OrderSpec], fault: int) -> None:
        """One impossible size refuses the whole batch with one status."""
        bad = msgspec.structs.replace(orders[-1], sz=Sz(fault))
        outcome = self.do(PlaceOrders(user, (*orders, bad)))
        assert len(outcome.statuses) == 1
        assert not any(isinstance(event, OrderChanged) for event in outcome.events)

    @rule(user=users, pick=st.integers(0, 30))
    def cancel(self, user: str, pick: int) -> None:
        """A resting order of the user (or nothing) goes."""
        mine = self.exchange.open_orders(user)
        if mine:
            order = mine[pick % len(mine)]
            self.do(CancelOrders(user, (CancelOrder(order.asset, order.oid),)))
            assert order.oid not in {o.oid for o in self.exchange.open_orders(user)}

    @rule(user=users, pick=st.integers(0, 30), spec=specs, always=st.booleans())
    def modify(self, user: str, pick: int, spec: OrderSpec, always: bool) -> None:
        """A resting order is replaced; the shadow drops the old one first, as the exchange does."""
        mine = [order for order in self.exchange.open_orders(user) if order.asset == spec.asset]
        if not mine:
            return
        old = mine[pick % len(mine)]
        if always or spec.tif in (Tif.GTC, Tif.ALO):
            self.shadow.queue.pop(old.oid)
        self.do(ModifyOrders(user, (ModifySpec(old.oid, spec),), always))

    @rule(asset=assets, step=st.integers(-20, 20))
    def move_oracle(self, asset: int, step: int) -> None:
        """The oracle moves by up to 2 %."""
        self.do(SetPrices(asset, Px(MID_PX + step * TICK)), 3 * SECOND)

    @rule(user=users, asset=assets, leverage=st.integers(1, 20))
    def update_leverage(self, user: str, asset: int, leverage: int) -> None:
        """Somebody changes leverage."""
        self.do(UpdateLeverage(user, asset, leverage, True))

    @rule(user=users, asset=assets, is_buy=st.booleans(), sz=sizes, reduce_only=st.booleans(), randomize=st.booleans())
    def run_twap(self, user: str, asset: int, is_buy: bool, sz: Sz, reduce_only: bool, randomize: bool) -> None:
        """Somebody trades a size over five minutes."""
        self.do(PlaceTwap(user, TwapSpec(asset, is_buy, sz, reduce_only, 5, randomize)))

    @rule(minutes=st.integers(1, 130))
    def pass_time(self, minutes: int) -> None:
        """Time goes by, perhaps past an hour."""
        self.do(PassTime(), minutes * MINUTE)

    @rule()
    def restart(self) -> None:
        """Another process takes over from the snapshot; every law goes on to hold, and so does the replay's digest."""
        snapshot = self.exchange.snapshot()
        self.exchange = Exchange.restore(snapshot)
        assert self.exchange.snapshot() == snapshot

    @invariant()
    def book_is_sound(self) -> None:
        """Never crossed, levels in order, positive, and exactly the open orders."""
        for asset in ASSETS:
            bids, asks = self.exchange.book_levels(asset, 1_000)
            assert not bids or not asks or bids[0].px < asks[0].px
            assert [b.px for b in bids] == sorted({b.px for b in bids}, reverse=True)
            assert [a.px for a in asks] == sorted({a.px for a in asks})
            resting: defaultdict[tuple[bool, int], list[int]] = defaultdict(list)
            for order in (o for user in USERS for o in self.exchange.open_orders(user) if o.asset == asset):
                assert order.sz > 0
                resting[order.is_buy, order.px].append(order.sz)
            shown = {(is_buy, lv.px): (lv.sz, lv.n) for is_buy, side in ((True, bids), (False, asks)) for lv in side}
            assert shown == {key: (sum(sizes), len(sizes)) for key, sizes in resting.items()}

    @invariant()
    def open_orders_are_those_told(self) -> None:
        """Whoever follows the events knows the open orders."""
        assert sorted(self.shadow.queue) == sorted(o.oid for user in USERS for o in self.exchange.open_orders(user))

    @invariant()
    def positions_are_the_sum_of_fills(self) -> None:
        """Each position is what its fills add up to; all positions of an asset sum to zero."""
        for user in USERS:
            held = {p.asset: p.net_sz for p in self.exchange.account(user).positions}
            told = {asset: net for (who, asset), net in self.shadow.net_sz.items() if who == user and net}
            assert held == told
        for asset in ASSETS:
            nets = [self.shadow.net_sz[user, asset] for user in USERS]
            assert sum(nets) == 0
            assert self.exchange.asset_view(asset).open_interest_sz == sum(net for net in nets if net > 0)

    @invariant()
    def margin_counts_what_rests(self) -> None:
        """Reserved margin is that of each asset's worst case over its position and resting orders."""
        for user in USERS:
            orders = [o for o in self.exchange.open_orders(user) if not o.reduce_only]
            reserved = 0
            for listing in LISTINGS:
                asset = listing.instrument.asset
                net = self.shadow.net_sz[user, asset]
                buys, sells = (sum(o.sz for o in orders if o.asset == asset and o.is_buy is b) for b in (True, False))
                notional = max(net + buys, sells - net) * self.exchange.mark(asset)
                reserved += initial_margin_usd(listing.tiers, notional, self.exchange.leverage(user, asset))
            assert self.exchange.account(user).reserved_usd == reserved

    @invariant()
    def cash_is_conserved(self) -> None:
        """Every cash leg is what its events add up to; with the house's share they are the deposits, exactly."""
        for user in USERS:
            view = self.exchange.account(user)
            assert view.raw_usd == self.shadow.raw_usd[user]
            assert view.collateral_usd == view.raw_usd + sum(p.cost_usd for p in view.positions)
        house = self.exchange.house()
        assert sum(self.exchange.account(u).raw_usd for u in USERS) + house.fees_usd + house.funding_usd == sum(
            DEPOSITS
        )
        assert house.fees_usd == sum(self.exchange.account(u).fees_usd for u in USERS)

    @invariant()
    def reduce_only_fits(self) -> None:
        """Resting reduce-only orders of a user are on the closing side and never more than the position."""
        for user in USERS:
            for asset in ASSETS:
                net = self.shadow.net_sz[user, asset]
                mine = [o for o in self.exchange.open_orders(user) if o.reduce_only and o.asset == asset]
                assert all(o.is_buy == (net < 0) for o in mine)
                assert sum(o.sz for o in mine) <= abs(net)

    def teardown(self) -> None:
        """The same commands at the same times give the same state."""
        if not hasattr(self, "exchange"):
            return
        again = Exchange(LISTINGS, start_ns=START_NS)
        for command, now in self.log:
            again.apply(command, Ns(now))
        assert again.digest() == self.exchange.digest()


VenueLaws.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestVenueLaws = VenueLaws.TestCase
