"""Takers who excite each other: a two-sided Hawkes process by exact thinning, and the crowd that trades by it.

Source: Hawkes (1971); simulated by Ogata's thinning (1981); buys and sells exciting both sides: Bacry et al. (2013).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Final

import msgspec

from shared.errors import UnitError
from shared.units import SECOND
from shared.venue.core.commands import Command
from shared.venue.flow.scene import PATRON, Funding, Scene, take


class HawkesSettings(msgspec.Struct, frozen=True):
    """Mean number of children of one trade on its own side and on the other; how fast excitement fades.

    Their sum is the branching ratio and must stay below 1, or trades would breed without end.
    """

    own_children: float = 0.66
    other_children: float = 0.17
    decay_per_s: float = 4.0

    def branching(self) -> float:
        """Mean number of direct children of one trade."""
        return self.own_children + self.other_children


class HawkesPair:
    """Buys and sells as one point process. Ask `wait_s` for the next candidate, then `arrival` at its time.

    The bound at a candidate's birth holds until it falls due, because excitement only fades and the modulation never
    exceeds `most`; so accepting with intensity / bound is exact even if the modulation changes in between.
    """

    def __init__(self, settings: HawkesSettings, rate_per_s: float, most: float, chance: Random) -> None:
        if not 0.0 <= settings.branching() < 1.0:
            raise UnitError(f"expected a branching ratio below 1, got {settings.branching()}")
        self._settings = settings
        self._base = rate_per_s * (1.0 - settings.branching())
        self._most = most
        self._chance = chance
        self._bound = self._base * most
        self._buys = 0.0
        self._sells = 0.0

    def wait_s(self) -> float:
        """Time until the next candidate; the excitement is as it will be then."""
        self._bound = self._base * self._most + self._buys + self._sells
        step = self._chance.expovariate(self._bound)
        kept = math.exp(-self._settings.decay_per_s * step)
        self._buys *= kept
        self._sells *= kept
        return step

    def arrival(self, modulation: float, lean: float = 0.0) -> bool | None:
        """Whether the candidate is a buy, or None if it is thinned out.

        `modulation` scales the base rate now; `lean` in -1..1 moves the base rate toward buys.
        """
        chance, settings = self._chance, self._settings
        assert modulation <= self._most + 1e-9, f"{modulation} exceeds the bound {self._most}"
        base = self._base * modulation
        total = base + self._buys + self._sells
        if chance.random() * self._bound > total:
            return None
        is_buy = chance.random() * total < base * (1.0 + lean) / 2 + self._buys
        own = settings.own_children * settings.decay_per_s
        other = settings.other_children * settings.decay_per_s
        self._buys += own if is_buy else other
        self._sells += other if is_buy else own
        return is_buy


class HawkesTakers:
    """Several accounts that take in clusters; each arrival is one of them, the fuller its hands the likelier to turn.

    Sizes are log-normal with a Pareto tail; an order reaches some ticks into the book.
    """

    TAIL: Final = 0.04
    TAIL_EXPONENT: Final = 1.6
    FULL_HANDS: Final = 200.0

    def __init__(
        self, users: tuple[str, ...], settings: HawkesSettings, rate_per_s: float, most: float, chance: Random
    ) -> None:
        self.users: tuple[str, ...] = users
        self.funding: Funding = PATRON
        self._chance = chance
        self._process = HawkesPair(settings, rate_per_s, most, chance)

    def delay_ns(self) -> int:
        """Virtual time until the next candidate."""
        return max(int(self._process.wait_s() * SECOND), 1)

    def act(self, scene: Scene) -> Iterable[Command]:
        """One immediate-or-cancel order, or nothing if the candidate is thinned out."""
        chance = self._chance
        user = self.users[chance.randrange(len(self.users))]
        held = scene.net_usd(user) / (self.FULL_HANDS * scene.coin.trade_usd)
        is_buy = self._process.arrival(scene.intensity(), max(min(-held, 0.9), -0.9))
        if is_buy is None:
            return
        size = chance.lognormvariate(0.0, 1.0)
        if chance.random() < self.TAIL:
            size *= 4.0 * chance.paretovariate(self.TAIL_EXPONENT)
        reach = scene.coin.spread_bps * 1e-4 * chance.uniform(0.5, 3.0)
        yield from take(user, scene, is_buy, reach, scene.coin.trade_usd * min(size, 100.0))
