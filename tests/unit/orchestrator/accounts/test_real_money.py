"""Real money is refused until everything that guards it was said and set."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from orchestrator.accounts.real_money import beyond, refusals
from orchestrator.settings import Settings
from shared.config_sources import load
from shared.units import USD, Usd
from tests.house.sources import ROOT

ACCOUNT: Final = "0x" + "5e" * 20
SAID: Final[dict[str, Any]] = {
    "real_money.account": ACCOUNT,
    "real_money.equity_max_usd": 1_000,
    "hats.exchange_architect.user_address": ACCOUNT,
    "hats.risk_oversight_officer.operator_public_key": "02" + "ab" * 32,
}


def _live(tmp_path: Path, **changed: Any) -> Settings:
    """The shipped configuration for real money with all that is asked for, and what is changed in it."""
    asked = SAID | {"run.home_dir": str(tmp_path)} | changed
    return load(Settings, ROOT / "configs" / "live.toml", asked, environ={}).settings


def test_what_is_said_and_set_is_enough(tmp_path: Path) -> None:
    """With every word given nothing is refused."""
    assert refusals(_live(tmp_path)) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"run.mode": "testnet"}, "run.mode"),
        ({"venue.network": "testnet"}, "venue.network"),
        ({"real_money.account": None}, "real_money.account"),
        ({"real_money.account": "0x" + "5f" * 20}, "real_money.account"),
        ({"real_money.equity_max_usd": 0}, "real_money.equity_max_usd"),
        ({"watchdog.enabled": False}, "watchdog.enabled"),
        ({"hats.execution_manager.protect_stop_bps": 0}, "hats.execution_manager.protect_stop_bps"),
        ({"hats.risk_oversight_officer.operator_public_key": ""}, "hats.risk_oversight_officer.operator_public_key"),
    ],
)
def test_each_word_that_lacks_is_named(changed: dict[str, Any], named: str, tmp_path: Path) -> None:
    """One thing missing is one refusal, which begins with its key."""
    (refusal,) = refusals(_live(tmp_path, **changed))
    assert refusal.startswith(f"{named}: ")


def test_the_shipped_file_is_refused(tmp_path: Path) -> None:
    """Nobody trades with real money by choosing a file alone."""
    settings = load(Settings, ROOT / "configs" / "live.toml", {"run.home_dir": str(tmp_path)}, environ={}).settings
    assert [refusal.partition(":")[0] for refusal in refusals(settings)] == [
        "real_money.account", "real_money.equity_max_usd", "hats.risk_oversight_officer.operator_public_key",
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["https://api.hyperliquid.xyz", "https://API.hyperliquid.xyz.:443"])
def test_play_money_has_no_business_at_the_real_venue(url: str, tmp_path: Path) -> None:
    """Orders signed for the test network would go there, and be refused one by one."""
    asked = {"run.home_dir": str(tmp_path), "venue.base_url": url}
    settings = load(Settings, ROOT / "configs" / "testnet.toml", asked, environ={}).settings
    (refusal,) = refusals(settings)
    assert refusal == "venue.network: venue.base_url is mainnet's, api.hyperliquid.xyz; expected mainnet, got testnet"


def test_play_money_needs_no_word(tmp_path: Path) -> None:
    """A paper desk is asked for nothing, whatever it is worth."""
    settings = load(Settings, ROOT / "configs" / "paper.toml", {"run.home_dir": str(tmp_path)}, environ={}).settings
    assert refusals(settings) == []
    assert beyond(settings, Usd(10_000_000 * USD)) == []


def test_the_account_may_be_worth_what_was_said(tmp_path: Path) -> None:
    """To the last unit: the most itself is taken, one more is not."""
    settings = _live(tmp_path)
    assert beyond(settings, Usd(1_000 * USD)) == []
    (refusal,) = beyond(settings, Usd(1_000 * USD + 1))
    assert refusal.startswith("real_money.equity_max_usd: ")
