"""Folders of runs."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_IMODE

import pytest

from orchestrator.machine.runfiles import RunFiles, new_run
from shared.errors import ConfigError

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


@pytest.mark.parametrize("trap", ["link", "file", "foreign"])
def test_a_folder_that_others_laid_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str) -> None:
    """Ray's folder lies in the system's temporary one under a name that can be guessed: a link there, a file, or
    somebody else's folder is not taken for ours."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    files = RunFiles(tmp_path / "runs" / "demo")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    short = files.ray.parent
    if trap == "link":
        short.symlink_to(theirs)
    elif trap == "file":
        short.touch()
    elif os.getuid() == 0:
        short.mkdir()
        os.chown(short, 65_534, 65_534)
    else:
        pytest.skip("only root can make a folder of somebody else's")
    with pytest.raises(ConfigError, match="folder of ours"), files.standing():
        pytest.fail("it was taken")
    assert list(theirs.iterdir()) == []
