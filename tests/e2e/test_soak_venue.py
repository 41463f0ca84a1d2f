"""Minutes of a venue's life with every flow, fifty accounts and faults; `python -m tests.bench.soak_venue` has days."""

from __future__ import annotations

from typing import Any

import pytest

from shared.venue.faults.catalogue import KINDS
from tests.bench.memory import Memory
from tests.bench.soak_venue import Soak

MINUTES = 6
MACHINE_ONLY = ("wall_s", "times_real", "commands_per_s")


def _life(seed: int, minutes: float) -> dict[str, Any]:
    """What a soak reports, less what depends on the machine."""
    report = Soak(minutes / 60, seed, 50, has_faults=True).run()
    memory = Memory()
    memory.note(0.0, 0.0)
    return {name: value for name, value in report.items() if name not in (*MACHINE_ONLY, *memory.figures(minutes / 60))}


@pytest.mark.slow
def test_minutes_under_faults_break_no_law_and_reproduce() -> None:
    """Laws hold each minute, every fault strikes and bites, and a second run with the same seed ends the same."""
    first = _life(1, MINUTES)
    assert first["checks"] == MINUTES
    assert set(first["faults"]) == {kind.__struct_config__.tag for kind in KINDS} - {"delay_answer", "expire_agents"}
    assert min(first[name] for name in ("wire_cuts", "wire_ok", "wire_posts", "wire_unanswered", "twaps")) > 1
    assert all(first[f"liquidated_{method}"] for method in ("market", "backstop", "adl"))
    assert min(first["trades"], first["wire_frames"]) > 1_000
    assert _life(1, MINUTES) == first


def test_another_seed_is_another_life() -> None:
    """The digest depends on the seed."""
    assert _life(2, 0.2)["digest"] != _life(3, 0.2)["digest"]
