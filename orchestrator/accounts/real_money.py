"""What must be said and set before a desk may lose real money: the operator names the account and the most it holds."""

from __future__ import annotations

from typing import Final

from orchestrator.settings import Settings
from shared.config import Mode
from shared.units import USD, Usd

MAINNET: Final = "api.hyperliquid.xyz"
"""The host of the real venue. Source: Hyperliquid documentation, "API"."""
NEVER_TRIED: Final = "this version never traded on the real venue"


def refusals(settings: Settings) -> list[str]:
    """Every reason why these settings may not trade with real money; empty for play money."""
    is_live, is_mainnet = settings.run.mode is Mode.LIVE, settings.venue.network == "mainnet"
    if not is_live and not is_mainnet:
        return _elsewhere(settings)
    told, hats = settings.real_money, settings.hats
    account = hats.exchange_architect.user_address
    problems = {
        f"run.mode: mainnet is real money, expected live, got {settings.run.mode}": not is_live,
        f"venue.network: live is real money, expected mainnet, got {settings.venue.network}": not is_mainnet,
        f"real_money.account: {NEVER_TRIED}; name the account whose money it may lose, as in "
        "hats.exchange_architect.user_address": told.account is None or told.account != account,
        "real_money.equity_max_usd: expected the most that the account may be worth when a desk begins on it": (
            not told.equity_max_usd
        ),
        "watchdog.enabled: expected true, or nobody acts when the desk dies": not settings.watchdog.enabled,
        "hats.execution_manager.protect_stop_bps: expected a distance, or positions have no stop at the venue": (
            not hats.execution_manager.protect_stop_bps
        ),
        "hats.risk_oversight_officer.operator_public_key: expected a key (`hats keys operator`), or whoever may command"
        " lets a killed desk trade again": not hats.risk_oversight_officer.operator_public_key,
    }  # fmt: skip
    return [problem for problem, is_so in problems.items() if is_so]


def _elsewhere(settings: Settings) -> list[str]:
    """A desk of play money has nothing to do at the real venue; `hats capture`, which signs nothing, asks nobody."""
    host = settings.venue.base_url.partition("//")[2].partition(":")[0]
    if host.lower().rstrip(".") != MAINNET:
        return []
    network = settings.venue.network
    return [f"venue.network: venue.base_url is mainnet's, {MAINNET}; expected mainnet, got {network}"]


def beyond(settings: Settings, equity: Usd) -> list[str]:
    """The reason why a desk may not begin on an account of so much real money, if there is one."""
    most = settings.real_money.equity_max_usd
    if settings.run.mode is not Mode.LIVE or equity <= most * USD:
        return []
    return [f"real_money.equity_max_usd: the account is worth {equity / USD:,.2f} USDC, expected at most {most:,}"]
