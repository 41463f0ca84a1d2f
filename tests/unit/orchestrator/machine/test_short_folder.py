"""What a run keeps in the system's temporary folder goes with it; what a killed one left goes later, never before."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from orchestrator.machine.runfiles import RunFiles
from orchestrator.machine.short_folder import held, path_of, remove_left, sweep

USES = "import sys, time; print(flush=True); time.sleep(60)"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own, short enough for a socket's path."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.gettempdir", lambda: folder)
        yield Path(folder)


@pytest.fixture
def left(here: Path) -> Path:
    """What a run that was killed left an hour ago."""
    folder = path_of(here / "runs" / "demo-1")
    (folder / "ray" / "session").mkdir(parents=True)
    (folder / "launcher.lock").touch()
    _age(folder)
    return folder


def _age(folder: Path, seconds: float = 3_600.0) -> None:
    then = folder.stat().st_mtime - seconds
    os.utime(folder, (then, then))


def test_an_ordered_end_leaves_nothing(here: Path) -> None:
    """Neither of the sockets nor of Ray; and a run whose launcher lives is never swept, however long it was quiet."""
    files = RunFiles(here / "home" / "runs" / "demo-1")
    files.create()
    assert list(here.glob("hats-*")) == []
    with files.standing():
        assert files.sockets.is_dir()
        assert files.ray.is_dir()
        _age(files.short)
        assert sweep() == []
        assert not remove_left(files.short)
        assert files.short.is_dir()
    assert list(here.glob("hats-*")) == []


def test_what_a_killed_run_left_is_swept(left: Path) -> None:
    """All of it, once nobody uses it."""
    assert sweep() == [left]
    assert not left.exists()
    assert not remove_left(left)


@contextmanager
def _process(*arguments: str, cwd: Path | None = None, stdout: Path | None = None) -> Iterator[None]:
    """One that lives while inside."""
    with subprocess.Popen([sys.executable, "-c", USES, *arguments], cwd=cwd, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        one.stdout.readline()
        yield
        one.kill()


@contextmanager
def _bound(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        yield


@contextmanager
def _open(path: Path) -> Iterator[None]:
    with path.open("wb") as held_open, subprocess.Popen(
        [sys.executable, "-c", USES], stdout=subprocess.PIPE, pass_fds=[held_open.fileno()]
    ) as one:  # fmt: skip
        assert one.stdout is not None
        one.stdout.readline()
        held_open.close()
        yield
        one.kill()


@pytest.mark.parametrize(
    "using",
    [
        lambda folder: _process(f"--temp-dir={folder}"),
        lambda folder: _process("--socket", f"{folder}/signer.sock"),
        lambda folder: _process(cwd=folder / "ray"),
        lambda folder: _bound(folder / "bus.sock"),
        lambda folder: _open(folder / "ray" / "gcs.log"),
        held,
    ],
    ids=["named", "named within", "stood in", "bound", "open", "locked"],
)
def test_what_a_live_process_uses_stays(left: Path, using: Callable[[Path], AbstractContextManager[None]]) -> None:
    """Its launcher may be dead, but a Ray or a signer lives on: it is theirs until they end."""
    with using(left):
        _age(left)
        assert sweep() == []
        assert not remove_left(left)
        assert (left / "ray").is_dir()
    _age(left) if left.exists() else None
    assert sweep() == ([left] if using is not held else [])
    assert not left.exists()


def test_what_is_young_or_not_ours_to_judge_stays(left: Path, here: Path) -> None:
    """A folder that begins has no lock yet; a link, a file and other names are nobody's run."""
    young, named, link = left.with_name(left.name[:-4] + "aaaa"), here / f"hats-{os.getuid()}-accounts", here / "target"
    for folder in (young, named, link):
        folder.mkdir()
    _age(named)
    pointing, plain = left.with_name(left.name[:-4] + "bbbb"), left.with_name(left.name[:-4] + "cccc")
    pointing.symlink_to(link)
    plain.touch()
    for path in (pointing, plain):
        os.utime(path, (0, 0), follow_symlinks=False)
    assert sweep() == [left]
    assert all(path.exists() for path in (young, named, pointing, plain, link))
