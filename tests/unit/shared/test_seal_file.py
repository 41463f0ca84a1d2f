"""The key of files at rest: made once, private, and refused where others could read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.private_files import make_secret
from shared.seal_file import fresh_nonce, read_seal_key
from shared.sealing import NONCE_BYTES


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    """A second making changes nothing, for what was sealed must stay readable."""
    path = tmp_path / "keys" / "at-rest.key"
    make_secret(path)
    first = read_seal_key(path)
    make_secret(path)
    assert read_seal_key(path).id == first.id
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Whoever could read it could read everything."""
    path = tmp_path / "at-rest.key"
    make_secret(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="0600"):
        read_seal_key(path)


def test_one_that_is_missing_or_short_is_refused(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(ConfigError, match="cannot read the key"):
        read_seal_key(tmp_path / "at-rest.key")
    short = tmp_path / "short.key"
    short.write_bytes(b"x")
    short.chmod(0o600)
    with pytest.raises(ConfigError, match="32 bytes"):
        read_seal_key(short)


def test_nonces_differ() -> None:
    """Each is fresh chance."""
    assert len({fresh_nonce() for _ in range(1_000)}) == 1_000
    assert len(fresh_nonce()) == NONCE_BYTES
