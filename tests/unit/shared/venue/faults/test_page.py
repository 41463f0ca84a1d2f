"""docs/venue.md tells of every fault with the keys that are its own."""

from __future__ import annotations

import msgspec
import pytest

from shared.venue.faults.catalogue import KINDS, Fault, FrameFault, RequestFault
from tests.house.sources import ROOT

PAGE = (ROOT / "docs" / "venue.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
GENERAL = {field.name for kind in (Fault, RequestFault, FrameFault) for field in msgspec.structs.fields(kind)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__struct_config__.tag))
def test_each_fault_has_its_row(kind: type[Fault]) -> None:
    """Its name stands in one row of the table, and its own keys in the same row."""
    (row,) = [line for line in ROWS if f"`{kind.__struct_config__.tag}`" in line.split("|")[1]]
    own = {field.name for field in msgspec.structs.fields(kind)} - GENERAL
    assert not {name for name in own if f"`{name}`" not in row}
