"""Folders of runs."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

from orchestrator.runfiles import new_run

AT_S = 1_800_000_000


def test_runs_of_one_second_share_no_folder(tmp_path: Path) -> None:
    """Two journals in one folder would be one, and neither would reproduce."""
    made = [new_run(tmp_path, "demo", AT_S).dir for _ in range(3)]
    assert [folder.name for folder in made] == [f"demo-20270115T080000Z{end}" for end in ("", "-2", "-3")]
    assert sorted(made) == made, "the newest comes last by name too"


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    """The folder holds keys."""
    made = new_run(tmp_path / "home", "demo", AT_S)
    assert all(S_IMODE(folder.stat().st_mode) == 0o700 for folder in (made.dir, made.dir.parent, tmp_path / "home"))
