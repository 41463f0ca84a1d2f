"""What every provider of keys promises, tried on the one that we ship."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from hats.security_architect.providers import KeyProvider, LocalKeystores
from shared.errors import ConfigError
from shared.units import Ns

SECRET: Final = b"\x07" * 32


@pytest.fixture
def provider(tmp_path: Path) -> KeyProvider:
    """The local one, with a quick scrypt."""
    return LocalKeystores(tmp_path / "keys", lambda: "word", is_weak_allowed=True)


def test_put_and_open(provider: KeyProvider) -> None:
    """What was put comes out, by its name, and its note tells what it is for."""
    info = provider.put("a", SECRET, "testnet", Ns(5))
    unlocked = provider.open("a")
    assert (unlocked.secret, unlocked.info) == (SECRET, info)
    assert provider.notes() == (info,)
    assert SECRET.hex() not in repr(unlocked)


def test_nothing_is_overwritten(provider: KeyProvider) -> None:
    """A name that is taken, and an address that is here already, are refused."""
    provider.put("a", SECRET, "testnet", Ns(5))
    with pytest.raises(ConfigError, match="never overwritten"):
        provider.put("a", b"\x08" * 32, "testnet", Ns(5))
    with pytest.raises(ConfigError, match="is here already, as a"):
        provider.put("b", SECRET, "testnet", Ns(5))


def test_retired_for_good(provider: KeyProvider) -> None:
    """A retired key can be neither opened nor put again, under any name."""
    info = provider.put("a", SECRET, "testnet", Ns(5))
    entry = provider.retire("a", Ns(9), "test")
    assert (entry.address, entry.ns) == (info.address, 9)
    assert provider.notes() == ()
    with pytest.raises(ConfigError):
        provider.open("a")
    with pytest.raises(ConfigError, match="never to be used again"):
        provider.put("b", SECRET, "testnet", Ns(10))


def test_what_is_not_there(provider: KeyProvider) -> None:
    """An unknown name is said so."""
    for deed in (lambda: provider.open("x"), lambda: provider.retire("x", Ns(0), "")):
        with pytest.raises(ConfigError, match="cannot read"):
            deed()


def test_a_copied_keystore_of_a_retired_key(tmp_path: Path) -> None:
    """Files that come back from a backup do not bring the key back: the list holds."""
    provider = LocalKeystores(tmp_path / "keys", lambda: "word", is_weak_allowed=True)
    provider.put("a", SECRET, "testnet", Ns(5))
    kept = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    provider.retire("a", Ns(9), "test")
    for name, data in kept.items():
        (tmp_path / "keys" / name).touch(0o600)
        (tmp_path / "keys" / name).write_bytes(data)
    with pytest.raises(ConfigError, match="never to be used again"):
        provider.open("a")
