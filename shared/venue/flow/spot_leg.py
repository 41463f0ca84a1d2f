"""The spot side of a coin, where the exchange lists its pair: makers, providers, and who trades spot against perp."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

import msgspec

from shared.units import SECOND, Px, Rounding, Sz
from shared.venue.core.commands import Command, IssueToken, OrderSpec, PlaceOrders, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import Listing, SpotPair
from shared.venue.core.tokens import USDC_INDEX
from shared.venue.flow.coins import Coin
from shared.venue.flow.fundamental import Fundamentals
from shared.venue.flow.makers import MakerSettings, MarketMaker, Provider, ProviderSettings
from shared.venue.flow.mix import address_of
from shared.venue.flow.scene import PATRON, Funding, Scene, Trader

START_USD: Final = 100_000_000
"""What each spot trader starts with, in USDC and as much again in the coin."""


class SpotSettings(msgspec.Struct, frozen=True):
    """Who trades a coin's spot pair. `share` of the coin's activity comes on top of it.

    The basis trader acts when spot and perp differ by more than `margin_bps` after crossing both spreads, with `trades`
    median trades at once, until it holds `most_trades` of them.
    """

    share: float = 0.3
    maker: MakerSettings = MakerSettings(layers=4, width=2.0, follow=0.3)
    provider: ProviderSettings = ProviderSettings(most_orders=20)
    margin_bps: float = 1.0
    trades: float = 2.0
    most_trades: float = 100.0


class SpotScene(Scene):
    """A coin's spot pair as its traders see it; what a trader holds beyond its start counts as its position."""

    def __init__(
        self, coin: Coin, index: int, listing: Listing, exchange: Exchange, fundamentals: Fundamentals
    ) -> None:
        super().__init__(coin, index, listing.instrument, exchange, fundamentals)
        assert listing.spot is not None
        self._pair: SpotPair = listing.spot
        self._start_lots = self.instrument.sz_in_lots(START_USD / coin.start)

    def fair(self) -> float:
        """The spot price in USDC."""
        return self.spot()

    def net_sz(self, user: str) -> int:
        """Lots held beyond the start."""
        lot_wei = self._pair.base.wei_from_lots(1)
        held = next((b for b in self._exchange.spot_balances(user) if b.token.index == self._pair.base.index), None)
        return (0 if held is None else held.total_wei // lot_wei) - self._start_lots

    def opening(self, user: str, funding: Funding) -> Iterable[Command]:  # noqa: ARG002 - spot knows no leverage
        """Tokens of both kinds."""
        base, quote = self._pair.base, self._pair.quote
        yield IssueToken(user, base.index, base.wei_from_lots(self._start_lots))
        yield IssueToken(user, quote.index, START_USD * 10**quote.wei_decimals)


class BasisTrader:
    """Sells what is dear and buys what is cheap of perp and spot, the same amount of each; keeps the basis small."""

    def __init__(self, user: str, spot: SpotScene, rate_per_s: float, chance: Random, settings: SpotSettings) -> None:
        self.users: tuple[str, ...] = (user,)
        self.funding: Funding = PATRON
        self._user = user
        self.spot: Final = spot
        self._rate = rate_per_s
        self._chance = chance
        self._settings = settings

    def delay_ns(self) -> int:
        """Virtual time until the next look."""
        return max(int(self._chance.expovariate(self._rate) * SECOND), 1)

    def act(self, scene: Scene) -> Iterable[Command]:
        """Both legs at once if they pay, unless it holds as much as it may; `scene` is the perp's."""
        settings, spot = self._settings, self.spot
        perp_bid, perp_ask = scene.bid_ask()
        spot_bid, spot_ask = spot.bid_ask()
        if perp_bid is None or perp_ask is None or spot_bid is None or spot_ask is None:
            return
        margin = settings.margin_bps * 1e-4
        held = scene.net_usd(self._user) / scene.coin.trade_usd
        coins = settings.trades * scene.coin.trade_usd / perp_bid
        if perp_bid > spot_ask * (1.0 + margin) and held > -settings.most_trades:
            yield self._leg(scene, False, perp_bid, coins)
            yield self._leg(spot, True, spot_ask, coins)
        elif spot_bid > perp_ask * (1.0 + margin) and held < settings.most_trades:
            yield self._leg(scene, True, perp_ask, coins)
            yield self._leg(spot, False, spot_bid, coins)

    def _leg(self, scene: Scene, is_buy: bool, px: float, coins: float) -> Command:
        eager = Rounding.UP if is_buy else Rounding.DOWN
        limit = scene.instrument.px_on_tick(px, eager)
        order = OrderSpec(scene.asset, is_buy, Px(limit), Sz(scene.instrument.sz_in_lots(coins)), False, Tif.IOC)
        return PlaceOrders(self._user, (order,))


def spot_listing(exchange: Exchange, coin: Coin) -> Listing | None:
    """The pair against USDC of the token called like the coin, or that with a U before it (bridged); None if none."""
    for listing in exchange.listings.values():
        pair = listing.spot
        if pair is not None and pair.quote.index == USDC_INDEX and pair.base.name in (coin.name, f"U{coin.name}"):
            return listing
    return None


def spot_population(
    perp: Scene, spot: SpotScene, settings: SpotSettings, events_per_second: float, seed: int
) -> list[tuple[Scene, Trader]]:
    """Who trades the pair, each with the scene it acts in; the last is the basis trader, in the perp's."""
    name, rate = perp.coin.name, events_per_second * settings.share

    def born(kind: str) -> tuple[str, Random]:
        return address_of(f"{name}/{kind}"), Random(f"{seed}/{name}/{kind}")

    user, chance = born("spot-maker")
    maker = MarketMaker(user, rate * 0.3, chance, settings.maker)
    user, chance = born("spot-provider")
    provider = Provider(user, rate * 0.2, chance, settings.provider)
    user, chance = born("basis")
    return [(spot, maker), (spot, provider), (perp, BasisTrader(user, spot, rate * 0.2, chance, settings))]
