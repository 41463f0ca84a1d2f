"""The ambiguity storm, short: the campaign is `python -m tests.bench.storm_orders`."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.ids import Role
from shared.messages import Message
from shared.messages.order import PostAction, SignRequest
from shared.units import SECOND
from tests.chaos.storm import AT_THE_LIMITS, storm

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


@pytest.mark.parametrize("victim", [Role.EXECUTION_MANAGER, Role.SECURITY_ARCHITECT, Role.EXCHANGE_ARCHITECT])
def test_the_storm_while_a_hat_dies(victim: Role, tmp_path: Path) -> None:
    """Whoever is on an order's way dies four times in the storm: still nothing doubled and nothing different."""
    result = storm(tmp_path, 3, 40, kills=4, victim=victim)
    assert result.doubled == 0
    assert result.differences == ()
    assert result.is_weathered


def test_no_proof_waits_for_weight(tmp_path: Path) -> None:
    """A manager that dies at the limit of weight finds nothing held for what it asks about, and asks all the same."""
    result = storm(tmp_path, 3, 400, kills=6, pace=AT_THE_LIMITS)
    assert result.differences == ()
    assert result.is_weathered, f"UNKNOWN {result.unknown_after_expiry_s:.1f} s beyond expiry"


@pytest.mark.parametrize(
    ("victim", "acted"), [(Role.EXCHANGE_ARCHITECT, PostAction), (Role.SECURITY_ARCHITECT, SignRequest)]
)
def test_the_storm_while_a_hat_dies_between_acting_and_saying_so(
    victim: Role, acted: type[Message], tmp_path: Path
) -> None:
    """Its batch goes to its successor, which comes too late for it: no order that left is believed never to have."""
    result = storm(tmp_path, 3, 40, kills=4, victim=victim, acted=acted, back_after_ns=3 * SECOND)
    assert result.doubled == 0
    assert result.differences == ()
