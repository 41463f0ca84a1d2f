"""What a check of the warehouse can find."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class FindingKind(StrEnum):
    """What is wrong with a file."""

    MISSING = "missing"
    SIZE = "size"
    CHANGED = "changed"
    ROWS = "rows"
    EXTRA = "extra"
    MANIFEST = "manifest"
    SNAPSHOT = "snapshot"
    UNDECLARED = "undeclared"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it was published: which file or account, and what is wrong."""

    kind: FindingKind
    path: str
    what: str


class Checked(msgspec.Struct, frozen=True):
    """What a check looked at and what it found; `problems` are those that the inputs had when they were compacted."""

    batches: int
    snapshots: int
    files: int
    bytes: int
    rows: int
    connections: int
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Is everything as it was published, nothing more, and every frame here or declared?"""
        return not self.findings
