"""Configuration and keys from the command line."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hats.security_architect import keystore
from orchestrator.cli.app import app
from orchestrator.cli.running import run
from orchestrator.settings import Settings
from shared.config_sources import load
from tests.house.sources import ROOT


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own; variables and signals as they were."""
    for name in [name for name in os.environ if name.startswith("HATS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


def test_what_is_shown_can_be_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The TOML that `config show` prints is a configuration that means the same."""
    assert run(app, "hats", ["config", "show", "--set", "run.seed=41"]) == 0
    copy = tmp_path / "copy.toml"
    copy.write_text(capsys.readouterr().out)
    assert load(Settings, copy).settings == load(Settings, ROOT / "configs/demo.toml", {"run.seed": 41}).settings


def test_origins(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each key names the layer that set it: file, variable or command line."""
    monkeypatch.setenv("HATS_RUN__NAME", "mine")
    assert run(app, "hats", ["config", "show", "--json", "--set", "run.seed=41"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["run"]["seed"] == 41
    assert found["origins"]["run.seed"] == "command line"
    assert found["origins"]["run.name"] == "env HATS_RUN__NAME"
    assert found["origins"]["run.duration_s"].endswith("demo.toml")
    assert run(app, "hats", ["config", "show", "--origin"]) == 0
    assert 'run.name = "mine"  # env HATS_RUN__NAME' in capsys.readouterr().out


def test_a_sound_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """The check also proves the wiring, and says what is not at its default."""
    assert run(app, "hats", ["config", "check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert "run.duration_s" in found["changed"]
    assert "run.seed" not in found["changed"]


def test_every_fault_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Three faults of three layers are three problems, and the code is 3."""
    monkeypatch.setenv("HATS_RUN__NAAME", "x")
    args = ["config", "check", "--set", "run.seed=-1", "--set", "run.moode=1", "--json"]
    assert run(app, "hats", args) == 3
    problems = json.loads(capsys.readouterr().err)["problems"]
    assert len(problems) == 3
    assert any("did you mean" in problem for problem in problems)


def test_the_schema_is_the_shipped_one(capsys: pytest.CaptureFixture[str]) -> None:
    """`config schema` prints a JSON schema that knows every section."""
    assert run(app, "hats", ["config", "schema"]) == 0
    assert {"run", "venue", "hats"} <= set(json.loads(capsys.readouterr().out)["properties"])


def test_a_demo_is_local() -> None:
    """`hats demo` refuses a configuration that trades elsewhere, before anything starts."""
    assert run(app, "hats", ["demo", "--config", str(ROOT / "configs" / "testnet.toml")]) == 3


def test_a_key_is_made_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new key is encrypted with the file's password, private, and in the list."""
    password = tmp_path / "password"
    password.write_text("correct horse")
    password.chmod(0o600)
    assert run(app, "hats", ["keys", "new", "desk", "--password-file", str(password), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    path = Path(made["keystore"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keystore.load(path, "correct horse").info.address == made["address"]
    assert run(app, "hats", ["keys", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["keys"]
    assert (listed["name"], listed["address"], listed["network"]) == ("desk", made["address"], "testnet")
    assert run(app, "hats", ["keys", "new", "desk", "--password-file", str(password)]) == 3


def test_an_exposed_password_is_refused(tmp_path: Path) -> None:
    """A password file that others may read makes no key."""
    password = tmp_path / "password"
    password.write_text("x")
    password.chmod(0o644)
    assert run(app, "hats", ["keys", "new", "desk", "--password-file", str(password)]) == 3


def test_nothing_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a password file and without a terminal the command ends at once."""
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert run(app, "hats", ["keys", "new", "desk"]) == 3
