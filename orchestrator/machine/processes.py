"""EDGE: this machine's processes as the kernel tells of them, and the end of those that are ours.

Whatever ended meanwhile, or is somebody else's and hides, is not there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from shared.errors import Unanswered

KILLED_TIMEOUT_S: Final = 20.0
_STATE, _PARENT, _SESSION = 0, 1, 3
"""Places in /proc/PID/stat behind the name, which may hold anything."""


def every() -> list[int]:
    """The ids of all of them."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def is_running(pid: int, word: str = "") -> bool:
    """Does a process of this id run, with `word` in its command line, and not just wait to be reaped?"""
    fields = _stat(pid)
    return bool(fields) and fields[_STATE] != "Z" and word in "\0".join(command_of(pid))


def command_of(pid: int) -> list[str]:
    """Its command line, word by word; one empty word if it is gone."""
    return told(pid, "cmdline").decode(errors="replace").split("\0")


def told(pid: int, name: str) -> bytes:
    """What the kernel tells of it under that name; nothing if it is gone, or hides from its own user."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def below(roots: Iterable[int]) -> set[int]:
    """These, as far as they are there, and everyone whom they began, and those, and so on."""
    parents = {pid: int(fields[_PARENT]) for pid in every() if (fields := _stat(pid))}
    found, more = set(roots), True
    while more:
        new = {pid for pid, parent in parents.items() if parent in found} - found
        found, more = found | new, bool(new)
    return found & set(parents)


def in_session(leader: int) -> list[int]:
    """The processes of a session; its number is nobody else's while one of them lives."""
    return [pid for pid in every() if (fields := _stat(pid)) and int(fields[_SESSION]) == leader]


def stop(pid: int, timeout_s: float) -> None:
    """The process and its group are gone when this returns: asked first, then killed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and is_running(pid):
            time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def kill_session(leader: int, word: str) -> None:
    """Everyone of a session that has `word` in the command line is gone when this returns; Unanswered if one is not.

    For those with a process group of their own, whom their leader's end does not reach.
    """
    deadline = time.monotonic() + KILLED_TIMEOUT_S
    while left := [pid for pid in in_session(leader) if is_running(pid, word)]:
        if time.monotonic() > deadline:
            raise Unanswered(f"processes {left} can't be killed")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _stat(pid: int) -> list[str]:
    return told(pid, "stat").decode(errors="replace").rpartition(")")[2].split()
