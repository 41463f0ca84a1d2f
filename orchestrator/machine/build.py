"""EDGE: which code this is: hashes over the source files, so that two builds never share a run unknowing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from shared.ids import HATS, Role

PACKAGES: Final = ("shared", "hats", "orchestrator")
NO_HATS_BUSINESS: Final = ("venue", "warehouse")
"""Rooms of shared/ on which nothing that a Hat says depends."""
_ROOT: Final = Path(__file__).resolve().parents[2]


class Build(msgspec.Struct, frozen=True):
    """Code by its hashes: `id` of all of it, `logic` of what each Hat's words can depend on."""

    id: str
    version: str
    logic: dict[Role, str]


@cache
def build_id() -> str:
    """SHA-256 (16 hex digits) over the names and contents of all our modules."""
    return _hash(path for package in PACKAGES for path in (_ROOT / package).rglob("*.py"))


@cache
def this_build() -> Build:
    """This code."""
    rooms = [_ROOT / "shared" / room for room in NO_HATS_BUSINESS]
    language = [path for path in (_ROOT / "shared").rglob("*.py") if not any(map(path.is_relative_to, rooms))]
    logic = {role: _hash([*language, *(_ROOT / "hats" / role).rglob("*.py")]) for role in HATS}
    return Build(build_id(), version("hyperhats"), logic)


def _hash(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for name, path in sorted((str(path.relative_to(_ROOT)), path) for path in paths):
        total.update(name.encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]
