"""EDGE: which code this is: one hash over every source file, so that two builds never share a run."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

PACKAGES: Final = ("shared", "hats", "orchestrator")


@cache
def build_id() -> str:
    """SHA-256 (16 hex digits) over the names and contents of all our modules."""
    root = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            total.update(str(path.relative_to(root)).encode())
            total.update(path.read_bytes())
    return total.hexdigest()[:16]
