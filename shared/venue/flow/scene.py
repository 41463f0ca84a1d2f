"""What a trader of one coin may look at, and the plain orders that all traders send."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from shared.instrument import Instrument
from shared.units import SECOND, USD, Px, Rounding, Sz, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, Tif, UpdateLeverage
from shared.venue.core.events import OrderView
from shared.venue.core.exchange import Exchange
from shared.venue.flow.coins import Coin
from shared.venue.flow.fundamental import Fundamentals

MIN_ORDER_USD: Final = 12
"""In USDC: a little more than the venue's minimum."""
_SEEN_TRADES: Final = 40
PRESSURE_TAU_S: Final = 8.0
PRESSURE_UNIT: Final = 6.0
"""How many median trades of net pressure move opinions by one unit."""
MOST_PRESSURE: Final = 3.0


class Funding(msgspec.Struct, frozen=True):
    """What an account starts with, and at which leverage it trades; 0 is the coin's maximum."""

    usd: Usd
    leverage: int


PATRON: Final = Funding(Usd(1_000_000_000 * USD), 1)
"""Enough never to be the story; at leverage 1 no margin tier refuses."""


class Scene:
    """One coin as its traders see it: the public book and tape, the fair price, the weather, and their own accounts."""

    def __init__(
        self, coin: Coin, index: int, instrument: Instrument, exchange: Exchange, fundamentals: Fundamentals
    ) -> None:
        self.coin = coin
        self._index = index
        self.instrument = instrument
        self.asset = instrument.asset
        self._exchange = exchange
        self._fundamentals = fundamentals
        self._money_unit: Final = int(10**instrument.max_decimals)
        self._last_tid = 0
        self._pressure = 0.0
        self._pressed_ns = 0

    def opening(self, user: str, funding: Funding) -> Iterable[Command]:
        """What gives a trader of this coin its account."""
        yield Deposit(user, funding.usd)
        yield UpdateLeverage(user, self.asset, funding.leverage or self.coin.max_leverage, True)

    def bid_ask(self) -> tuple[float | None, float | None]:
        """Best prices in USDC; None where a side is empty."""
        bids, asks = self._exchange.book_levels(self.asset, 1)
        as_float = self.instrument.px_float
        return as_float(bids[0].px) if bids else None, as_float(asks[0].px) if asks else None

    def fair(self) -> float:
        """The fair price in USDC."""
        return self._fundamentals.fair(self._index)

    def spot(self) -> float:
        """The spot price in USDC."""
        return self._fundamentals.spot(self._index)

    def sigma(self) -> float:
        """Volatility of one second."""
        return self._fundamentals.sigma(self._index)

    def stress(self) -> float:
        """Volatility now over the coin's usual one."""
        return self._fundamentals.stress()

    def intensity(self) -> float:
        """How eager takers are now: 1 in the long run."""
        return self._fundamentals.regimes.intensity()

    def tick(self, px: float) -> float:
        """The price step at `px`, both in USDC."""
        on_tick = self.instrument.px_on_tick(px, Rounding.NEAREST)
        return self.instrument.px_float(self.instrument.tick(on_tick))

    def pressure(self) -> float:
        """Net volume taken of late, as opinions weigh it: concave in volume, fading, within +-MOST_PRESSURE.

        Everybody's trades count, clients' too. The form is the square-root law of impact; Bouchaud, Farmer & Lillo
        (2009).
        """
        now = self._exchange.now_ns
        self._pressure *= math.exp((self._pressed_ns - now) / (PRESSURE_TAU_S * SECOND))
        self._pressed_ns = now
        newest = self._exchange.trades(self.asset, 1)
        if newest and newest[0].tid != self._last_tid:
            for trade in self._exchange.trades(self.asset, _SEEN_TRADES):
                if trade.tid == self._last_tid:
                    break
                usd = trade.px * trade.sz / self._money_unit
                self._pressure += usd if trade.is_buy else -usd
            self._last_tid = newest[0].tid
        units = math.sqrt(abs(self._pressure) / (PRESSURE_UNIT * self.coin.trade_usd))
        return math.copysign(min(units, MOST_PRESSURE), self._pressure)

    def net_sz(self, user: str) -> int:
        """Signed position of the user in lots."""
        return self._exchange.net_sz(user, self.asset)

    def net_usd(self, user: str) -> float:
        """Signed notional of the user's position in USDC, at the fair price."""
        net = self.net_sz(user)
        return self.instrument.sz_float(net) * self.fair() if net else 0.0

    def value_usd(self, user: str) -> float:
        """Account value of the user in USDC."""
        return self._exchange.account(user).value_usd / USD

    def open_orders(self, user: str) -> tuple[OrderView, ...]:
        """The user's resting orders, oldest first."""
        return self._exchange.open_orders(user)

    def taking_px(self, is_buy: bool, reach: float) -> Px | None:
        """The price that pays `reach` (relative) beyond the best one to take; None without a quote."""
        bid, ask = self.bid_ask()
        best = ask if is_buy else bid
        if best is None:
            return None
        px = best * (1.0 + reach if is_buy else 1.0 - reach)
        return self.instrument.px_on_tick(px, Rounding.UP if is_buy else Rounding.DOWN)

    def order(self, is_buy: bool, px: float, usd: float, tif: Tif) -> OrderSpec:
        """An order of about `usd` notional at `px` moved onto the tick, away from the market if it is to rest."""
        passive = Rounding.DOWN if is_buy else Rounding.UP
        eager = Rounding.UP if is_buy else Rounding.DOWN
        on_tick = self.instrument.px_on_tick(px, passive if tif is Tif.ALO else eager)
        lots = max(self.instrument.sz_in_lots(usd / px), -(-MIN_ORDER_USD * self._money_unit // on_tick))
        return OrderSpec(self.asset, is_buy, Px(on_tick), Sz(lots), False, tif)


class Trader(Protocol):
    """One habit, on one account or several."""

    users: tuple[str, ...]
    funding: Funding

    def delay_ns(self) -> int:
        """Virtual time until it acts next, drawn anew."""
        ...

    def act(self, scene: Scene) -> Iterable[Command]:
        """What it does now."""
        ...


def take(user: str, scene: Scene, is_buy: bool, reach: float, usd: float) -> Iterable[Command]:
    """An immediate-or-cancel order that may pay `reach` (relative) beyond the best price; nothing without a quote."""
    bid, ask = scene.bid_ask()
    best = ask if is_buy else bid
    if best is not None:
        px = best * (1.0 + reach if is_buy else 1.0 - reach)
        yield PlaceOrders(user, (scene.order(is_buy, px, usd, Tif.IOC),))
