"""Those who take, each for a reason: they know better, they follow, or they have a large order to work."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Final

from shared.units import SECOND
from shared.venue.core.commands import Command, PlaceOrders, Tif
from shared.venue.flow.scene import PATRON, Funding, Scene, take


class _Clock:
    """Exponential waiting times of a mean rate."""

    def __init__(self, rate_per_s: float, chance: Random) -> None:
        self._rate = rate_per_s
        self._chance = chance

    def delay_ns(self) -> int:
        return max(int(self._chance.expovariate(self._rate) * SECOND), 1)


class InformedTaker:
    """Knows the fair price and takes every quote that is wrong by more than the fee it pays."""

    MARGIN_BPS: Final = 1.0

    def __init__(self, user: str, rate_per_s: float, chance: Random, trades: float = 6.0) -> None:
        self.users: tuple[str, ...] = (user,)
        self.funding: Funding = PATRON
        self._user = user
        self._chance = chance
        self._trades = trades
        self._clock = _Clock(rate_per_s, chance)

    def delay_ns(self) -> int:
        """Virtual time until the next look."""
        return self._clock.delay_ns()

    def act(self, scene: Scene) -> Iterable[Command]:
        """Take up to the fair price if the best quote lies beyond it by the margin."""
        bid, ask = scene.bid_ask()
        margin = self.MARGIN_BPS * 1e-4 * self._chance.uniform(0.2, 1.8)
        usd = scene.coin.trade_usd * self._trades * self._chance.lognormvariate(0.0, 0.7)
        if ask is not None and ask < scene.fair() * (1.0 - margin):
            yield PlaceOrders(self._user, (scene.order(True, scene.fair() * (1.0 - margin / 2), usd, Tif.IOC),))
        elif bid is not None and bid > scene.fair() * (1.0 + margin):
            yield PlaceOrders(self._user, (scene.order(False, scene.fair() * (1.0 + margin / 2), usd, Tif.IOC),))


class MomentumTaker:
    """Follows what moved: takes the side of the last seconds' move when it exceeds the usual noise."""

    MEMORY: Final = 0.7
    THRESHOLD: Final = 1.0

    def __init__(self, user: str, rate_per_s: float, chance: Random) -> None:
        self.users: tuple[str, ...] = (user,)
        self.funding: Funding = PATRON
        self._user = user
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
        held = scene.net_usd(self._user) / scene.coin.trade_usd
        if abs(score) > self.THRESHOLD and held * score < 50.0:
            usd = scene.coin.trade_usd * self._chance.lognormvariate(0.0, 0.5)
            yield from take(self._user, scene, score > 0, scene.coin.spread_bps * 1e-4, usd)


class Splitter:
    """Works large orders in small pieces, one after another: what gives trade signs their long memory.

    The number of pieces is Pareto. Source: Lillo, Mike & Farmer (2005). Candidates come at the most intense pace and
    are thinned to the pace of now.
    """

    FEWEST: Final = 4
    EXPONENT: Final = 1.5
    MOST: Final = 2_000

    def __init__(self, user: str, rate_per_s: float, most: float, chance: Random) -> None:
        self.users: tuple[str, ...] = (user,)
        self.funding: Funding = PATRON
        self._user = user
        self._chance = chance
        self._most = most
        self._rate = rate_per_s * most
        self._left = 0
        self._is_buy = True

    def delay_ns(self) -> int:
        """Virtual time until the next candidate for a piece."""
        return max(int(self._chance.expovariate(self._rate) * SECOND), 1)

    def act(self, scene: Scene) -> Iterable[Command]:
        """The next piece; after the last one a new order begins, against what it holds rather than with it."""
        chance = self._chance
        if chance.random() * self._most > scene.intensity():
            return
        if not self._left:
            held = scene.net_usd(self._user) / (400.0 * scene.coin.trade_usd)
            self._is_buy = chance.random() < 0.5 - max(min(held, 0.45), -0.45)
            self._left = min(int(self.FEWEST * chance.paretovariate(self.EXPONENT)), self.MOST)
        self._left -= 1
        usd = scene.coin.trade_usd * 0.6 * chance.uniform(0.4, 1.6)
        yield from take(self._user, scene, self._is_buy, scene.coin.spread_bps * 1e-4, usd)
