"""Sections are frozen, refuse what they do not know, and derive what follows from a key."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.config import Lanes, Run, Section, Venue, fingerprint
from shared.mailbox import DEFAULT_CAPACITY


def test_sections_are_frozen_and_closed() -> None:
    """A section can't be changed and takes no unknown key."""
    with pytest.raises(ValidationError):
        Run().seed = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Run.model_validate({"sede": 3})


@pytest.mark.parametrize(
    ("base_url", "ws_url"),
    [("http://127.0.0.1:3001", "ws://127.0.0.1:3001/ws"), ("https://api.example.org", "wss://api.example.org/ws")],
)
def test_the_socket_follows_from_the_address(base_url: str, ws_url: str) -> None:
    """The WebSocket is at /ws of the same host, encrypted if the other is."""
    assert Venue(base_url=base_url).ws_url == ws_url


@pytest.mark.parametrize("base_url", ["ftp://x", "http://x/", "127.0.0.1:3001", "http://"])
def test_odd_addresses_are_refused(base_url: str) -> None:
    """An address is a scheme and a host, without a path."""
    with pytest.raises(ValidationError):
        Venue(base_url=base_url)


@pytest.mark.parametrize("name", ["../up", "a/b", "", "UPPER", "x" * 65])
def test_a_runs_name_is_a_plain_folder(name: str) -> None:
    """A run's name can't lead out of the home folder."""
    with pytest.raises(ValidationError):
        Run(name=name)


def test_folders_need_the_loader() -> None:
    """Without a home folder there is no run folder to guess."""
    assert Run(home_dir=Path("/h"), name="r").dir == Path("/h/runs/r")
    with pytest.raises(AssertionError):
        _ = Run().home


def test_lanes_default_to_the_mailboxs_own() -> None:
    """The configured default is the mailbox's default."""
    assert Lanes().capacity == dict(DEFAULT_CAPACITY)


def test_equal_settings_have_equal_fingerprints() -> None:
    """The fingerprint changes exactly when a value does."""

    class Small(Section):
        """One key."""

        seed: int = 1

    assert fingerprint(Small()) == fingerprint(Small(seed=1)) != fingerprint(Small(seed=2))
