"""Faults that are done to the exchange itself: to a coin or to a user, as commands of the core."""

from __future__ import annotations

from shared.units import Ns
from shared.venue.core.commands import Command
from shared.venue.core.rulings import ChangeListing, Delist, Halt, Liquidate, OverridePremium
from shared.venue.door.door import Door
from shared.venue.faults.catalogue import (
    AnyFault,
    ChangeMeta,
    DelistCoin,
    ExpireAgents,
    ForceLiquidation,
    FundingSpike,
    HaltTrading,
    MarketFault,
    UserFault,
)

_PREMIUM_SCALE = 10**10


def begin(fault: AnyFault, door: Door, now: Ns) -> str:
    """Do it. What was done, for the record; of a coin or user that is not there the record says so."""
    match fault:
        case MarketFault():
            asset = door.answers.assets.get(fault.coin)
            if asset is None:
                return f"no coin {fault.coin}"
            if isinstance(fault, DelistCoin) and door.exchange.listings[asset].instrument.is_delisted:
                return f"{fault.coin} was delisted before"
            door.apply(_ruling(fault, asset), now)
            return fault.coin
        case ExpireAgents():
            return f"{door.expire_agents(fault.user)} agents of {fault.user}"
        case UserFault():
            method = fault.method if isinstance(fault, ForceLiquidation) else "adl"
            outcome = door.apply(Liquidate(fault.user, method), now)
            return outcome.error or fault.user
        case _:
            return "nothing"


def end(fault: AnyFault, door: Door, now: Ns) -> None:
    """Undo what has an end: a halt, a spike. A listing stays changed, and nobody is given positions back."""
    if not isinstance(fault, HaltTrading | FundingSpike):
        return
    asset = door.answers.assets.get(fault.coin)
    if asset is not None:
        door.apply(Halt(asset, False) if isinstance(fault, HaltTrading) else OverridePremium(asset, None), now)


def _ruling(fault: MarketFault, asset: int) -> Command:
    """The command that makes it so."""
    match fault:
        case HaltTrading():
            return Halt(asset, True)
        case DelistCoin():
            return Delist(asset)
        case ChangeMeta():
            return ChangeListing(asset, max_leverage=fault.max_leverage)
        case FundingSpike():
            return OverridePremium(asset, round(fault.premium * _PREMIUM_SCALE))
        case _:
            raise AssertionError(f"{type(fault).__name__} is done to no coin")
