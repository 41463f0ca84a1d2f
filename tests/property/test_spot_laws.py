"""Laws of spot markets that no sequence of commands may break."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.rules.fees import FeeRates
from shared.units import SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import (
    BuilderTerms,
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    IssueToken,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PassTime,
    PlaceOrders,
    Tif,
)
from shared.venue.core.dealings import ApproveBuilderFee, ClaimRewards, RegisterReferrer, SetReferrer
from shared.venue.core.events import FillHappened, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair, list_spot
from shared.venue.core.outcomes import Outcome
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.tokens import USDC, Token

START_NS: Final = 1_700_000_000 * SECOND
PURR: Final = Token("PURR", 1, 0, 5, "0x01")
HYPE: Final = Token("HYPE", 150, 2, 8, "0x02")
USDH: Final = Token("USDH", 360, 2, 8, "0x03")
PAIRS: Final = (SpotPair(0, PURR, USDC), SpotPair(107, HYPE, USDC), SpotPair(230, USDH, USDC), SpotPair(9, HYPE, USDH))
BY_ASSET: Final = {10_000 + pair.index: pair for pair in PAIRS}
USERS: Final = ("0xa", "0xb", "0xc")
BUILDER: Final = "0xd"
RATES: Final = {"0xa": FeeRates(700_000, 400_000), "0xb": FeeRates(250_000, -30_000), "0xc": FeeRates(600_000, 0)}

users = st.sampled_from(USERS)
amounts = st.integers(1, 10**11)


@st.composite
def specs(draw: st.DrawFn) -> OrderSpec:
    """An order near 10 of the quote for one lot's hundredfold, on the tick."""
    asset = draw(st.sampled_from(sorted(BY_ASSET)))
    base = BY_ASSET[asset].base
    px = (10_000 + draw(st.integers(-5, 5))) * 10 ** (8 - base.sz_decimals - 3)
    sz = draw(st.integers(1, 30)) * 10**base.sz_decimals // draw(st.sampled_from((1, 3)))
    tif = draw(st.sampled_from((Tif.GTC, Tif.GTC, Tif.ALO, Tif.IOC, Tif.FRONTEND_MARKET)))
    return OrderSpec(asset, draw(st.booleans()), Px(px), Sz(max(sz, 1)), False, tif)


