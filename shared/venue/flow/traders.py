"""Several kinds of traders on one coin. Each has its own seeded chance and answers: when do I act, and what do I do?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Final, Protocol

from shared.instrument import Instrument
from shared.units import SECOND, Px, Rounding, Sz, tick_at
from shared.venue.core.commands import CancelOrder, CancelOrders, Command, OrderSpec, PlaceOrders, Tif
from shared.venue.core.events import OrderView
from shared.venue.core.exchange import Exchange
from shared.venue.flow.coins import Coin
from shared.venue.flow.fundamental import Fundamentals

MIN_ORDER_USD: Final = 12_000_000
"""In micro-USDC: a little more than the venue's minimum."""


class Scene:
    """What a trader of one coin may look at: the public book, the fair price and its own account."""

    def __init__(self, coin: Coin, instrument: Instrument, exchange: Exchange, fundamentals: Fundamentals) -> None:
        self.coin = coin
        self.instrument = instrument
        self.asset = instrument.asset
        self._exchange = exchange
        self._fundamentals = fundamentals

    def bid_ask(self) -> tuple[float | None, float | None]:
        """Best prices in USDC; None where a side is empty."""
        bids, asks = self._exchange.book_levels(self.asset, 1)
        as_float = self.instrument.px_float
        return as_float(bids[0].px) if bids else None, as_float(asks[0].px) if asks else None

    def fair(self) -> float:
        """The fair price in USDC."""
        return self._fundamentals.fair(self.asset)

    def sigma(self) -> float:
        """Volatility of one second."""
        return self._fundamentals.sigma(self.asset)

    def tick(self, px: float) -> float:
        """The price step at `px`, both in USDC."""
        on_tick = self.instrument.px_on_tick(px, Rounding.NEAREST)
        return self.instrument.px_float(tick_at(on_tick, self.instrument.sz_decimals))

    def net_usd(self, user: str) -> float:
        """Signed notional of the user's position in USDC, at the fair price."""
        net = next((p.net_sz for p in self._exchange.account(user).positions if p.asset == self.asset), 0)
        return self.instrument.sz_float(net) * self.fair()

    def open_orders(self, user: str) -> tuple[OrderView, ...]:
        """The user's resting orders, oldest first."""
        return self._exchange.open_orders(user)

    def order(self, is_buy: bool, px: float, usd: float, tif: Tif) -> OrderSpec:
        """An order of about `usd` notional at `px` moved onto the tick, away from the market if it is to rest."""
        passive = Rounding.DOWN if is_buy else Rounding.UP
        eager = Rounding.UP if is_buy else Rounding.DOWN
        on_tick = self.instrument.px_on_tick(px, passive if tif is Tif.ALO else eager)
        lots = max(self.instrument.sz_in_lots(usd / px), -(-MIN_ORDER_USD // on_tick))
        return OrderSpec(self.asset, is_buy, Px(on_tick), Sz(lots), False, tif)


class Trader(Protocol):
    """One account with one habit."""

    user: str

    def delay_ns(self) -> int:
        """Virtual time until it acts next, drawn anew."""
        ...

    def act(self, scene: Scene) -> Iterable[Command]:
        """What it does now."""
        ...


class _Clock:
    """Exponential waiting times of a mean rate."""

    def __init__(self, rate_per_s: float, chance: Random) -> None:
        self._rate = rate_per_s
        self._chance = chance

    def delay_ns(self) -> int:
        return max(int(self._chance.expovariate(self._rate) * SECOND), 1)


class MarketMaker:
    """Quotes layers on both sides around the fair price, leaning against its inventory; keeps what is still right."""

    def __init__(self, user: str, rate_per_s: float, chance: Random, layers: int, width: float) -> None:
        self.user = user
        self._chance = chance
        self._clock = _Clock(rate_per_s, chance)
        self._rate = rate_per_s
        self._layers = layers
        self._width = width

    def delay_ns(self) -> int:
        """Virtual time until the next refresh."""
        return self._clock.delay_ns()

    def act(self, scene: Scene) -> Iterable[Command]:
        """Cancel what is off, then quote what is missing, never crossing the book."""
        wanted = self._wanted(scene)
        resting = {(order.is_buy, order.px): order for order in scene.open_orders(self.user)}
        off = [CancelOrder(scene.asset, order.oid) for key, order in resting.items() if key not in wanted]
        new = [spec for key, spec in wanted.items() if key not in resting]
        if off:
            yield CancelOrders(self.user, tuple(off))
        if new:
            yield PlaceOrders(self.user, tuple(new))

    def _wanted(self, scene: Scene) -> dict[tuple[bool, int], OrderSpec]:
        """The quotes it would like to have, by side and price."""
        fair, coin, chance = scene.fair(), scene.coin, self._chance
        quote_usd = 4.0 * coin.trade_usd
        lean = scene.net_usd(self.user) / (50.0 * quote_usd)
        half = coin.spread_bps * 0.5e-4 * self._width + 0.5 * scene.sigma() / math.sqrt(self._rate)
        centre = fair * (1.0 + chance.gauss(0.0, 0.25) * half - max(min(lean, 3.0), -3.0) * half)
        tick = scene.tick(centre)
        bid, ask = scene.bid_ask()
        wanted: dict[tuple[bool, int], OrderSpec] = {}
        for is_buy in (True, False):
            sign = -1.0 if is_buy else 1.0
            best = centre + sign * half * centre
            if is_buy and ask is not None:
                best = min(best, ask - tick)
            elif not is_buy and bid is not None:
                best = max(best, bid + tick)
            for layer in range(self._layers):
                px = best + sign * layer * max(tick, half * centre * (0.5 + 0.25 * layer))
                spec = scene.order(is_buy, px, quote_usd * (1.0 + 0.6 * layer) * chance.uniform(0.5, 1.5), Tif.ALO)
                wanted.setdefault((is_buy, spec.px), spec)
        return wanted


class NoiseTaker:
    """Takes for reasons of its own: arrivals excite each other (Hawkes) and one side is kept for a while.

    Source: Hawkes (1971), simulated by Ogata's thinning (1981); long memory of signs by order splitting: Lillo, Mike
    & Farmer (2005).
    """

    BRANCHING: Final = 0.6
    DECAY_PER_S: Final = 1.5
    KEEP_SIDE: Final = 0.8

    def __init__(self, user: str, rate_per_s: float, chance: Random) -> None:
        self.user = user
        self._chance = chance
        self._base = rate_per_s * (1.0 - self.BRANCHING)
        self._excited = 0.0
        self._is_buy = chance.random() < 0.5

    def delay_ns(self) -> int:
        """Virtual time until the next arrival, which then excites those after it."""
        waited, chance = 0.0, self._chance
        while True:
            bound = self._base + self._excited
            step = chance.expovariate(bound)
            waited += step
            self._excited *= math.exp(-self.DECAY_PER_S * step)
            if chance.random() * bound <= self._base + self._excited:
                self._excited += self.BRANCHING * self.DECAY_PER_S
                return max(int(waited * SECOND), 1)

    def act(self, scene: Scene) -> Iterable[Command]:
        """One immediate-or-cancel order of a log-normal size, reaching a few ticks into the book."""
        chance = self._chance
        if chance.random() > self.KEEP_SIDE:
            # the more it holds, the likelier it turns: positions stay bounded
            pull = max(min(scene.net_usd(self.user) / (200.0 * scene.coin.trade_usd), 0.45), -0.45)
            self._is_buy = chance.random() < 0.5 - pull
        reach = scene.coin.spread_bps * 1e-4 * chance.uniform(0.5, 3.0)
        yield from _take(self.user, scene, self._is_buy, reach, scene.coin.trade_usd * chance.lognormvariate(0.0, 1.0))


class InformedTaker:
    """Knows the fair price and takes every quote that is wrong by more than the fee it pays."""

    MARGIN_BPS: Final = 1.0

    def __init__(self, user: str, rate_per_s: float, chance: Random) -> None:
        self.user = user
        self._chance = chance
        self._clock = _Clock(rate_per_s, chance)

    def delay_ns(self) -> int:
        """Virtual time until the next look."""
        return self._clock.delay_ns()

    def act(self, scene: Scene) -> Iterable[Command]:
        """Take up to the fair price if the best quote lies beyond it by the margin."""
        bid, ask = scene.bid_ask()
        margin = self.MARGIN_BPS * 1e-4 * self._chance.uniform(0.2, 1.8)
        usd = scene.coin.trade_usd * self._chance.lognormvariate(0.7, 0.7)
        if ask is not None and ask < scene.fair() * (1.0 - margin):
            yield PlaceOrders(self.user, (scene.order(True, scene.fair() * (1.0 - margin / 2), usd, Tif.IOC),))
        elif bid is not None and bid > scene.fair() * (1.0 + margin):
            yield PlaceOrders(self.user, (scene.order(False, scene.fair() * (1.0 + margin / 2), usd, Tif.IOC),))


class MomentumTaker:
    """Follows what moved: takes the side of the last seconds' move when it exceeds the usual noise."""

    MEMORY: Final = 0.7
    THRESHOLD: Final = 1.0

    def __init__(self, user: str, rate_per_s: float, chance: Random) -> None:
        self.user = user
        self._chance = chance
        self._clock = _Clock(rate_per_s, chance)
        self._rate = rate_per_s
        self._slow: float | None = None

    def delay_ns(self) -> int:
        """Virtual time until the next look."""
        return self._clock.delay_ns()

    def act(self, scene: Scene) -> Iterable[Command]:
        """Take with the trend, unless it holds much already."""
        bid, ask = scene.bid_ask()
        if bid is None or ask is None:
            return
        mid = (bid + ask) / 2
        slow = mid if self._slow is None else self._slow
        self._slow = self.MEMORY * slow + (1.0 - self.MEMORY) * mid
        usual = max(scene.sigma() / math.sqrt(self._rate), 1e-9)
        score = (mid / slow - 1.0) / usual
        held = scene.net_usd(self.user) / scene.coin.trade_usd
        if abs(score) > self.THRESHOLD and held * score < 50.0:
            usd = scene.coin.trade_usd * self._chance.lognormvariate(0.0, 0.5)
            yield from _take(self.user, scene, score > 0, scene.coin.spread_bps * 1e-4, usd)


class Passer:
    """Leaves single orders at random depths and takes them away again: the flicker of the book."""

    MOST_ORDERS: Final = 40

    def __init__(self, user: str, rate_per_s: float, chance: Random) -> None:
        self.user = user
        self._chance = chance
        self._clock = _Clock(rate_per_s, chance)

    def delay_ns(self) -> int:
        """Virtual time until it places or cancels."""
        return self._clock.delay_ns()

    def act(self, scene: Scene) -> Iterable[Command]:
        """Cancel a random order of its own, the likelier the more there are, or place one."""
        chance, resting = self._chance, scene.open_orders(self.user)
        if resting and chance.random() < len(resting) / self.MOST_ORDERS:
            order = resting[chance.randrange(len(resting))]
            yield CancelOrders(self.user, (CancelOrder(scene.asset, order.oid),))
            return
        bid, ask = scene.bid_ask()
        if bid is None or ask is None:
            return
        is_buy = chance.random() < 0.5
        depth = chance.expovariate(1.0 / (4.0 * scene.coin.spread_bps)) * 1e-4
        px = bid * (1.0 - depth) if is_buy else ask * (1.0 + depth)
        usd = scene.coin.trade_usd * chance.lognormvariate(0.5, 0.8)
        yield PlaceOrders(self.user, (scene.order(is_buy, px, usd, Tif.ALO),))


def _take(user: str, scene: Scene, is_buy: bool, reach: float, usd: float) -> Iterable[Command]:
    """An immediate-or-cancel order that may pay `reach` (relative) beyond the best price; nothing without a quote."""
    bid, ask = scene.bid_ask()
    best = ask if is_buy else bid
    if best is not None:
        px = best * (1.0 + reach if is_buy else 1.0 - reach)
        yield PlaceOrders(user, (scene.order(is_buy, px, usd, Tif.IOC),))
