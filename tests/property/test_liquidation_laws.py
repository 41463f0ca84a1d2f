"""Laws of margin and liquidation that no sequence of orders and price jumps may break."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.instrument import Instrument
from shared.rules.liquidation import deleveraging_rank
from shared.rules.margin import MAINNET_TABLES
from shared.units import MINUTE, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import (
    Command,
    Deposit,
    OrderSpec,
    PassTime,
    PlaceOrders,
    SetPrices,
    Tif,
    TopUpIsolatedMargin,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.events import FillHappened, Liquidated
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import MarginMode, list_perp
from shared.venue.core.outcomes import Outcome
from shared.venue.core.policy import VenuePolicy

START_NS: Final = 1_700_000_000 * SECOND
LISTINGS: Final = (
    list_perp(Instrument("ETH", 0, 2, 25), MAINNET_TABLES[55]),
    list_perp(Instrument("SOL", 1, 2, 20)),
    list_perp(Instrument("NEW", 2, 2, 10), margin_mode=MarginMode.STRICT_ISOLATED),
)
MID_PX: Final = 1_000_000
TICK: Final = 1_000
USERS: Final = ("0xa", "0xb", "0xc", "0xd")
DEPOSITS: Final = (50_000 * USD, 5_000 * USD, 1_000 * USD, 300 * USD)
POLICIES: Final = (
    VenuePolicy(),
    VenuePolicy(backstop_px="mark", adl_px="mark", liquidation_first="worst", adl_short_rank="as_written"),
    VenuePolicy(liquidation_px="anywhere", liquidation_partial_above_usd=1_000 * USD, liquidation_first="listed"),
    VenuePolicy(liquidator_usd=Usd(USD)),
    VenuePolicy(liquidator_usd=Usd(300 * USD)),
)

users = st.sampled_from(USERS)
assets = st.sampled_from((0, 0, 0, 1, 2))


class LiquidationLaws(RuleBasedStateMachine):
    """Few means, much leverage, prices that jump."""

    @initialize(policy=st.sampled_from(POLICIES))
    def open_accounts(self, policy: VenuePolicy) -> None:
        """Four users, two ordinary assets and one that is never cross."""
        self.policy = policy
        self.exchange = Exchange(LISTINGS, start_ns=START_NS, policy=policy)
        self.now = START_NS
        self.px = [MID_PX] * len(LISTINGS)
        self.log: list[tuple[Command, int]] = []
        self.net_sz: defaultdict[tuple[str, int], int] = defaultdict(int)
        for user, usd in zip(USERS, DEPOSITS, strict=True):
            self.do(Deposit(user, Usd(usd)))
        for asset in range(len(LISTINGS)):
            self.do(SetPrices(asset, Px(MID_PX)))

    def do(self, command: Command, span_ns: int = SECOND) -> Outcome:
        """Apply, record, and follow the fills."""
        self.now += span_ns
        self.log.append((command, self.now))
        outcome = self.exchange.apply(command, Ns(self.now))
        for event in outcome.events:
            if isinstance(event, FillHappened):
                key = event.user, event.asset
                assert event.start_position == self.net_sz[key]
                self.net_sz[key] += event.sz if event.is_buy else -event.sz
            if isinstance(event, Liquidated):
                assert event.positions
                assert event.user != self.policy.liquidator or event.method == "adl"
        return outcome

    def order(self, user: str, asset: int, is_buy: bool, away: int, sz: int, tif: Tif) -> None:
        """One order some ticks from the last oracle price."""
        px = max(self.px[asset] // TICK + away, 1) * TICK
        self.do(PlaceOrders(user, (OrderSpec(asset, is_buy, Px(px), Sz(sz), False, tif),)))

    @rule(user=users, asset=assets, is_buy=st.booleans(), away=st.integers(1, 5), sz=st.integers(20, 2_000))
    def quote(self, user: str, asset: int, is_buy: bool, away: int, sz: int) -> None:
        """An order that rests."""
        self.order(user, asset, is_buy, -away if is_buy else away, sz, Tif.GTC)

    @rule(user=users, asset=assets, is_buy=st.booleans(), sz=st.integers(20, 2_000))
    def take(self, user: str, asset: int, is_buy: bool, sz: int) -> None:
        """An order that reaches deep into the book."""
        self.order(user, asset, is_buy, 30 if is_buy else -30, sz, Tif.IOC)

    @rule(two=st.permutations(USERS), asset=assets, is_buy=st.booleans(), sz=st.integers(100, 3_000))
    def trade(self, two: list[str], asset: int, is_buy: bool, sz: int) -> None:
        """Two users open a position against each other, if they can."""
        self.order(two[0], asset, is_buy, 0, sz, Tif.GTC)
        self.order(two[1], asset, not is_buy, 0, sz, Tif.IOC)

    @rule(asset=assets, step=st.sampled_from((-300, -150, -80, -45, -30, -15, 15, 30, 45, 80, 150, 300)))
    def jump(self, asset: int, step: int) -> None:
        """The oracle moves by 1 to 30 %; the mark follows as the book lets it."""
        self.px[asset] = max(self.px[asset] * (1_000 + step) // 1_000 // TICK, 10) * TICK
        self.do(SetPrices(asset, Px(self.px[asset])), 3 * SECOND)

    @rule(user=users, asset=assets, leverage=st.integers(1, 25), is_cross=st.booleans())
    def update_leverage(self, user: str, asset: int, leverage: int, is_cross: bool) -> None:
        """Somebody changes leverage or its kind."""
        self.do(UpdateLeverage(user, asset, leverage, is_cross))

    @rule(user=users, asset=assets, usd=st.integers(-500 * USD, 500 * USD), leverage=st.integers(1, 20))
    def move_margin(self, user: str, asset: int, usd: int, leverage: int) -> None:
        """Somebody moves isolated margin."""
        self.do(UpdateIsolatedMargin(user, asset, usd))
        self.do(TopUpIsolatedMargin(user, asset, leverage * USD))

    @rule(minutes=st.integers(1, 130))
    def pass_time(self, minutes: int) -> None:
        """Time goes by, perhaps past an hour."""
        self.do(PassTime(), minutes * MINUTE)

    @invariant()
    def money_is_conserved(self) -> None:
        """Cash legs of all, the vault included, and what the house keeps are the deposits, to the micro-USDC."""
        house = self.exchange.house()
        cash = sum(self.exchange.account(user).raw_usd for user in self.exchange.users())
        assert cash + house.fees_usd + house.funding_usd == house.deposits_usd

    @invariant()
    def positions_sum_to_zero(self) -> None:
        """What one is long another is short; open interest and every position are what the fills tell."""
        for asset in range(len(LISTINGS)):
            nets = [self.net_sz[user, asset] for user in self.exchange.users()]
            assert sum(nets) == 0
            assert self.exchange.asset_view(asset).open_interest_sz == sum(net for net in nets if net > 0)
        for user in self.exchange.users():
            held = {position.asset: position.net_sz for position in self.exchange.account(user).positions}
            assert held == {asset: net for (who, asset), net in self.net_sz.items() if who == user and net}

    @invariant()
    def nobody_holds_without_margin(self) -> None:
        """After each command no margin with positions is below zero, nor a user's below two thirds of maintenance."""
        for user in self.exchange.users():
            view = self.exchange.account(user)
            least = 0 if user == self.policy.liquidator else 2
            for position in view.positions:
                if not position.is_cross:
                    assert 3 * position.margin_used_usd >= least * position.maintenance_usd
                    assert position.margin_used_usd >= 0
            if any(position.is_cross for position in view.positions):
                assert view.cross_value_usd >= 0
                assert 3 * view.cross_value_usd >= least * view.maintenance_usd

    @invariant()
    def nobody_is_in_debt(self) -> None:
        """Losses beyond the margin fall on the vault, so nobody but it has negative cash without positions."""
        for user in USERS:
            view = self.exchange.account(user)
            assert view.positions or view.collateral_usd >= 0

    @invariant()
    def the_forbidden_kind_is_never_cross(self) -> None:
        """Positions of an asset that allows no cross margin are isolated, but for the vault's."""
        for user in USERS:
            for position in self.exchange.account(user).positions:
                assert position.asset != 2 or not position.is_cross

    def teardown(self) -> None:
        """The same commands at the same times give the same state, and so does a snapshot."""
        if not hasattr(self, "exchange"):
            return
        again = Exchange(LISTINGS, start_ns=START_NS, policy=self.policy)
        for command, now in self.log:
            again.apply(command, Ns(now))
        assert again.digest() == self.exchange.digest()


