"""Laws of money that goes between dexs, spot and users, where one dex is settled in another token than USDC."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.units import SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Command, Deposit, IssueToken, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.dealings import SendAsset
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair, list_spot
from shared.venue.core.rulings import SetOracle
from shared.venue.core.tokens import USD_WEI, USDC, Token

START: Final = 1_700_000_000 * SECOND
USDH: Final = Token("USDH", 360, 2, 8, "0x03")
XYZ: Final = Dex(name="xyz", full_name="XYZ", deployer="0xd1", max_transfer_usd=Usd(700 * USD))
ABC: Final = Dex(name="abc", full_name="ABC", deployer="0xd2", fee_recipient="0xa", collateral=USDH)
GOLD, CORN, PAIR = 110_000, 120_000, 10_230
USERS: Final = ("0xa", "0xb", "0xc")
FRESH: Final = ("0xe", "0xf")
MID: Final = 1_000_000

places = st.sampled_from(("", "xyz", "abc", "spot", "nowhere"))
sends = st.builds(
    SendAsset,
    user=st.sampled_from(USERS),
    destination=st.sampled_from(USERS + FRESH),
    source_dex=places,
    destination_dex=places,
    token=st.sampled_from(("USDC", "USDH")),
    amount=st.sampled_from(("1", "0.000001", "0.00000001", "250.5", "699", "701", "1e3")),
    nonce=st.just(1),
)
trades = st.tuples(st.sampled_from((GOLD, CORN, PAIR)), st.permutations(USERS), st.integers(11, 900))
steps = st.lists(st.one_of(sends, trades), max_size=25)


class Play:
    """Three users with both tokens everywhere, and a deployer who is one of them."""

    def __init__(self) -> None:
        listings = [
            list_deployed(XYZ, 1, 0, "GOLD", 2, 20),
            list_deployed(ABC, 2, 0, "CORN", 2, 20),
            list_spot(SpotPair(230, USDH, USDC)),
        ]
        self.exchange = Exchange(listings, start_ns=START, dexs=[XYZ, ABC])
        self.now = START
        self.issued = 0
        for user in USERS:
            self.do(Deposit(user, Usd(5_000 * USD)))
            for token in (USDC, USDH):
                self.do(IssueToken(user, token.index, token.wei("3000")))
                self.issued += token.wei("3000")
            self.do(SendAsset(user, user, "", "xyz", "USDC", "500", 1))
            self.do(SendAsset(user, user, "spot", "abc", "USDH", "500", 1))
        self.do(SetOracle(1, ((GOLD, Px(MID)),)))
        self.do(SetOracle(2, ((CORN, Px(MID)),)))
        self.do(SetPrices(PAIR, Px(MID)))

    def do(self, command: Command) -> None:
        """Apply."""
        self.now += SECOND
        self.exchange.apply(command, Ns(self.now))

    def trade(self, asset: int, maker: str, taker: str, sz: int) -> None:
        """Two meet at the middle."""
        for user, is_buy, tif in ((maker, True, Tif.GTC), (taker, False, Tif.IOC)):
            self.do(PlaceOrders(user, (OrderSpec(asset, is_buy, Px(MID), Sz(sz), False, tif),)))

    def check(self) -> None:
        """Every unit is somewhere, a token of a dex counting as one USDC; each token of the spot side to the wei."""
        house, users = self.exchange.house(), self.exchange.users()
        cash = sum(self.exchange.account(user, dex).raw_usd for user in users for dex in (0, 1, 2))
        kept = house.fees_usd + house.funding_usd + house.gas_usd
        assert house.deposits_usd == cash + kept + house.spot_usd
        totals: dict[int, int] = {}
        for user in users:
            for balance in self.exchange.spot_balances(user):
                totals[balance.token.index] = totals.get(balance.token.index, 0) + balance.total_wei
        treasury = self.exchange.treasury()
        assert sum(issued for issued, _ in treasury.values()) == self.issued + house.spot_usd * USD_WEI
        for token, (issued, fees) in treasury.items():
            assert issued == totals[token] + fees
        paid = sum(self.exchange.account(user).fees_usd for user in users)
        assert paid == house.fees_usd + self.exchange._world.accounts.deployer_fees_usd


@given(steps)
@settings(max_examples=40)
def test_nothing_is_lost_between_places(story: list[SendAsset | tuple[int, list[str], int]]) -> None:
    """Whatever is sent and traded, in whatever order."""
    play = Play()
    play.check()
    for step in story:
        if isinstance(step, SendAsset):
            play.do(step)
        else:
            asset, (maker, taker, _), sz = step
            play.trade(asset, maker, taker, sz)
        play.check()
