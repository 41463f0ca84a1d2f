"""The ambiguity storm, short: the campaign is `python -m tests.bench.storm_orders`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", [1, 2])
def test_two_answers_in_three_are_lost_and_nothing_else_is(seed: int, tmp_path: Path) -> None:
    """0 duplicates at the exchange, 0 orders UNKNOWN 5 s after expiry, books equal; and the storm was one."""
    result = storm(tmp_path, seed, 100)
    assert result.doubled == 0
    assert result.differences == ()
    assert result.is_weathered
    assert result.doubted >= 10
    assert result.resent > 0
    assert result.fenced > 0
    assert set(result.strikes) == {"bad_gateway", "drop_request", "garbage", "lose_answer"}
