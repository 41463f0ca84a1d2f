"""`hats backup`, `restore` and `runs`: what they say, write, refuse, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.exits import Exit
from orchestrator.cli.running import run
from tests.security.restore_drill import RUN, filled


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder with one run that has ended; variables and signals as they were."""
    for name in [name for name in os.environ if name.startswith("HATS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("HATS_HOME", str(folder))
    filled(folder, 100_000)
    before = signal.getsignal(signal.SIGTERM)
    yield folder
    signal.signal(signal.SIGTERM, before)


def hats(capsys: pytest.CaptureFixture[str], *args: str, code: int = Exit.OK) -> Any:
    """What the command writes as JSON, on stdout or, where that is empty, on stderr."""
    assert run(app, "hats", [*args, "--json"]) == code, capsys.readouterr()
    out, err = capsys.readouterr()
    return json.loads(out or err)


def test_back_up_list_check_and_restore(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There and back; a second backup writes little; the key has to be had from elsewhere."""
    to = str(tmp_path / "backups")
    assert hats(capsys, "backup", code=Exit.USAGE)["code"] == "usage"
    first = hats(capsys, "backup", "--to", to)
    assert first["new_bytes"] == first["bytes"] > 0
    second = hats(capsys, "backup", "--to", to)
    assert second["new_bytes"] == 0
    assert [each["name"] for each in hats(capsys, "restore", to, "--list")["backups"]] == [
        first["name"],
        second["name"],
    ]
    assert not hats(capsys, "restore", to, "--check")["written"]
    assert hats(capsys, "restore", to, code=Exit.REFUSED)["code"] == "refused"
    assert hats(capsys, "restore", to, "--name", "nothing", code=Exit.NOT_FOUND)["code"] == "not_running"
    key = tmp_path / "copy.key"
    (home / "keys" / "at-rest.key").rename(key)
    assert hats(capsys, "restore", to, "--replace", code=Exit.CONFIG)["code"] == "config"
    done = hats(capsys, "restore", to, "--replace", "--key-file", str(key))
    assert (done["name"], done["written"]) == (second["name"], True)
    assert (Path(done["moved_aside"]) / "runs" / RUN).is_dir()
    assert (home / "runs" / RUN / "journal.sqlite").is_file()


def test_runs_are_sealed_shown_and_removed(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run after another; what is sealed says how it is shown; nothing goes without settings that let it."""
    seal = hats(capsys, "runs", "seal", RUN)
    assert seal["files"] > 16
    assert not (home / "runs" / RUN).exists()
    assert hats(capsys, "runs", "ls")["runs"][0]["is_sealed"]
    assert "hats runs unseal" in hats(capsys, "positions", "--run", RUN, code=Exit.NOT_FOUND)["message"]
    assert hats(capsys, "runs", "unseal", RUN)["dir"] == str(home / "runs" / RUN)
    assert hats(capsys, "runs", "unseal", RUN, code=Exit.REFUSED)["code"] == "refused"
    assert hats(capsys, "runs", "seal", "nothing", code=Exit.NOT_FOUND)["code"] == "not_running"
    assert hats(capsys, "runs", "gc", "--apply") == {"applied": True, "removals": []}
    newer = home / "runs" / "newer"
    (home / "runs" / RUN).rename(newer)
    hats(capsys, "runs", "unseal", RUN)
    for path, ns in ((home / "runs" / RUN / "journal.sqlite", 10**9), (home / "sealed/kept" / f"{RUN}.sealed", 10**9)):
        os.utime(path, ns=(ns, ns))
    monkeypatch.setenv("HATS_RETENTION__CAPTURES_DAYS", "30")
    (would,) = hats(capsys, "runs", "gc")["removals"]
    assert (would["run"], would["kind"]) == (RUN, "captures")
    assert (home / "runs" / RUN / "capture").is_dir()
    assert hats(capsys, "runs", "gc", "--apply")["removals"] == [would]
    assert not list((home / "runs" / RUN / "capture").glob("*.hlog"))
    assert list((newer / "capture").glob("*.hlog"))
