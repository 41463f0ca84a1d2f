"""A second desk is refused, however it is started; `python -m tests.chaos.second_instance` times it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.real_desk import BUSY
from tests.chaos.second_instance import STARTS, WITHIN_S, refusals

pytestmark = pytest.mark.slow


def test_every_start_is_refused(tmp_path: Path) -> None:
    """Exit code 9, who holds it, nothing left: for the home folder and for the account."""
    found = list(refusals(tmp_path))
    assert len(found) == 2 * len(STARTS)
    assert [each for each in found if not each.is_right] == []
    assert max(each.took_s for each in found) <= BUSY * WITHIN_S
