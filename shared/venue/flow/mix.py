"""The population of one coin: which traders, how many, and how they share its activity."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Final

import msgspec

from shared.venue.flow.coins import Coin
from shared.venue.flow.crowd import CrowdSettings, Gambler
from shared.venue.flow.hawkes import HawkesSettings, HawkesTakers
from shared.venue.flow.makers import MakerSettings, MarketMaker, Provider, ProviderSettings
from shared.venue.flow.scene import Trader
from shared.venue.flow.traders import InformedTaker, MomentumTaker, Splitter


class FlowMix(msgspec.Struct, frozen=True):
    """Who trades a coin. Shares divide `events_per_second`; a market maker's refresh is up to two commands.

    The first maker always stays; the others pull back beyond their `pull_at`. `informed_trades` is how much the
    informed take at once, in median trades. `gamblers` come on top of the rate.
    """

    makers: int = 3
    maker: MakerSettings = MakerSettings()
    maker_share: float = 0.55
    pull_at: float = 2.2
    providers: int = 3
    provider: ProviderSettings = ProviderSettings()
    provider_share: float = 0.2
    takers: int = 4
    hawkes: HawkesSettings = HawkesSettings()
    taker_share: float = 0.09
    splitters: int = 2
    splitter_share: float = 0.06
    informed: int = 1
    informed_share: float = 0.15
    informed_trades: float = 6.0
    momentum: int = 1
    momentum_share: float = 0.05
    gamblers: int = 3
    crowd: CrowdSettings = CrowdSettings()


DEFAULT_MIX: Final = FlowMix()
LIGHT_MIX: Final = FlowMix(
    makers=2,
    maker=MakerSettings(layers=4, quote_trades=14.0),
    providers=2,
    provider=ProviderSettings(most_orders=20, trades=16.0),
)
"""For soaks: the same kinds of people, fewer of them and with fewer orders."""


def address_of(name: str) -> str:
    """The address of a trader inside the exchange: nobody has its key."""
    return f"0x{sha256(f'synthetic trader {name}'.encode()).hexdigest()[:40]}"


def population(coin: Coin, mix: FlowMix, events_per_second: float, most_intense: float, seed: int) -> list[Trader]:
    """Everyone who trades one coin, in the order in which they are numbered; each with its own chance."""
    rate = events_per_second

    def born(kind: str) -> tuple[str, Random]:
        return address_of(f"{coin.name}/{kind}"), Random(f"{seed}/{coin.name}/{kind}")

    traders: list[Trader] = []
    for n in range(mix.makers):
        maker = msgspec.structs.replace(mix.maker, width=mix.maker.width + 0.35 * n)
        if n:
            maker = msgspec.structs.replace(maker, pull_at=mix.pull_at)
        traders.append(MarketMaker(*_paced(born(f"maker-{n}"), rate * mix.maker_share / mix.makers / 2), maker))
    for n in range(mix.providers):
        share = rate * mix.provider_share / mix.providers
        traders.append(Provider(*_paced(born(f"provider-{n}"), share), mix.provider))
    if mix.takers:
        users = tuple(address_of(f"{coin.name}/taker-{n}") for n in range(mix.takers))
        chance = born("takers")[1]
        traders.append(HawkesTakers(users, mix.hawkes, rate * mix.taker_share, most_intense, chance))
    for n in range(mix.splitters):
        user, chance = born(f"splitter-{n}")
        traders.append(Splitter(user, rate * mix.splitter_share / mix.splitters, most_intense, chance))
    share = rate * mix.informed_share / max(mix.informed, 1)
    traders += [InformedTaker(*_paced(born(f"informed-{n}"), share), mix.informed_trades) for n in range(mix.informed)]
    share = rate * mix.momentum_share / max(mix.momentum, 1)
    traders += [MomentumTaker(*_paced(born(f"momentum-{n}"), share)) for n in range(mix.momentum)]
    for n in range(mix.gamblers):
        user, chance = born(f"gambler-{n}")
        traders.append(Gambler(user, coin, chance, mix.crowd))
    return traders


def _paced(born: tuple[str, Random], rate_per_s: float) -> tuple[str, float, Random]:
    return born[0], rate_per_s, born[1]
