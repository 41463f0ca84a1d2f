"""The approval key's file: private from its first moment, never replaced, refused when others may read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.approval import ApprovalKey
from shared.approval_file import key_path, read_key
from shared.errors import ConfigError
from shared.private_files import make_secret


def test_made_once_and_private(tmp_path: Path) -> None:
    """0600 and 32 bytes; making it again changes nothing, and two files hold two keys."""
    path = key_path(tmp_path)
    path.parent.mkdir()
    make_secret(path)
    first = path.read_bytes()
    make_secret(path)
    make_secret(tmp_path / "other")
    assert path.read_bytes() == first
    assert len(first) == 32
    assert (tmp_path / "other").read_bytes() != first
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path).name == ApprovalKey(first).name


@pytest.mark.parametrize("fault", ["missing", "open", "short", "long"])
def test_what_is_not_right_is_refused(tmp_path: Path, fault: str) -> None:
    """No file, a file open to others, a secret of another length."""
    path = tmp_path / "k"
    if fault != "missing":
        path.touch(0o600)
        path.write_bytes(b"x" * {"open": 32, "short": 31, "long": 33}[fault])
        path.chmod(0o640 if fault == "open" else 0o600)
    with pytest.raises(ConfigError):
        read_key(path)
