"""docs/venue.md and the switches are the same list: no switch without its row, no row without its switch."""

from __future__ import annotations

import re

import msgspec

from shared.venue.core.policy import VenuePolicy
from shared.venue.door.settings import DoorSettings
from shared.venue.flow.recorded import RecordedSettings
from tests.house.sources import ROOT

PAGE = (ROOT / "docs" / "venue.md").read_text(encoding="utf-8")


def rows(struct: str) -> set[str]:
    """Names in the first column of the table that tells of the struct."""
    _, _, after = PAGE.partition(f"{struct}`")
    names: set[str] = set()
    for line in after.splitlines():
        if line.startswith("| `"):
            names |= set(re.findall(r"`(\w+)`", line.split("|")[1]))
        elif names and not line.startswith("|"):
            break
    return names


def fields(struct: type[msgspec.Struct]) -> set[str]:
    """Field names."""
    return {field.name for field in msgspec.structs.fields(struct)}


def test_every_policy_has_its_row() -> None:
    """A choice that nobody outside can settle is documented with its reason."""
    assert rows("VenuePolicy") == fields(VenuePolicy)


def test_rows_of_the_doors_and_the_replay_are_settings() -> None:
    """What the page offers can be chosen."""
    assert rows("DoorSettings") <= fields(DoorSettings)
    assert rows("RecordedSettings") <= fields(RecordedSettings)
    assert len(rows("DoorSettings")) > 10
