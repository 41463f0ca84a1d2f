"""Who trades a coin's spot pair against its perp, where both are listed; the pair's own makers are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

import msgspec

from shared.units import SECOND, Px, Rounding, Sz
from shared.venue.core.commands import Command, IssueToken, OrderSpec, PlaceOrders, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import Listing
from shared.venue.core.tokens import USDC_INDEX
from shared.venue.flow.coins import Coin
from shared.venue.flow.fundamental import Fundamentals
from shared.venue.flow.mix import address_of
from shared.venue.flow.scene import PATRON, Funding, Scene

START_USD: Final = 100_000_000
"""What the trader starts with on the spot side, in USDC and as much again in the coin."""


class BasisSettings(msgspec.Struct, frozen=True):
    """The trader looks with `share` of the coin's activity, on top of it.

    It acts when spot and perp differ by more than `margin_bps` after crossing both spreads, with `trades` median trades
    at once, until it holds `most_trades` of them.
    """

    share: float = 0.06
    margin_bps: float = 1.0
    trades: float = 2.0
    most_trades: float = 100.0


class SpotScene(Scene):
    """A coin's spot pair as the trader sees it."""

    def __init__(
        self, coin: Coin, index: int, listing: Listing, exchange: Exchange, fundamentals: Fundamentals
    ) -> None:
        super().__init__(coin, index, listing.instrument, exchange, fundamentals)
        assert listing.spot is not None
        self._pair = listing.spot

    def opening(self, user: str, funding: Funding) -> Iterable[Command]:  # noqa: ARG002 - spot knows no leverage
        """Tokens of both kinds."""
        base, quote = self._pair.base, self._pair.quote
        lots = self.instrument.sz_in_lots(START_USD / self.coin.start)
        yield IssueToken(user, base.index, base.wei_from_lots(lots))
        yield IssueToken(user, quote.index, START_USD * 10**quote.wei_decimals)


class BasisTrader:
    """Sells what is dear and buys what is cheap of perp and spot, the same amount of each; keeps the basis small."""

    def __init__(
        self,
        spot: SpotScene,
        events_per_second: float,
        seed: int,
        settings: BasisSettings = BasisSettings(),  # noqa: B008 - frozen
    ) -> None:
        name = spot.coin.name
        self._user = address_of(f"{name}/basis")
        self.users: tuple[str, ...] = (self._user,)
        self.funding: Funding = PATRON
        self.spot: Final = spot
        self._rate = events_per_second * settings.share
        self._chance = Random(f"{seed}/{name}/basis")
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
