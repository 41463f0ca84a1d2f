"""Ray is never without its token, and another machine's Ray is never joined in the clear."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.machine import certificates, raylink
from shared.errors import ConfigError


@pytest.fixture(autouse=True)
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A token file of the test's own; the environment is as before afterwards."""
    before = dict(os.environ)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    yield tmp_path / "token"
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


def test_the_token_is_made_private(token: Path) -> None:
    """Made at the first start, long, and 0600 whatever it was before."""
    raylink.prepare()
    assert len(token.read_text()) == 64
    token.chmod(0o644)  # as Ray's own command leaves it
    raylink.prepare()
    assert token.stat().st_mode & 0o777 == 0o600


def test_authentication_can_not_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start is refused, whoever asks for it."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(ConfigError, match="RAY_AUTH_MODE"):
        raylink.prepare()


def test_a_token_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every child could read it; the message does not repeat it."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", "canary-7c1f")
    with pytest.raises(ConfigError, match="RAY_AUTH_TOKEN_PATH") as refused:
        raylink.prepare()
    assert "canary" not in str(refused.value)


def test_a_short_token_is_refused(token: Path) -> None:
    """What can be guessed is no token."""
    token.write_text("hats")
    with pytest.raises(ConfigError, match="at least 32"):
        raylink.prepare()


def test_another_machine_needs_tls(tmp_path: Path) -> None:
    """198.51.100.7 is nobody's (RFC 5737); with certificates Ray is told to use them."""
    with pytest.raises(ConfigError, match=r"ray\.address"):
        raylink.prepare("198.51.100.7:6379")
    (files,) = certificates.make(tmp_path / "tls", ["198.51.100.7"])
    raylink.prepare("198.51.100.7:6379", files)
    assert os.environ["RAY_USE_TLS"] == "1"
    assert os.environ["RAY_TLS_SERVER_KEY"] == files.key


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Before Ray starts, not after."""
    (files,) = certificates.make(tmp_path / "tls", ["198.51.100.7"])
    Path(files.key).chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        raylink.prepare("198.51.100.7:6379", files)
