"""A running desk changes its key in the ambiguity storm, in little: `python -m tests.security.rotate_in_storm`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.rotate_in_storm import rotate

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def test_rotation_in_the_storm(tmp_path: Path) -> None:
    """Nobody disputes who signed, no request waits a second, the former agent is never to be used again."""
    found = rotate(tmp_path / "home", storm_s=4.0)
    assert found.signed_before > 0
    assert found.strikes > 0
    assert found.is_good, found
