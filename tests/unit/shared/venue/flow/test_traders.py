"""Each kind of trader does what it is for, seen on a small exchange of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

from shared.units import SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
    UpdateLeverage,
)
from shared.venue.core.exchange import Exchange
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.crowd import CrowdSettings, Gambler
from shared.venue.flow.fundamental import Fundamentals, PriceProcess
from shared.venue.flow.makers import MakerSettings, MarketMaker, Provider, ProviderSettings
from shared.venue.flow.scene import Scene, Trader
from shared.venue.flow.traders import InformedTaker, Splitter

START = Ns(1_700_000_000 * SECOND)
OTHER = "0xother"
RICH = Usd(10**8 * USD)


class Stage:
    """BTC at 100,000 USDC with a patron who quotes far and wide, and one trader."""

    def __init__(self, trader: Trader, quotes: Sequence[tuple[bool, int, int]] = ()) -> None:
        self.exchange = Exchange(listings(COINS[:1]), start_ns=START)
        self.fundamentals = Fundamentals(COINS[:1], PriceProcess(), 1)
        self.scene = Scene(COINS[0], 0, self.exchange.listings[0].instrument, self.exchange, self.fundamentals)
        self.trader = trader
        self.apply(SetPrices(0, Px(1_000_000)))
        for user in (OTHER, "0xthird", *trader.users):
            self.apply(Deposit(user, RICH if user in (OTHER, "0xthird") else trader.funding.usd))
            self.apply(UpdateLeverage(user, 0, COINS[0].max_leverage, True))
        for is_buy, px, lots in quotes:
            self.place(OTHER, is_buy, px, lots, Tif.GTC)

    def apply(self, command: Command) -> None:
        """Run it now."""
        self.exchange.apply(command, self.exchange.now_ns or START)

    def place(self, user: str, is_buy: bool, px: int, lots: int, tif: Tif = Tif.IOC) -> None:
        """An order of somebody."""
        self.apply(PlaceOrders(user, (OrderSpec(0, is_buy, Px(px), Sz(lots), False, tif),)))

    def act(self) -> list[Command]:
        """What the trader did, applied."""
        done = []
        for command in self.trader.act(self.scene):
            self.apply(command)
            done.append(command)
        return done

    def quoted(self, user: str) -> tuple[list[int], list[int]]:
        """(bids, asks) of a user, by price."""
        orders = self.exchange.open_orders(user)
        return sorted(o.px for o in orders if o.is_buy), sorted(o.px for o in orders if not o.is_buy)


def maker(settings: MakerSettings) -> MarketMaker:
    """One market maker."""
    return MarketMaker("0xmaker", 5.0, Random(1), settings)


def test_a_maker_leans_against_its_inventory_and_stops_adding_to_it() -> None:
    """Long, it quotes lower than flat; beyond its limit it quotes the closing side only."""
    flat, long = Stage(maker(MakerSettings(follow=0.0))), Stage(maker(MakerSettings(follow=0.0)))
    flat.act()
    long.place(OTHER, False, 1_000_000, 700_000, Tif.GTC)
    long.place("0xmaker", True, 1_000_000, 700_000)
    long.act()
    assert max(long.quoted("0xmaker")[0]) < max(flat.quoted("0xmaker")[0])
    assert min(long.quoted("0xmaker")[1]) < min(flat.quoted("0xmaker")[1])
    long.place(OTHER, False, 1_000_000, 1_500_000, Tif.GTC)
    long.place("0xmaker", True, 1_000_000, 1_500_000)
    long.act()
    bids, asks = long.quoted("0xmaker")
    assert not bids
    assert asks


def test_a_maker_follows_pressure() -> None:
    """After others bought much it quotes higher than before."""
    stage = Stage(maker(MakerSettings(follow=50.0)), [(False, 1_000_000, 100_000)])
    stage.act()
    before = stage.quoted("0xmaker")
    stage.place("0xthird", True, 1_000_000, 100_000)
    stage.act()
    after = stage.quoted("0xmaker")
    assert max(after[0]) > max(before[0])
    assert max(after[1]) > max(before[1])


def test_a_maker_pulls_its_inner_layers_in_stress() -> None:
    """Above its limit of stress it is further from the fair price and smaller."""
    calm, stressed = Stage(maker(MakerSettings(pull_at=1e9))), Stage(maker(MakerSettings(pull_at=0.0)))
    calm.act()
    stressed.act()
    assert len(stressed.quoted("0xmaker")[0]) == len(calm.quoted("0xmaker")[0]) - 3
    assert max(stressed.quoted("0xmaker")[0]) < max(calm.quoted("0xmaker")[0])


def test_a_provider_keeps_its_number_of_orders_and_never_takes() -> None:
    """It hovers below its most orders, both sides occur, and nothing trades."""
    quotes = [(True, 999_000, 100_000), (False, 1_001_000, 100_000)]
    stage = Stage(Provider("0xprovider", 5.0, Random(3), ProviderSettings(most_orders=10)), quotes)
    kinds = {type(command) for _ in range(300) for command in stage.act()}
    bids, asks = stage.quoted("0xprovider")
    assert kinds == {PlaceOrders, CancelOrders}
    assert 0 < len(bids) + len(asks) <= 10
    assert not stage.exchange.trades(0)


def test_the_informed_take_what_is_wrong_and_nothing_else() -> None:
    """An ask well below the fair price is bought, a fair one is left."""
    wrong = Stage(InformedTaker("0xinformed", 5.0, Random(1)), [(False, 999_000, 100_000)])
    right = Stage(InformedTaker("0xinformed", 5.0, Random(1)), [(False, 1_000_100, 100_000)])
    assert wrong.act()
    assert wrong.exchange.net_sz("0xinformed", 0) > 0
    assert not right.act()


def test_a_splitter_keeps_its_side_for_several_pieces() -> None:
    """Sides come in runs of at least the fewest pieces."""
    quotes = [(True, 990_000, 10**8), (False, 1_010_000, 10**8)]
    stage = Stage(Splitter("0xsplitter", 5.0, 1.0, Random(6)), quotes)
    stage.fundamentals.regimes.step(0.0)
    placed = [command for _ in range(400) for command in stage.act() if isinstance(command, PlaceOrders)]
    sides = [command.orders[0].is_buy for command in placed]
    runs, length = [], 1
    for before, after in itertools.pairwise(sides):
        if before is after:
            length += 1
        else:
            runs.append(length)
            length = 1
    assert len(sides) > 100
    assert min(runs) >= Splitter.FEWEST


def test_a_gambler_uses_its_margin_and_a_broke_one_is_replaced() -> None:
    """It opens at the highest leverage within its stake, so a move of a few percent leaves less than maintenance."""
    gambler = Gambler("0xgambler", COINS[0], Random(2), CrowdSettings(hold_s=1e12))
    stage = Stage(gambler, [(True, 999_900, 10**7), (False, 1_000_100, 10**7)])
    stage.act()
    view = stage.exchange.account("0xgambler")
    assert 0.4 <= view.notional_usd / (gambler.stake_usd * 40) <= 0.97
    assert view.value_usd > view.maintenance_usd
    assert not stage.act()
    for order in stage.exchange.open_orders(OTHER):
        stage.apply(CancelOrders(OTHER, (CancelOrder(0, order.oid),)))
    move = 1.04 if stage.exchange.net_sz("0xgambler", 0) < 0 else 0.96
    for _ in range(2_000):
        stage.exchange.apply(SetPrices(0, Px(int(1_000_000 * move))), Ns(stage.exchange.now_ns + SECOND))
        view = stage.exchange.account("0xgambler")
        if not view.notional_usd or view.value_usd < view.maintenance_usd:
            break
    assert view.value_usd < gambler.stake_usd // 2
