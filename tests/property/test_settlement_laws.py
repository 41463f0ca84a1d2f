"""Laws of caps and settlements: no order carries open interest past its cap, and no settlement makes or loses money."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.instrument import Instrument
from shared.units import SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PassTime, PlaceOrders, SetPrices, Tif
from shared.venue.core.deployers import move_collateral
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import Listing, list_perp
from shared.venue.core.rulings import Delist, Halt, SetOracle

START = 1_700_000_000 * SECOND
MID, TICK = 1_000_000, 1_000
USERS = ("0xa", "0xb", "0xc")
GOLD = 110_000
ASSETS = (4, GOLD)
CAP = Usd(1_000 * USD)

orders = st.builds(
    OrderSpec,
    asset=st.sampled_from(ASSETS),
    is_buy=st.booleans(),
    px=st.integers(-3, 3).map(lambda step: Px(MID + step * TICK)),
    sz=st.integers(10, 700).map(Sz),
    reduce_only=st.sampled_from((False, False, False, True)),
    tif=st.sampled_from((Tif.GTC, Tif.GTC, Tif.ALO, Tif.IOC)),
)
places = st.tuples(st.sampled_from(USERS), orders)
moves = st.tuples(st.sampled_from(ASSETS), st.integers(-20, 20), st.integers(1, 4_000))
stories = st.lists(st.one_of(places, places, places, moves), min_size=5, max_size=40)


class Play:
    """One exchange with a capped perp on each of two dexs, and its users' collateral on both."""

    def __init__(self, cap: Usd | None) -> None:
        eth = list_perp(Instrument("ETH", 4, 2, 25))
        listed = Listing(eth.instrument, eth.tiers, eth.impact_usd, oi_cap_usd=cap)
        dex = Dex(name="xyz", full_name="XYZ", deployer="0xd")
        gold = list_deployed(dex, 1, 0, "GOLD", 2, 20, oi_cap_usd=cap)
        self.exchange = Exchange([listed, gold], start_ns=START, dexs=[dex])
        self.now = START
        for user in USERS:
            self.do(Deposit(user, Usd(200_000 * USD)))
            world = self.exchange._world
            move_collateral(world, world.accounts.by_user[user], 0, 1, 100_000 * USD)
        self.price(4, MID)
        self.price(GOLD, MID)

    def do(self, command: Command, seconds: int = 0) -> None:
        """Apply it a little later."""
        self.now += seconds * SECOND
        self.exchange.apply(command, Ns(self.now))

    def price(self, asset: int, px: int, seconds: int = 3) -> None:
        """The asset's owner says a price."""
        said = SetPrices(asset, Px(px)) if asset == 4 else SetOracle(1, ((asset, Px(px)),))
        self.do(said, seconds)

    def tell(self, part: tuple[object, ...]) -> None:
        """One part of a story: an order, or a price with a span before it."""
        if isinstance(part[0], str):
            assert isinstance(part[1], OrderSpec)
            self.do(PlaceOrders(part[0], (part[1],)))
        else:
            asset, step, seconds = (int(str(one)) for one in part)
            self.price(asset, MID + step * TICK, max(seconds, 3))

    def total_usd(self) -> int:
        """Cash legs of everybody on every dex, and the house."""
        house = self.exchange.house()
        users = self.exchange.users()
        raw = sum(self.exchange.account(user, dex).raw_usd for user in users for dex in (0, 1))
        return raw + house.fees_usd + house.funding_usd

    def interest_usd(self, asset: int) -> int:
        """Open interest at the mark."""
        return self.exchange.asset_view(asset).open_interest_sz * self.exchange.mark(asset)


@settings(max_examples=60)
@given(stories)
def test_no_order_carries_open_interest_past_its_cap(story: list[tuple[object, ...]]) -> None:
    """Only the mark can; then no order adds to it."""
    play = Play(CAP)
    for part in story:
        before = {asset: play.exchange.asset_view(asset).open_interest_sz for asset in ASSETS}
        play.tell(part)
        for asset in ASSETS:
            grew = play.exchange.asset_view(asset).open_interest_sz > before[asset]
            assert not grew or play.interest_usd(asset) <= CAP


@settings(max_examples=60)
@given(stories, st.sampled_from([[Delist(4), Halt(GOLD, True)], [Halt(GOLD, True)], [Delist(GOLD), Delist(4)]]))
def test_a_settlement_conserves_money(story: list[tuple[object, ...]], ends: list[Command]) -> None:
    """Whatever the story: all cash legs and the house are the deposits, before and after, to the micro-USDC."""
    play = Play(None)
    for part in story:
        play.tell(part)
    assert play.total_usd() == 600_000 * USD
    for end in ends:
        play.do(end)
        assert play.total_usd() == 600_000 * USD
        asset = end.asset if isinstance(end, Delist | Halt) else 0
        assert play.interest_usd(asset) == 0
        held = [one.asset for user in USERS for dex in (0, 1) for one in play.exchange.account(user, dex).positions]
        assert asset not in held
        assert not [order for user in USERS for order in play.exchange.open_orders(user) if order.asset == asset]
    play.do(PassTime(), 7_200)
    assert play.total_usd() == 600_000 * USD
