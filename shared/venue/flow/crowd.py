"""The leveraged crowd: small accounts at the highest leverage, which the exchange's own rule liquidates in a move."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

import msgspec

from shared.units import SECOND, USD, Sz, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, Tif
from shared.venue.flow.coins import Coin
from shared.venue.flow.scene import Funding, Scene, take


class CrowdSettings(msgspec.Struct, frozen=True):
    """`position_trades` is a full position in median trades; the stake is that at the coin's maximum leverage.

    A gambler looks every `look_s` on average, keeps a position for `hold_s`, uses between the two shares of what its
    stake allows, and with `follow` takes the side that the market has just pressed.
    """

    position_trades: float = 15.0
    look_s: float = 10.0
    hold_s: float = 240.0
    least_share: float = 0.5
    most_share: float = 0.95
    follow: float = 0.7
    broke: float = 0.4


class Gambler:
    """Opens a position with nearly all the margin it has, and closes it some minutes later if it still can.

    The exchange liquidates it like anyone; many of them on one side make a cascade. Below `broke` of its stake and
    flat, it brings a new stake: another gambler takes its seat.
    """

    def __init__(self, user: str, coin: Coin, chance: Random, settings: CrowdSettings) -> None:
        self.stake_usd: Final = Usd(int(settings.position_trades * coin.trade_usd / coin.max_leverage * USD))
        self.users: tuple[str, ...] = (user,)
        self.funding = Funding(self.stake_usd, 0)
        self._user = user
        self._chance = chance
        self._settings = settings

    def delay_ns(self) -> int:
        """Virtual time until the next look."""
        return max(int(self._chance.expovariate(1.0 / self._settings.look_s) * SECOND), 1)

    def act(self, scene: Scene) -> Iterable[Command]:
        """Open if flat, close now and then, and bring money when there is none."""
        chance, settings = self._chance, self._settings
        net = scene.net_sz(self._user)
        if net:
            if chance.random() < settings.look_s / settings.hold_s:
                yield from self._close(scene, net)
            return
        value = scene.value_usd(self._user)
        stake = self.stake_usd / USD
        if value < settings.broke * stake:
            yield Deposit(self._user, Usd(int((stake - max(value, 0.0)) * USD) + 1))
            value = stake
        is_buy = scene.pressure() > 0 if chance.random() < settings.follow else chance.random() < 0.5
        share = chance.uniform(settings.least_share, settings.most_share)
        usd = min(value, stake) * scene.coin.max_leverage * share
        yield from take(self._user, scene, is_buy, scene.coin.spread_bps * 3e-4, usd)

    def _close(self, scene: Scene, net: int) -> Iterable[Command]:
        px = scene.taking_px(net < 0, scene.coin.spread_bps * 1e-3)
        if px is not None:
            yield PlaceOrders(self._user, (OrderSpec(scene.asset, net < 0, px, Sz(abs(net)), True, Tif.IOC),))
