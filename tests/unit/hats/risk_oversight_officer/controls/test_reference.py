"""The page of controls is what the table says."""

from __future__ import annotations

from hats.risk_oversight_officer.controls import reference
from hats.risk_oversight_officer.controls.table import CONTROLS
from tests.house.sources import ROOT


def test_the_page_is_current() -> None:
    """docs/risk-controls.md is what `make configs` writes, with a line for each control."""
    text = reference.page()
    assert (ROOT / "docs" / "risk-controls.md").read_text(encoding="utf-8") == text
    assert all(f"| {control.name} |" in text for control in CONTROLS)
