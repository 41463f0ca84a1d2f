"""Those who quote: market makers with an inventory, and zero-intelligence providers who come and go."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Final

import msgspec

from shared.units import SECOND
from shared.venue.core.commands import CancelOrder, CancelOrders, Command, OrderSpec, PlaceOrders, Tif
from shared.venue.flow.scene import PATRON, Funding, Scene


class MakerSettings(msgspec.Struct, frozen=True):
    """How one market maker quotes.

    `quote_trades` is the size of the first layer in median trades and `growth` what each further layer adds;
    `full_trades` the inventory, in the same unit, that moves its centre by one half-spread; at three times that it
    quotes one side only. `follow` moves its centre by so many standard deviations of one second for one unit of
    pressure. Beyond a stress of `pull_at` its inner `pulled_layers` are away.
    """

    layers: int = 7
    width: float = 1.0
    quote_trades: float = 6.0
    growth: float = 0.6
    full_trades: float = 200.0
    follow: float = 1.0
    pull_at: float = math.inf
    pulled_layers: int = 3


class MarketMaker:
    """Quotes layers on both sides around what it believes, leaning against its inventory; keeps what is still right."""

    MOST_LEAN: Final = 3.0

    def __init__(self, user: str, rate_per_s: float, chance: Random, settings: MakerSettings) -> None:
        self.users: tuple[str, ...] = (user,)
        self.funding: Funding = PATRON
        self._user = user
        self._chance = chance
        self._rate = rate_per_s
        self._settings = settings

    def delay_ns(self) -> int:
        """Virtual time until the next refresh."""
        return max(int(self._chance.expovariate(self._rate) * SECOND), 1)

    def act(self, scene: Scene) -> Iterable[Command]:
        """Cancel what is off, then quote what is missing, never crossing the book."""
        wanted = self._wanted(scene)
        resting = {(order.is_buy, order.px): order for order in scene.open_orders(self._user)}
        off = [CancelOrder(scene.asset, order.oid) for key, order in resting.items() if key not in wanted]
        new = [spec for key, spec in wanted.items() if key not in resting]
        if off:
            yield CancelOrders(self._user, tuple(off))
        if new:
            yield PlaceOrders(self._user, tuple(new))

    def _wanted(self, scene: Scene) -> dict[tuple[bool, int], OrderSpec]:
        """The quotes it would like to have, by side and price."""
        settings, coin, chance = self._settings, scene.coin, self._chance
        quote_usd = settings.quote_trades * coin.trade_usd
        lean = scene.net_usd(self._user) / (settings.full_trades * coin.trade_usd)
        half = coin.spread_bps * 0.5e-4 * settings.width + 0.5 * scene.sigma() / math.sqrt(self._rate)
        belief = settings.follow * scene.sigma() * scene.pressure()
        bounded = max(min(lean, self.MOST_LEAN), -self.MOST_LEAN)
        centre = scene.fair() * (1.0 + belief + (chance.gauss(0.0, 0.25) - bounded) * half)
        tick = scene.tick(centre)
        bid, ask = scene.bid_ask()
        first = settings.pulled_layers if scene.stress() > settings.pull_at else 0
        wanted: dict[tuple[bool, int], OrderSpec] = {}
        for is_buy in (True, False):
            if (lean if is_buy else -lean) >= self.MOST_LEAN:
                continue
            sign = -1.0 if is_buy else 1.0
            best = centre + sign * half * centre
            if is_buy and ask is not None:
                best = min(best, ask - tick)
            elif not is_buy and bid is not None:
                best = max(best, bid + tick)
            for layer in range(first, settings.layers):
                px = best + sign * layer * max(tick, half * centre * (0.5 + 0.25 * layer))
                usd = quote_usd * (1.0 + settings.growth * layer) * chance.uniform(0.5, 1.5)
                spec = scene.order(is_buy, px, usd, Tif.ALO)
                wanted.setdefault((is_buy, spec.px), spec)
        return wanted


class ProviderSettings(msgspec.Struct, frozen=True):
    """Zero-intelligence flow: `most_orders` rest at once; distances from the best price follow a power law.

    `spreads` is the distance, in quiet spreads, that half the orders exceed; a small `exponent` reaches deep, `far_bps`
    bounds it. Sizes are log-normal around `trades` median trades, larger with the distance.
    """

    most_orders: int = 40
    spreads: float = 14.0
    exponent: float = 0.7
    far_bps: float = 60.0
    trades: float = 8.0


class Provider:
    """Leaves single orders at random depths and takes them away again: the flicker of the book.

    Source: Smith, Farmer, Gillemot & Krishnamurthy (2003), zero intelligence; power-law placement: Bouchaud, Mezard &
    Potters (2002).
    """

    def __init__(self, user: str, rate_per_s: float, chance: Random, settings: ProviderSettings) -> None:
        self.users: tuple[str, ...] = (user,)
        self.funding: Funding = PATRON
        self._user = user
        self._chance = chance
        self._rate = rate_per_s
        self._settings = settings

    def delay_ns(self) -> int:
        """Virtual time until it places or cancels."""
        return max(int(self._chance.expovariate(self._rate) * SECOND), 1)

    def act(self, scene: Scene) -> Iterable[Command]:
        """Cancel a random order of its own, the likelier the more there are, or place one."""
        chance, settings = self._chance, self._settings
        resting = scene.open_orders(self._user)
        if resting and chance.random() < len(resting) / settings.most_orders:
            order = resting[chance.randrange(len(resting))]
            yield CancelOrders(self._user, (CancelOrder(scene.asset, order.oid),))
            return
        bid, ask = scene.bid_ask()
        if bid is None or ask is None:
            return
        held = scene.net_usd(self._user) / (200.0 * scene.coin.trade_usd)
        is_buy = chance.random() < 0.5 - max(min(held, 0.45), -0.45)
        # u^(-1/a) - 1 has median 2^(1/a) - 1
        unit = settings.spreads * scene.coin.spread_bps / (2.0 ** (1.0 / settings.exponent) - 1.0)
        depth_bps = min(unit * ((1.0 - chance.random()) ** (-1.0 / settings.exponent) - 1.0), settings.far_bps)
        px = bid * (1.0 - depth_bps * 1e-4) if is_buy else ask * (1.0 + depth_bps * 1e-4)
        usd = scene.coin.trade_usd * settings.trades * (1.0 + depth_bps / 5.0) * chance.lognormvariate(0.0, 0.8)
        yield PlaceOrders(self._user, (scene.order(is_buy, px, usd, Tif.ALO),))