LiquidationLaws.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLiquidationLaws: Any = LiquidationLaws.TestCase


@given(
    is_buy=st.booleans(),
    sz=st.integers(100, 5_000),
    leverage=st.integers(1, 25),
    steps=st.lists(st.sampled_from((-300, -100, -40, -10, 10, 40, 100, 300)), min_size=1, max_size=8),
)
@settings(max_examples=40)
def test_an_isolated_loss_never_touches_cross(is_buy: bool, sz: int, leverage: int, steps: list[int]) -> None:
    """Whatever the price does, the cross cash of one who holds an isolated position only grows."""
    exchange, now = Exchange(LISTINGS, start_ns=START_NS), START_NS
    for user in USERS:
        exchange.apply(Deposit(user, Usd(100_000 * USD)), Ns(now))
    px = MID_PX
    exchange.apply(SetPrices(0, Px(px)), Ns(now))
    exchange.apply(UpdateLeverage("0xa", 0, leverage, False), Ns(now))
    exchange.apply(PlaceOrders("0xb", (OrderSpec(0, not is_buy, Px(px), Sz(sz), False, Tif.GTC),)), Ns(now))
    exchange.apply(PlaceOrders("0xa", (OrderSpec(0, is_buy, Px(px), Sz(sz), False, Tif.IOC),)), Ns(now))
    cash = exchange.account("0xa").cross_raw_usd
    for step in steps:
        now += 3 * SECOND
        px = max(px * (1_000 + step) // 1_000 // TICK, 10) * TICK
        exchange.apply(SetPrices(0, Px(px)), Ns(now))
        assert exchange.account("0xa").cross_raw_usd >= cash
        cash = exchange.account("0xa").cross_raw_usd


sizes = st.integers(1, 10**6)


@given(net=sizes, is_long=st.booleans(), mark=sizes, cost=st.tuples(sizes, sizes), equity=st.tuples(sizes, sizes))
def test_deleveraging_ranks_profit_and_leverage(
    net: int, is_long: bool, mark: int, cost: tuple[int, int], equity: tuple[int, int]
) -> None:
    """With more profit, or less equity for the same position, nobody moves down the queue."""
    signed, (low, high), (poor, rich) = net if is_long else -net, sorted(cost), sorted(equity)
    better, worse = (low, high) if is_long else (high, low)
    best = deleveraging_rank(signed, mark, better, poor, False)
    for cost_usd, equity_usd in ((worse, poor), (better, rich)):
        other = deleveraging_rank(signed, mark, cost_usd, equity_usd, False)
        assert best is not None
        assert other is not None
        assert best >= other
    assert deleveraging_rank(signed, mark, better, 0, False) is None
