"""The synthetic market: traders around seeded fundamental prices, as a driver of the local exchange.

Everything follows from one seed: every trader draws from its own generator, and events are ordered by (ns, number).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from shared.units import MS, SECOND, Ns, px_from_float
from shared.venue.core.commands import Command, SetPrices
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.flow.basis_trader import BasisSettings, BasisTrader, SpotScene, spot_listing
from shared.venue.flow.coins import COINS, Coin
from shared.venue.flow.fundamental import Fundamentals, PriceProcess
from shared.venue.flow.makers import MarketMaker
from shared.venue.flow.mix import DEFAULT_MIX, FlowMix, population
from shared.venue.flow.scene import Scene, Trader


class Applies(Protocol):
    """The door as a driver needs it."""

    def apply(self, command: Command, now: Ns) -> Outcome:
        """Run the command in the core and tell whoever listens."""
        ...


class SyntheticSettings(msgspec.Struct, frozen=True):
    """`events_per_second` is about the mean number of commands that traders send for each coin; `mix` says who.

    Coins whose spot pair is listed have a `basis` trader too, unless it is None; `spot_market.py` makes the pair.
    """

    events_per_second: float = 20.0
    mix: FlowMix = DEFAULT_MIX
    basis: BasisSettings | None = BasisSettings()
    fundamental_interval_ms: int = 200
    oracle_interval_ms: int = 3_000
    process: PriceProcess = PriceProcess()


class _Event(msgspec.Struct, order=True):
    """Something that falls due. `trader` -1 moves the fundamentals, -2 publishes oracle prices."""

    ns: int
    number: int
    trader: int


_FUNDAMENTALS: Final = -1
_ORACLES: Final = -2


class SyntheticMarket:
    """Drives an exchange that lists `coins` in their order; reads its books and acts through the door only."""

    def __init__(
        self,
        exchange: Exchange,
        seed: int,
        settings: SyntheticSettings = SyntheticSettings(),  # noqa: B008 - frozen
        coins: Sequence[Coin] = COINS,
    ) -> None:
        self._exchange = exchange
        self._settings = settings
        self._fundamentals = Fundamentals(coins, settings.process, seed)
        self._coins = tuple(coins)
        self._scenes: list[Scene] = []
        self._traders: list[Trader] = []
        for asset, coin in enumerate(coins):
            scene = Scene(coin, asset, exchange.listings[asset].instrument, exchange, self._fundamentals)
            assert scene.instrument.coin == coin.name, f"asset {asset} is {scene.instrument.coin}, not {coin.name}"
            for trader in population(
                coin, settings.mix, settings.events_per_second, self._fundamentals.regimes.most_intense, seed
            ):
                self._join(scene, trader)
            pair = spot_listing(exchange, coin)
            if settings.basis is not None and pair is not None:
                spot = SpotScene(coin, asset, pair, exchange, self._fundamentals)
                self._join(scene, BasisTrader(spot, settings.events_per_second, seed, settings.basis))
        self._events: list[_Event] = []
        self._number = 0

    def _join(self, scene: Scene, trader: Trader) -> None:
        self._scenes.append(scene)
        self._traders.append(trader)

    @property
    def users(self) -> tuple[str, ...]:
        """Addresses of all synthetic traders."""
        return tuple(user for trader in self._traders for user in trader.users)

    def shift(self, coin: str, log_move: float) -> None:
        """News: the coin's spot and fair price move at once, and its people find out."""
        self._fundamentals.shift([each.name for each in self._coins].index(coin), log_move)

    def step(self, door: Applies, now: Ns) -> Ns:
        """Let everything happen that falls due up to `now`; the result is when the next thing does."""
        if not self._events:
            self._begin(door, now)
        while self._events[0].ns <= now:
            event = heapq.heappop(self._events)
            self._happen(door, event)
        return Ns(self._events[0].ns)

    def _begin(self, door: Applies, now: Ns) -> None:
        """Prices, funded traders and the first quotes, all at `now`."""
        self._publish(door, now)
        for scene, trader in zip(self._scenes, self._traders, strict=True):
            for user in trader.users:
                for command in scene.opening(user, trader.funding):
                    door.apply(command, now)
                if isinstance(trader, BasisTrader):
                    for command in trader.spot.opening(user, trader.funding):
                        door.apply(command, now)
        for index, (scene, trader) in enumerate(zip(self._scenes, self._traders, strict=True)):
            if isinstance(trader, MarketMaker):
                for command in trader.act(scene):
                    door.apply(command, now)
            self._push(now + trader.delay_ns(), index)
        self._push(now + self._settings.fundamental_interval_ms * MS, _FUNDAMENTALS)
        self._push(now + self._settings.oracle_interval_ms * MS, _ORACLES)

    def _happen(self, door: Applies, event: _Event) -> None:
        # a client's command may have reached the core since this fell due; time never goes back there
        at = Ns(max(event.ns, self._exchange.now_ns))
        if event.trader == _FUNDAMENTALS:
            interval = self._settings.fundamental_interval_ms * MS
            self._fundamentals.step(interval / SECOND)
            self._push(event.ns + interval, _FUNDAMENTALS)
        elif event.trader == _ORACLES:
            self._publish(door, at)
            self._push(event.ns + self._settings.oracle_interval_ms * MS, _ORACLES)
        else:
            trader = self._traders[event.trader]
            for command in trader.act(self._scenes[event.trader]):
                door.apply(command, at)
            self._push(event.ns + trader.delay_ns(), event.trader)

    def _publish(self, door: Applies, at: Ns) -> None:
        for asset, coin in enumerate(self._coins):
            door.apply(SetPrices(asset, px_from_float(self._fundamentals.spot(asset), coin.sz_decimals)), at)

    def _push(self, ns: int, trader: int) -> None:
        self._number += 1
        heapq.heappush(self._events, _Event(ns, self._number, trader))
