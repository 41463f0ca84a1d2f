"""Files that only their owner may read."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_IMODE

from shared.private_files import write_private


def test_what_a_dead_writer_left_open_is_closed(tmp_path: Path) -> None:
    """A half-written file that others could read does not make the whole one so."""
    left = tmp_path / f"key.{os.getpid()}.part"
    left.touch(0o644)
    left.chmod(0o644)
    write_private(tmp_path / "key", b"secret")
    assert S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
