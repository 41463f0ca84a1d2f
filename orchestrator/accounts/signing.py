"""The signer's policy as the settings and the venue's list have it: the same for a launch and for the stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from hats.security_architect.signer.bounds import Collar, Limits
from hats.security_architect.signer.oracle import DECIMALS
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.typed_data import Network
from orchestrator.settings import Settings
from shared.errors import ConfigError
from shared.units import USD, Rounding, scaled_from_float, str_from_scaled

SZ_HEADROOM: Final = 2
"""A coin without a size cap of its own gets the size that the notional cap buys at half its price at the launch."""


class Listed(NamedTuple):
    """A coin as the venue lists it; `oracle_px` in 10^-8 USDC, None if the venue has none yet."""

    coin: str
    asset: int
    sz_decimals: int
    oracle_px: int | None


def policy_for(settings: Settings, listed: Sequence[Listed]) -> Policy:
    """What the desk's signer may sign: the coins of `listed` and nothing else. ConfigError if a cap names another."""
    own = settings.hats.security_architect
    unknown = own.order_sz_max.keys() - {one.coin for one in listed}
    if unknown:
        raise ConfigError([f"hats.security_architect.order_sz_max: {coin} is not traded" for coin in sorted(unknown)])
    return Policy(
        network=Network(settings.venue.network),
        assets=tuple(AssetRule(one.asset, _sz_max(settings, one)) for one in listed),
        max_notional_usd=scaled_from_float(own.max_order_notional_usd, 6, Rounding.DOWN),
        limits=Limits(
            window_ms=own.window_ms,
            orders_max=own.window_orders_max,
            notional_usd_max=scaled_from_float(own.window_notional_usd_max, 6, Rounding.DOWN),
            collar=Collar(bps_max=own.collar_bps_max, age_ms_max=own.oracle_age_ms_max),
        ),
    )


def _sz_max(settings: Settings, one: Listed) -> str | None:
    own = settings.hats.security_architect
    cap = own.order_sz_max.get(one.coin)
    if cap is not None:
        return str_from_scaled(scaled_from_float(cap, one.sz_decimals, Rounding.DOWN), one.sz_decimals)
    if not one.oracle_px:
        return None
    notional_usd = scaled_from_float(own.max_order_notional_usd, 6, Rounding.UP)
    lots = SZ_HEADROOM * notional_usd * 10 ** (DECIMALS + one.sz_decimals) // (USD * one.oracle_px) + 1
    return str_from_scaled(lots, one.sz_decimals)
