"""The deployer of the example dex, who sets its oracles, and a maker and a taker for each of its perps and the hyperp.

Everything follows from one seed. Each perp has a price of its own that wanders; the hyperp's is nobody's oracle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Final

from shared.units import DAY, SECOND, USD, Ns, Px, Rounding, Usd
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
)
from shared.venue.core.dealings import SendAsset
from shared.venue.core.exchange import Exchange
from shared.venue.core.rulings import SetOracle
from shared.venue.flow.dex_coins import DEX_COINS, HYPERP, XYZ, DexCoin
from shared.venue.flow.mix import address_of
from shared.venue.flow.synthetic import Applies

INTERVAL_NS: Final = SECOND // 2
ORACLE_NS: Final = 3 * SECOND
LAYERS: Final = 5
WEALTH_USD: Final = 5_000_000
"""What maker and taker of each perp bring."""
TAKER_CHANCE: Final = 0.1
"""Of a taker's order in one interval."""
SIZE_SIGMA: Final = 0.8
LEAN_BPS: Final = 30.0
"""How far the maker leans at a position of a tenth of its wealth."""
MIN_TRADE_USD: Final = 12.0
MAX_SLIPPAGE: Final = 0.02
_YEAR_S: Final = 365 * DAY / SECOND


class _Perp:
    """One perp, its two traders and its price."""

    __slots__ = ("asset", "chance", "coin", "dex", "fair", "instrument", "maker", "taker")

    def __init__(self, coin: DexCoin, name: str, exchange: Exchange, seed: int) -> None:
        listed = {one.instrument.coin: asset for asset, one in exchange.listings.items()}
        self.coin = coin
        self.asset = listed[name]
        self.dex = exchange.listings[self.asset].dex
        self.instrument = exchange.listings[self.asset].instrument
        self.maker, self.taker = address_of(f"{name}/dex-maker"), address_of(f"{name}/dex-taker")
        self.chance = Random(f"{seed}/{name}/dex")
        self.fair = coin.start

    def px(self, value: float, rounding: Rounding) -> Px:
        """A price on the tick."""
        return self.instrument.px_on_tick(value, rounding)


class DexMarket:
    """Drives the example dex and the hyperp of an exchange that lists them; acts through the door only."""

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self._exchange = exchange
        self._number = next(number for number, dex in enumerate(exchange.dexs, 1) if dex.name == XYZ.name)
        self._deployed = [_Perp(coin, f"{XYZ.name}:{coin.name}", exchange, seed) for coin in DEX_COINS]
        self._hyperp = _Perp(HYPERP, HYPERP.name, exchange, seed)
        self._perps = [*self._deployed, self._hyperp]
        self._due_ns = 0
        self._oracle_ns = 0

    @property
    def users(self) -> tuple[str, ...]:
        """Addresses of all makers and takers."""
        return tuple(user for perp in self._perps for user in (perp.maker, perp.taker))

    def step(self, door: Applies, now: Ns) -> Ns:
        """Let everything happen that falls due up to `now`; the result is when the next thing does."""
        if not self._due_ns:
            for perp in self._perps:
                for command in self._beginning(perp):
                    door.apply(command, now)
            self._due_ns = self._oracle_ns = now
        while self._due_ns <= now:
            # a client's command may have reached the core since this fell due; time never goes back there
            at = Ns(max(self._due_ns, self._exchange.now_ns))
            if self._oracle_ns <= self._due_ns:
                for command in self._words():
                    door.apply(command, at)
                self._oracle_ns = self._due_ns + ORACLE_NS
            for perp in self._perps:
                for command in self._acts(perp):
                    door.apply(command, at)
            self._due_ns += INTERVAL_NS
        return Ns(self._due_ns)

    def _beginning(self, perp: _Perp) -> Iterator[Command]:
        """Money for both traders, on the dex where the perp is."""
        for user in (perp.maker, perp.taker):
            yield Deposit(user, Usd(WEALTH_USD * USD))
            if perp.dex:
                yield SendAsset(user, user, "", XYZ.name, "USDC", str(WEALTH_USD), 0)

    def _words(self) -> Iterator[Command]:
        """What the deployer says of its perps; of the hyperp only that time went by."""
        pxs = tuple((perp.asset, perp.px(perp.fair, Rounding.NEAREST)) for perp in self._deployed)
        yield SetOracle(self._number, pxs, (pxs,))
        yield SetPrices(self._hyperp.asset, Px(0))

    def _acts(self, perp: _Perp) -> Iterator[Command]:
        """New quotes around a price that has moved, and now and then an order that takes."""
        span = INTERVAL_NS / SECOND / _YEAR_S
        perp.fair *= math.exp(perp.chance.gauss(0.0, perp.coin.sigma_annual * math.sqrt(span)))
        old = self._exchange.open_orders(perp.maker)
        if old:
            yield CancelOrders(perp.maker, tuple(CancelOrder(order.asset, oid=order.oid) for order in old))
        yield PlaceOrders(perp.maker, tuple(self._quotes(perp)))
        if perp.chance.random() < TAKER_CHANCE:
            yield PlaceOrders(perp.taker, (self._taking(perp),))

    def _quotes(self, perp: _Perp) -> Iterator[OrderSpec]:
        """Both sides, wider and larger layer by layer, leaning against what the maker holds."""
        centre = perp.fair * (1 - self._lean(perp) * LEAN_BPS / 10_000)
        for layer in range(LAYERS):
            away = perp.coin.spread_bps * (0.5 + layer) / 10_000
            sz = perp.instrument.sz_in_lots(max(perp.coin.trade_usd * (1 + layer), MIN_TRADE_USD) / perp.fair)
            bid, ask = perp.px(centre * (1 - away), Rounding.DOWN), perp.px(centre * (1 + away), Rounding.UP)
            yield OrderSpec(perp.asset, True, bid, sz, False, Tif.GTC)
            yield OrderSpec(perp.asset, False, ask, sz, False, Tif.GTC)

    def _taking(self, perp: _Perp) -> OrderSpec:
        """An order that takes what is there within two percent."""
        is_buy = perp.chance.random() < 0.5
        usd = max(perp.coin.trade_usd * math.exp(perp.chance.gauss(0.0, SIZE_SIGMA)), MIN_TRADE_USD)
        limit = perp.fair * (1 + MAX_SLIPPAGE if is_buy else 1 - MAX_SLIPPAGE)
        px = perp.px(limit, Rounding.DOWN if is_buy else Rounding.UP)
        return OrderSpec(perp.asset, is_buy, px, perp.instrument.sz_in_lots(usd / perp.fair), False, Tif.IOC)

    def _lean(self, perp: _Perp) -> float:
        """The maker's position as a share of a tenth of its wealth, between -1 and 1."""
        positions = self._exchange.account(perp.maker, perp.dex).positions
        held = next((one.net_sz for one in positions if one.asset == perp.asset), 0)
        usd = held * perp.px(perp.fair, Rounding.NEAREST)
        return max(-1.0, min(1.0, usd / (WEALTH_USD * USD / 10)))
