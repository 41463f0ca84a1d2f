"""Certificates of one's own authority: who they name, how long they last, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.running import run
from orchestrator.machine import certificates
from shared.errors import ConfigError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_keys_are_private_and_the_authority_stays(tmp_path: Path) -> None:
    """Each host has a certificate and a key that only its owner can read, all of one authority."""
    first, second = certificates.make(tmp_path, ["10.0.0.5", "desk.example"])
    (third,) = certificates.make(tmp_path, ["fe80::1"])
    assert {first.ca, second.ca, third.ca} == {str(tmp_path / "ca.pem")}
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert set(modes) == {
        "ca.pem", "ca.key", "10.0.0.5.pem", "10.0.0.5.key", "desk.example.pem", "desk.example.key", "fe80__1.pem",
        "fe80__1.key",
    }  # fmt: skip


@pytest.mark.parametrize("host", ["", "../up", "a b", "ca", "-x", "x" * 300, "a/b", "a\nb"])
def test_what_is_no_host_is_refused(tmp_path: Path, host: str) -> None:
    """No file is written for what could not be a host's name, or would be another file's."""
    with pytest.raises(ConfigError, match="host"):
        certificates.make(tmp_path / "tls", [host])
    assert not (tmp_path / "tls").exists()


def test_without_the_authoritys_key_nothing_is_made(tmp_path: Path) -> None:
    """A certificate of another authority would be refused by every host; so none is made."""
    certificates.make(tmp_path, ["a"])
    (tmp_path / "ca.key").unlink()
    with pytest.raises(ConfigError, match="authority's key"):
        certificates.make(tmp_path, ["b"])


def test_problems_are_told(tmp_path: Path) -> None:
    """A certificate that ends soon or has ended, and a key that others can read; else nothing."""
    certificates.make(tmp_path, ["a"], days=100, now=NOW)
    assert certificates.problems(tmp_path, NOW) == []
    soon, late = NOW + dt.timedelta(days=80), NOW + dt.timedelta(days=102)
    assert [problem.partition(" ")[2] for problem in certificates.problems(tmp_path, soon)] == ["ends in 20 days"]
    assert [problem.partition(" ")[2] for problem in certificates.problems(tmp_path, late)] == ["ended 2 days ago"]
    (tmp_path / "a.key").chmod(0o640)
    assert any("0600" in problem for problem in certificates.problems(tmp_path, NOW))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`hats certs make` names the files, `check` says how long they last and ends with 6 when that is not long."""
    folder = str(tmp_path / "tls")
    assert run(app, "hats", ["certs", "make", "10.0.0.5", "--dir", folder, "--days", "20", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert Path(made["hosts"][0]["files"]["key"]).is_file()
    assert run(app, "hats", ["certs", "check", "--dir", folder, "--json"]) == 6
    assert json.loads(capsys.readouterr().out)["days_left"]["10.0.0.5"] in {19, 20}
