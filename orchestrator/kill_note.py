"""EDGE: a kill that no hub could be told, left in writing in the run's folder: its hub obeys as soon as it turns."""

from __future__ import annotations

import contextlib

import msgspec

from orchestrator.machine.runfiles import RunFiles
from shared.messages.control import TIGHTNESS, KillLevel, KillOrdered
from shared.private_files import write_private


class _Note(msgspec.Struct, frozen=True):
    level: KillLevel
    reason: str


def leave(files: RunFiles, order: KillOrdered) -> None:
    """Write it down, on the disk when this returns; a harder one that lies there stays."""
    there = _read(files)
    if there is None or TIGHTNESS.index(there.level) < TIGHTNESS.index(order.level):
        write_private(files.kill_note, msgspec.json.encode(_Note(order.level, order.reason)))


def take_back(files: RunFiles) -> None:
    """The hub was told otherwise."""
    files.kill_note.unlink(missing_ok=True)


class KillNotes:
    """The hub's end."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files
        self._taken: KillOrdered | None = None

    def take(self) -> KillOrdered | None:
        """What is left there and was not taken yet.

        Asked again once that is in the journal: then the note goes. One that can't be removed is taken once a process,
        so a desk that begins anew is killed anew, to be safe.
        """
        order = _read(self._files)
        if order is not None and order == self._taken:
            with contextlib.suppress(OSError):
                self._files.kill_note.unlink()
            return None
        self._taken = order
        return order


def _read(files: RunFiles) -> KillOrdered | None:
    """What lies there; one that can't be read asks for a pause at least."""
    try:
        note = msgspec.json.decode(files.kill_note.read_bytes(), type=_Note)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        return KillOrdered(KillLevel.PAUSE, f"a kill was left in writing, and can't be read: {error}")
    return KillOrdered(note.level, f"left in writing: {note.reason}")
