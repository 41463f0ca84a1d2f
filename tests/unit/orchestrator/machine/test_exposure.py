"""Nothing starts exposed: each way to open a door to others without credentials is a fault of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.running import run
from orchestrator.machine import certificates
from orchestrator.settings import Settings
from shared.config_sources import load
from shared.errors import ConfigError

EXPOSED: list[tuple[dict[str, object], str]] = [
    ({"metrics.host": "0.0.0.0"}, "metrics.host"),
    ({"metrics.host": "::"}, "metrics.host"),
    ({"local_venue.host": "10.0.0.5"}, "local_venue.host"),
    ({"bus.kind": "tcp", "bus.host": "10.0.0.5"}, "bus.host"),
    ({"bus.kind": "tcp", "bus.host": "0.0.0.0"}, "bus.host"),
    ({"venue.base_url": "http://api.hyperliquid-testnet.xyz"}, "venue.base_url"),
    ({"venue.base_url": "https://me:" + "hunter2@api.hyperliquid-testnet.xyz"}, "venue.base_url"),
    ({"tls.cert_file": "a.pem"}, "tls"),
]


@pytest.mark.parametrize(("overrides", "key"), EXPOSED)
def test_an_exposed_desk_is_refused(overrides: dict[str, Any], key: str) -> None:
    """A typed error that names the key, before anything listens."""
    with pytest.raises(ConfigError, match=key) as refused:
        load(Settings, None, overrides, environ={"HATS_HOME": "/nonexistent"})
    assert "hunter2" not in str(refused.value)


def test_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """`hats config check` ends with 3 and prints no traceback."""
    assert run(app, "hats", ["config", "check", "--set", "metrics.host=0.0.0.0"]) == 3
    said = capsys.readouterr().err
    assert "loopback" in said
    assert "Traceback" not in said


def test_certificates_open_the_bus(tmp_path: Path) -> None:
    """With all three files the bus may listen beyond loopback; the metrics never may."""
    (files,) = certificates.make(tmp_path, ["10.0.0.5"])
    tls = {"tls.ca_file": files.ca, "tls.cert_file": files.cert, "tls.key_file": files.key}
    bus = {"bus.kind": "tcp", "bus.host": "10.0.0.5"}
    environ = {"HATS_HOME": str(tmp_path)}
    assert load(Settings, None, tls | bus, environ=environ).settings.tls.files == files
    with pytest.raises(ConfigError, match=r"metrics\.host"):
        load(Settings, None, tls | {"metrics.host": "10.0.0.5"}, environ=environ)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "desk.example"])
def test_the_local_exchange_is_not_exposed_by_accident(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`hats venue` beyond loopback needs a word of its own; without it nothing listens."""
    assert run(app, "hats", ["venue", "--host", host, "--port", "0"]) == 3
    assert "--exposed" in capsys.readouterr().err
