"""EDGE: a run's folder outside its own: short, for sockets; gone with the run, and what a killed one left is swept.

Whoever launched the run holds a lock in it, which ends with that process however it ends. What it started may live on,
so a folder counts as left only if no process names it, stands in it, has a file of it open or a socket bound there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from loguru import logger

from orchestrator.machine import processes
from shared.private_files import make_private_folders

LOCK: Final = "launcher.lock"
QUIET_S: Final = 60.0
"""A folder that was touched since may be one that begins, and has no lock yet."""
_NAME: Final = r"hats-{uid}-[0-9a-f]{{12}}"


def path_of(run_dir: Path) -> Path:
    """Where a run's lies: in the system's temporary folder, by the hash of the run's own."""
    name = hashlib.sha256(str(run_dir).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"hats-{os.getuid()}-{name}"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is there, private to us and ours while inside, and gone afterwards; ConfigError if others laid it."""
    make_private_folders(folder)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def sweep(quiet_s: float = QUIET_S) -> list[Path]:
    """Remove what runs that ended without order left, unless a process uses it still; the folders removed."""
    pattern = re.compile(_NAME.format(uid=os.getuid()))
    found = (path for path in Path(tempfile.gettempdir()).iterdir() if pattern.fullmatch(path.name))
    return [path for path in found if _age_s(path) >= quiet_s and remove_left(path)]


def remove_left(folder: Path) -> bool:
    """Remove it unless it is in use; True if it was there and is gone."""
    if not _is_our_folder(folder) or not _is_unlocked(folder) or _is_used(folder):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        logger.warning("{folder} can't be removed whole", folder=folder)
    return not folder.exists()


def _age_s(folder: Path) -> float:
    try:
        return time.time() - folder.lstat().st_mtime
    except FileNotFoundError:  # its run removed it meanwhile
        return -1.0


def _is_our_folder(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _is_unlocked(folder: Path) -> bool:
    """Does no launcher hold it? One that was never locked is held by none."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return not (folder / LOCK).exists()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_used(folder: Path) -> bool:
    """Does any process that we may look at use something of it?"""
    inside, bound = f"{folder}/", f" {folder}/"
    if any(bound in line for line in Path("/proc/net/unix").read_text(errors="replace").splitlines()):
        return True
    for pid in processes.every():
        if pid == os.getpid():
            continue
        with contextlib.suppress(OSError):  # ended meanwhile, or somebody else's, who can't look into the folder either
            if any(inside in word or word.endswith(str(folder)) for word in processes.command_of(pid)):
                return True
            links = [Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").iterdir()]
            if any(f"{_target(link)}/".startswith(inside) for link in links):
                return True
    return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""
