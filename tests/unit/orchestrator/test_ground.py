"""What a run may not stand on is refused before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.ground import ground
from orchestrator.machine.runfiles import RunFiles
from orchestrator.settings import Settings
from shared.config_sources import load
from shared.errors import ConfigError


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"run.mode": "live"}, "real_money.account"),
        ({"run.mode": "testnet", "venue.network": "mainnet"}, "run.mode"),
        ({"run.mode": "testnet"}, "hats.security_architect.keystore"),
    ],
)
def test_real_money_and_missing_keys_are_refused(overrides: dict[str, object], named: str, tmp_path: Path) -> None:
    """Live mode, mainnet, and a testnet run without a key end at once, each naming the setting."""
    asked = {**overrides, "run.home_dir": str(tmp_path), "hats.exchange_architect.fast_books": True}
    settings = load(Settings, None, asked, environ={}).settings
    steps: list[str] = []
    with (
        pytest.raises(ConfigError, match=named),
        ground(settings, RunFiles(tmp_path / "run"), steps.append, own_ray=True, replay=None),
    ):
        pass
    assert steps == []
