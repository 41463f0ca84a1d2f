"""EDGE: the exchange's own word on an account, read with the official SDK and compared with our journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hats.security_architect.signer.oracle import DECIMALS
from orchestrator.accounts.signing import Listed
from shared.errors import ConfigError
from shared.units import USD_DECIMALS, Usd, scaled_from_str


def listed_at(base_url: str, coins: Sequence[str]) -> list[Listed]:
    """These coins as that exchange lists them; ConfigError names those it does not list."""
    from hyperliquid.info import Info  # noqa: PLC0415 - slow to import, needed once

    meta, contexts = Info(base_url, skip_ws=True, timeout=10).meta_and_asset_ctxs()
    listed = {
        asset["name"]: Listed(asset["name"], number, int(asset["szDecimals"]), _scaled(contexts[number]["oraclePx"]))
        for number, asset in enumerate(meta["universe"])
    }
    unknown = [f"venue.coins: {base_url} does not list {coin}" for coin in coins if coin not in listed]
    if unknown:
        raise ConfigError(unknown)
    return [listed[coin] for coin in coins]


def _scaled(px: str | None) -> int | None:
    return None if px is None else scaled_from_str(px, DECIMALS)


def positions_at(base_url: str, address: str) -> dict[str, int]:
    """Signed lots of each coin that the account holds, as the exchange reports them to an unmodified client."""
    from hyperliquid.info import Info  # noqa: PLC0415 - slow to import, needed once

    info = Info(base_url, skip_ws=True, timeout=10)
    decimals = {asset["name"]: int(asset["szDecimals"]) for asset in info.meta()["universe"]}
    positions = (entry["position"] for entry in info.user_state(address)["assetPositions"])
    held = {p["coin"]: scaled_from_str(p["szi"], decimals[p["coin"]]) for p in positions}
    return {coin: sz for coin, sz in sorted(held.items()) if sz}


def equity_at(base_url: str, address: str) -> Usd:
    """What the account's perps are worth, as the exchange reports it to an unmodified client."""
    from hyperliquid.info import Info  # noqa: PLC0415 - slow to import, needed once

    state = Info(base_url, skip_ws=True, timeout=10).user_state(address)
    return Usd(scaled_from_str(state["marginSummary"]["accountValue"], USD_DECIMALS))


def differences(ours: Mapping[str, int], theirs: Mapping[str, int]) -> list[str]:
    """Each coin on which the two disagree, in words; empty if they agree to the last lot."""
    coins = sorted({*ours, *theirs})
    return [
        f"{coin}: we hold {ours.get(coin, 0)} lots, the exchange says {theirs.get(coin, 0)}"
        for coin in coins
        if ours.get(coin, 0) != theirs.get(coin, 0)
    ]