class SpotMachine(RuleBasedStateMachine):
    """Three users with different rates on four pairs of four tokens, and one who lives on their fees."""

    @initialize()
    def begin(self) -> None:
        """Everybody has something of everything."""
        policy = VenuePolicy(referral_code_volume_usd=Usd(0))
        self.exchange = Exchange([list_spot(pair) for pair in PAIRS], start_ns=START_NS, policy=policy)
        self.now = START_NS
        self.volume_usd: defaultdict[str, int] = defaultdict(int)
        for user in USERS:
            for token in (USDC, PURR, HYPE, USDH):
                self.do(IssueToken(user, token.index, token.wei("200") + 7))
        self.do(Deposit(BUILDER, Usd(1_000 * USD)))
        self.do(RegisterReferrer(BUILDER, "CODE"))
        for user in USERS[:2]:
            self.do(ApproveBuilderFee(user, BUILDER, 1_000))
            self.do(SetReferrer(user, "CODE"))
        for user in USERS:
            self.exchange._world.accounts.by_user[user].spot_rates = RATES[user]

    def do(self, command: Command) -> Outcome:
        """Apply, and check each trade: two fills of one size, base moved equals base received plus fees."""
        self.now += SECOND
        outcome = self.exchange.apply(command, Ns(self.now))
        for event in outcome.events:
            match event:
                case TradeHappened(asset=asset, px=px, sz=sz):
                    assert px > 0
                    assert sz > 0
                    assert asset in BY_ASSET
                case FillHappened(asset=asset, user=user):
                    pair = BY_ASSET[asset]
                    assert event.spot is not None
                    assert event.spot.fee_token == (pair.base if event.is_buy else pair.quote).name
                    self.volume_usd[user] += event.px * event.sz // 100
        return outcome

    @rule(user=users, batch=st.lists(specs(), min_size=1, max_size=3))
    def place(self, user: str, batch: list[OrderSpec]) -> None:
        """Orders of all kinds."""
        self.do(PlaceOrders(user, tuple(batch)))

    @rule(user=users, spec=specs(), tenths_bp=st.sampled_from((1, 100, 999, 1_001)))
    def place_through_a_builder(self, user: str, spec: OrderSpec, tenths_bp: int) -> None:
        """Sells pay the builder; the third user never approved."""
        self.do(PlaceOrders(user, (msgspec.structs.replace(spec, builder=BuilderTerms(BUILDER, tenths_bp)),)))

    @rule()
    def claim(self) -> None:
        """Rewards become tokens."""
        self.do(ClaimRewards(BUILDER))
        assert not self.exchange._world.accounts.by_user[BUILDER].identity.unclaimed_wei

    @rule(user=users, which=st.integers(0, 5))
    def cancel(self, user: str, which: int) -> None:
        """Cancel one of the open orders."""
        orders = self.exchange.open_orders(user)
        if orders:
            order = orders[which % len(orders)]
            self.do(CancelOrders(user, (CancelOrder(order.asset, oid=order.oid),)))

    @rule(user=users, which=st.integers(0, 5), spec=specs())
    def modify(self, user: str, which: int, spec: OrderSpec) -> None:
        """Replace one of the open orders."""
        orders = self.exchange.open_orders(user)
        if orders:
            self.do(ModifyOrders(user, (ModifySpec(orders[which % len(orders)].oid, spec),), always_place=True))

    @rule(user=users, wei=amounts, token=st.sampled_from((0, 1, 150, 360)))
    def issue(self, user: str, wei: int, token: int) -> None:
        """Tokens come from outside."""
        self.do(IssueToken(user, token, wei))

    @rule()
    def wait(self) -> None:
        """Time goes by."""
        self.do(PassTime())

    @invariant()
    def every_token_is_conserved(self) -> None:
        """Issued = all totals + fees kept + rewards unclaimed, to the wei, for each token."""
        totals: defaultdict[int, int] = defaultdict(int)
        house = self.exchange._world.accounts.treasury
        owed = self.exchange._world.accounts.by_user[BUILDER].identity.unclaimed_wei
        assert {token: wei for token, wei in house.rewards_wei.items() if wei} == owed
        for user in (*USERS, BUILDER):
            for view in self.exchange.spot_balances(user):
                totals[view.token.index] += view.total_wei
        for token, (issued, fees) in self.exchange.treasury().items():
            assert totals[token] + fees == issued

    @invariant()
    def holds_are_what_orders_need(self) -> None:
        """0 <= hold <= total, and hold = notional of resting bids + size of resting asks."""
        for user in USERS:
            needed: defaultdict[int, int] = defaultdict(int)
            for order in self.exchange.open_orders(user):
                token, wei = BY_ASSET[order.asset].spends(order.is_buy, order.px, order.sz)
                needed[token] += wei
            for view in self.exchange.spot_balances(user):
                assert 0 <= view.hold_wei <= view.total_wei
                assert view.hold_wei == needed[view.token.index]
                assert view.entry_e8 >= 0

    @invariant()
    def books_do_not_cross(self) -> None:
        """The best bid is below the best ask."""
        for asset in BY_ASSET:
            bids, asks = self.exchange.book_levels(asset, 1)
            assert not bids or not asks or bids[0].px < asks[0].px

    @invariant()
    def nobody_has_margin(self) -> None:
        """Spot touches no collateral, and volume is what the fills say."""
        for user in USERS:
            view = self.exchange.account(user)
            assert (view.collateral_usd, view.positions) == (0, ())
            assert view.volume_usd == self.volume_usd[user]


SpotMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
TestSpotLaws = SpotMachine.TestCase
