"""The threat model names controls and proofs that exist, and leaves out no kind of threat."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.house.sources import ROOT

TEXT: Final = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS: Final = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in TEXT.splitlines()
    if re.match(r"\| [STRIDE] \|", line)
]
PATH: Final = re.compile(r"`([^`]+)`")


def test_every_kind_of_threat_is_thought_of() -> None:
    """Spoofing, tampering, repudiation, information disclosure, denial of service, elevation; on one page."""
    assert {row[0] for row in ROWS} == set("STRIDE")
    assert len(TEXT.splitlines()) < 60


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_control_and_proof_exist(row: tuple[str, ...]) -> None:
    """Each line has a control in a file of ours, and a test file in which something is tested."""
    assert len(row) == 4
    controls, proofs = PATH.findall(row[2]), PATH.findall(row[3])
    assert controls
    assert proofs
    for path in controls:
        assert (ROOT / path).is_file(), path
        assert not path.startswith("tests/")
    for path in proofs:
        assert path.startswith("tests/")
        assert "\ndef test_" in (ROOT / path).read_text(encoding="utf-8"), path
