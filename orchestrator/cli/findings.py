"""What a check of the machine found: fine, worth knowing, or a problem that must be mended."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What a finding means."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. `remedy` says what to do about a problem."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Finding:
    """A finding that is fine."""
    return Finding(name, Verdict.OK, detail)


def worth_knowing(name: str, detail: str, remedy: str = "") -> Finding:
    """A finding that stops nothing."""
    return Finding(name, Verdict.NOTE, detail, remedy)


def problem(name: str, detail: str, remedy: str) -> Finding:
    """A finding that must be mended."""
    return Finding(name, Verdict.PROBLEM, detail, remedy)


def has_problems(findings: Sequence[Finding]) -> bool:
    """Is there anything to mend?"""
    return any(finding.verdict is Verdict.PROBLEM for finding in findings)


def space_finding(name: str, free_bytes: int, needed_bytes: int, wanted_bytes: int, what: str) -> Finding:
    """A problem below what is needed, a note below what is wanted."""
    detail = f"{free_bytes / 2**30:.1f} GiB free {what}"
    if free_bytes < needed_bytes:
        return problem(name, detail, f"free at least {needed_bytes / 2**30:.1f} GiB")
    if free_bytes < wanted_bytes:
        return worth_knowing(name, detail, f"{wanted_bytes / 2**30:.0f} GiB is comfortable")
    return ok(name, detail)


def privacy_finding(name: str, path: str, mode: int, allowed: int, *, is_ours: bool, is_secret: bool = True) -> Finding:
    """A problem if others may do more than `allowed` (0o600 or 0o700) grants; reading what is not secret is a note."""
    detail = f"{path} is {mode:04o}"
    if not is_ours:
        return problem(name, f"{path} belongs to somebody else", f"chown it, then chmod {allowed:o}")
    if mode & ~allowed and not mode & 0o022 and not is_secret:
        return worth_knowing(name, detail, f"others can list it; chmod {allowed:o} {path}")
    if mode & ~allowed:
        return problem(name, detail, f"chmod {allowed:o} {path}")
    return ok(name, detail)
