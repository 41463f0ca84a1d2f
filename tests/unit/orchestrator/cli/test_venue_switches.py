"""Every switch of the exchange can be turned by its name, and nothing else can."""

from __future__ import annotations

import pytest
import typer

from orchestrator.cli.venue_switches import switched
from shared.venue.core.policy import VenuePolicy
from shared.venue.door.settings import DoorSettings


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("band_percent=80", 80),
        ("gtc_partial_ack=filled", "filled"),
        ("ioc_counts_as_market=true", True),
        ("oracle_distance_percent = 5", 5),
        ("schedule_cancel_volume_usd=none", None),
        ("oi_cap_cancels=none", "none"),
        ("activation_fee_usd=0", 0),
        ("liquidator=0x22", "0x22"),
    ],
)
def test_a_policy_is_turned_by_name(pair: str, value: object) -> None:
    """Numbers, words, yes and no, and none where there may be none."""
    key = pair.partition("=")[0].strip()
    assert getattr(switched(VenuePolicy(), [pair], "--policy"), key) == value


def test_the_last_word_counts_and_the_rest_stays() -> None:
    """What was chosen otherwise is kept; tables are JSON."""
    before = DoorSettings(fund_all_usd=None, max_users=3)
    after = switched(before, ["block_ms=10", "block_ms=70", 'stakes={"0xab": 7}', "greeting=hello"], "--door")
    assert (after.block_ms, after.max_users, after.stakes, after.greeting) == (70, 3, {"0xab": 7}, "hello")
    assert before.block_ms == 0


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        ("band_percent", "expected KEY=VALUE"),
        ("band=5", "no switch is called 'band'; there are band_percent, spot_band_percent"),
        ("band_percent=x", "band_percent: "),
        ("band_percent=-5", "Expected at least 0"),
        ("gtc_partial_ack=maybe", "gtc_partial_ack: "),
        ("band_percent=none", "band_percent: "),
    ],
)
def test_a_switch_that_is_none_is_a_usage_fault(pair: str, text: str) -> None:
    """The text says what was expected."""
    with pytest.raises(typer.BadParameter, match=text):
        switched(VenuePolicy(), [pair], "--policy")


@pytest.mark.parametrize("pair", ["network=Other", "stakes={", "stakes=5", "over_limit=shout"])
def test_a_door_that_is_none_is_a_usage_fault(pair: str) -> None:
    """What must be signed has its own option; tables must be tables."""
    with pytest.raises(typer.BadParameter):
        switched(DoorSettings(), [pair], "--door")
