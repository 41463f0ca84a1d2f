"""The signer's policy as command-line options, and back: whoever starts a signer and the signer itself agree here."""

from __future__ import annotations

import argparse

from hats.security_architect.signer.bounds import Collar, Limits
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.typed_data import Network
from shared.errors import ConfigError, UnitError
from shared.units import USD_DECIMALS, str_from_scaled, usd_from_str


def add_options(parser: argparse.ArgumentParser) -> None:
    """The policy's options."""
    limits = Limits()
    parser.add_argument("--network", choices=[*Network], required=True)
    parser.add_argument("--assets", required=True, help="allowed assets, each with an optional largest size: 0:1.5,1")
    parser.add_argument("--max-notional-usd", required=True, help="largest order that may add exposure")
    parser.add_argument("--window-ms", type=int, default=limits.window_ms, help="length of the rolling window")
    parser.add_argument(
        "--window-orders", type=int, default=limits.orders_max, help="most orders within it that may add exposure"
    )
    parser.add_argument(
        "--window-notional-usd",
        default=str_from_scaled(limits.notional_usd_max, USD_DECIMALS),
        help="most that they may be worth together",
    )
    parser.add_argument(
        "--collar-bps", type=int, help="how much worse than the oracle's a price may be; needs --oracle-socket"
    )
    parser.add_argument("--oracle-age-ms", type=int, default=20_000, help="how old the oracle's price may be")


def options_of(policy: Policy) -> list[str]:
    """The options that spell the policy."""
    limits = policy.limits
    assets = ",".join(f"{rule.asset}:{rule.sz_max}" if rule.sz_max else str(rule.asset) for rule in policy.assets)
    spelled = [
        "--network", policy.network.value, "--assets", assets,
        "--max-notional-usd", str_from_scaled(policy.max_notional_usd, USD_DECIMALS),
        "--window-ms", str(limits.window_ms), "--window-orders", str(limits.orders_max),
        "--window-notional-usd", str_from_scaled(limits.notional_usd_max, USD_DECIMALS),
    ]  # fmt: skip
    if limits.collar is None:
        return spelled
    return [*spelled, "--collar-bps", str(limits.collar.bps_max), "--oracle-age-ms", str(limits.collar.age_ms_max)]


def policy_of(options: argparse.Namespace) -> Policy:
    """The policy that the options spell; ConfigError if one of them is no amount or no list of assets."""
    collar = None
    if options.collar_bps is not None:
        collar = Collar(bps_max=options.collar_bps, age_ms_max=options.oracle_age_ms)
    return Policy(
        network=Network(options.network),
        assets=_assets(options.assets),
        max_notional_usd=_usd("--max-notional-usd", options.max_notional_usd),
        limits=Limits(
            window_ms=options.window_ms,
            orders_max=options.window_orders,
            notional_usd_max=_usd("--window-notional-usd", options.window_notional_usd),
            collar=collar,
        ),
    )


def _assets(text: str) -> tuple[AssetRule, ...]:
    """The rules that e.g. "0:1.5,1" spells: asset 0 up to 1.5 coins an order, asset 1 by notional only."""
    try:
        pairs = [entry.partition(":") for entry in text.split(",")]
        return tuple(AssetRule(int(asset), sz_max if colon else None) for asset, colon, sz_max in pairs)
    except ValueError as error:
        raise ConfigError([f"expected assets like 0:1.5,1 and not {text!r}"]) from error


def _usd(name: str, text: str) -> int:
    try:
        return usd_from_str(text)
    except UnitError as error:
        raise ConfigError([f"{name}: {error}"]) from error
