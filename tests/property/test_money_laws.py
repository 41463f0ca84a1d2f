"""Laws of money: whatever is sent, traded, shared, claimed or withdrawn, every unit is somewhere."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.instrument import Instrument
from shared.units import HOUR, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import BuilderTerms, Command, Deposit, OrderSpec, PassTime, PlaceOrders, SetPrices, Tif
from shared.venue.core.dealings import (
    ApproveBuilderFee,
    ClaimRewards,
    CreateSubAccount,
    MoveClass,
    MoveSubToken,
    MoveSubUsd,
    RegisterReferrer,
    SendAsset,
    SendToken,
    SendUsd,
    SetReferrer,
    SetStake,
    Withdraw,
)
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Opened, Outcome
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.tokens import USD_WEI, USDC

START_NS: Final = 1_700_000_000 * SECOND
COIN: Final = Instrument("ETH", 4, 2, 25)
MID_PX: Final = 1_000_000
FOUNDERS: Final = ("0xa", "0xb", "0xc", "0xd")
FRESH: Final = ("0xe", "0xf")
POLICY: Final = VenuePolicy(sub_account_volume_usd=Usd(0), referral_code_volume_usd=Usd(0), outside_day_usd=Usd(0))

amounts = st.sampled_from(("0.000001", "0.01", "1", "1.5", "7.123456", "99.999999", "2500", "1e3", "0", "-1", "x"))
picks = st.integers(0, 40)


class MoneyLaws(RuleBasedStateMachine):
    """Anybody does anything with money at any time; after each command everything is counted."""

    @initialize()
    def open_accounts(self) -> None:
        """Four users with money and an asset with a price; the first is a builder and a referrer."""
        self.exchange = Exchange([list_perp(COIN)], start_ns=START_NS, policy=POLICY)
        self.now = START_NS
        self.nonce = 0
        self.people = list(FOUNDERS)
        self.subs: list[tuple[str, str]] = []
        for user in FOUNDERS:
            self.do(Deposit(user, Usd(5_000 * USD)))
        self.do(SetPrices(4, Px(MID_PX)))
        self.do(RegisterReferrer("0xa", "CODE"))

    def do(self, command: Command, span_ns: int = SECOND // 10) -> Outcome:
        """Apply."""
        self.now += span_ns
        return self.exchange.apply(command, Ns(self.now))

    def one(self, pick: int) -> str:
        """Somebody, perhaps without an account yet."""
        everybody = [*self.people, *(sub for _, sub in self.subs), *FRESH]
        return everybody[pick % len(everybody)]

    @rule(giver=picks, taker=picks, amount=amounts)
    def send_usd(self, giver: int, taker: int, amount: str) -> None:
        """Collateral from one to another."""
        self.do(SendUsd(self.one(giver), self.one(taker), amount))

    @rule(giver=picks, taker=picks, amount=amounts)
    def send_token(self, giver: int, taker: int, amount: str) -> None:
        """Spot USDC from one to another."""
        self.nonce += 1
        self.do(SendToken(self.one(giver), self.one(taker), USDC.wire_name, amount, self.nonce))

    @rule(giver=picks, taker=picks, amount=amounts, dexs=st.sampled_from((("", "spot"), ("spot", ""), ("", ""))))
    def send_asset(self, giver: int, taker: int, amount: str, dexs: tuple[str, str]) -> None:
        """USDC across places and users."""
        self.nonce += 1
        self.do(SendAsset(self.one(giver), self.one(taker), *dexs, "USDC", amount, self.nonce))

    @rule(user=picks, amount=amounts, to_perp=st.booleans())
    def move_class(self, user: int, amount: str, to_perp: bool) -> None:
        """Between spot and perps."""
        self.do(MoveClass(self.one(user), amount, to_perp))

    @rule(user=picks, amount=amounts)
    def withdraw(self, user: int, amount: str) -> None:
        """Out of the exchange."""
        self.do(Withdraw(self.one(user), amount, 1))

    @rule(user=picks)
    def open_sub(self, user: int) -> None:
        """A sub-account."""
        master = self.one(user)
        for status in self.do(CreateSubAccount(master, "sub")).statuses:
            assert isinstance(status, Opened)
            self.subs.append((master, status.user))

    @rule(pick=picks, is_deposit=st.booleans(), usd=st.sampled_from((0, 1, USD, 700 * USD)), of_token=st.booleans())
    def feed_sub(self, pick: int, is_deposit: bool, usd: int, of_token: bool) -> None:
        """To a sub-account and back, collateral or tokens."""
        if self.subs:
            master, sub = self.subs[pick % len(self.subs)]
            if of_token:
                self.do(MoveSubToken(master, sub, is_deposit, "USDC", str(usd // USD)))
            else:
                self.do(MoveSubUsd(master, sub, is_deposit, usd))

    @rule(user=picks, builder=picks, tenths_bp=st.sampled_from((0, 1, 37, 100, 1_001)))
    def approve(self, user: int, builder: int, tenths_bp: int) -> None:
        """A builder may take a fee."""
        self.do(ApproveBuilderFee(self.one(user), self.one(builder), tenths_bp))

    @rule(user=picks)
    def refer(self, user: int) -> None:
        """Somebody was brought by the first user."""
        self.do(SetReferrer(self.one(user), "CODE"))

    @rule(user=picks)
    def claim(self, user: int) -> None:
        """Rewards become collateral."""
        self.do(ClaimRewards(self.one(user)))

    @rule(user=st.sampled_from(FOUNDERS), hype=st.sampled_from((0, 11, 500_001)))
    def stake(self, user: str, hype: int) -> None:
        """Discounts change."""
        self.do(SetStake(user, hype * 10**8))

    @rule(maker=picks, taker=picks, builder=picks, sz=st.integers(11, 999), off=st.integers(-3, 3))
    def trade(self, maker: int, taker: int, builder: int, sz: int, off: int) -> None:
        """Two sides meet, the taker with a builder or without."""
        px = Px(MID_PX + off * 1_000)
        self.do(PlaceOrders(self.one(maker), (OrderSpec(4, off > 0, px, Sz(sz), False, Tif.GTC),)))
        name = self.one(builder)
        terms = BuilderTerms(name, 37) if name in FOUNDERS else None
        self.do(PlaceOrders(self.one(taker), (OrderSpec(4, off <= 0, px, Sz(sz), False, Tif.IOC, None, terms),)))

    @rule(hours=st.integers(1, 30), step=st.integers(-40, 40))
    def pass_time(self, hours: int, step: int) -> None:
        """Funding, midnights, and a price that moves."""
        self.do(SetPrices(4, Px(MID_PX + step * 1_000)), 3 * SECOND)
        self.do(PassTime(), hours * HOUR)

    @invariant()
    def every_micro_usdc_is_somewhere(self) -> None:
        """Deposits - withdrawals = cash legs + rewards + what the house keeps + what is on the spot side."""
        users = self.exchange.users()
        house = self.exchange.house()
        cash = sum(self.exchange.account(user).raw_usd for user in users)
        rewards = sum(self.exchange.identity(user).unclaimed_usd for user in users)
        assert house.rewards_usd == rewards
        kept = house.fees_usd + house.funding_usd + house.gas_usd
        assert house.deposits_usd - house.withdrawn_usd == cash + rewards + kept + house.spot_usd

    @invariant()
    def spot_usdc_is_what_went_over(self) -> None:
        """All spot balances of USDC are what came from perps, to the wei, and nobody owes any."""
        balances = [account.spot.get(0) for account in self.exchange._world.accounts.by_user.values()]
        totals = [balance.total_wei for balance in balances if balance is not None]
        assert sum(totals) == self.exchange.house().spot_usd * USD_WEI
        assert all(total >= 0 for total in totals)

    @invariant()
    def rebates_and_shares_are_paid_out_of_fees(self) -> None:
        """Fees of all users are what the house kept of them and what it passed on."""
        users = self.exchange.users()
        paid = sum(self.exchange.account(user).fees_usd for user in users)
        identities = [self.exchange._world.accounts.by_user[user].identity for user in users]
        shared = sum(identity.builder_usd + identity.referral_usd for identity in identities)
        assert paid == self.exchange.house().fees_usd + shared


MoneyLaws.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMoneyLaws = MoneyLaws.TestCase
