"""How old a key may be and how soon its approval may end: what to say of each key, pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from hats.security_architect.keystore import KeyInfo
from shared.units import DAY, MS, Ns

AGE_DAYS_MAX: Final = 90
AGE_DAYS_WARN: Final = 75
EXPIRY_DAYS_WARN: Final = 7
VENUE_DAYS_MAX: Final = 180
"""The venue approves an agent for at most so long, and for 90 days unless told."""


class Severity(StrEnum):
    """What a finding asks for."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Approval(msgspec.Struct, frozen=True):
    """What the venue says of an agent: `valid_until_ms` None if it never ends."""

    name: str
    valid_until_ms: int | None


class Found(msgspec.Struct, frozen=True):
    """One thing about one key."""

    key: str
    severity: Severity
    text: str


def age_days(created_ns: int, now: Ns) -> int:
    """Whole days since the key was made; below zero if its note is from the future."""
    return (now - created_ns) // DAY


def found_of(info: KeyInfo, now: Ns) -> list[Found]:
    """What a key's own note says: its age against the policy."""
    days = age_days(info.created_ns, now)
    if days < 0:
        return [Found(info.name, Severity.PROBLEM, f"made {-days} days from now, says its note")]
    if days > AGE_DAYS_MAX:
        return [Found(info.name, Severity.PROBLEM, f"{days} days old, at most {AGE_DAYS_MAX} allowed: rotate it")]
    if days > AGE_DAYS_WARN:
        return [Found(info.name, Severity.WARNING, f"{days} days old, {AGE_DAYS_MAX} allowed: rotate it soon")]
    return [Found(info.name, Severity.OK, f"{days} days old")]


def found_at_venue(info: KeyInfo, approval: Approval | None, now: Ns) -> list[Found]:
    """What the venue says of the key: approved, and for how long."""
    if approval is None:
        return [Found(info.name, Severity.PROBLEM, "the venue lists no such named agent of the account: approve it")]
    if approval.valid_until_ms is None:
        return [Found(info.name, Severity.OK, f"approved as {approval.name}, without an end")]
    left_days = (approval.valid_until_ms - now // MS) * MS / DAY
    until = f"approved as {approval.name} for {left_days:.1f} more days"
    if left_days <= 0:
        return [Found(info.name, Severity.PROBLEM, f"approved as {approval.name} until {-left_days:.1f} days ago")]
    if left_days < EXPIRY_DAYS_WARN:
        return [Found(info.name, Severity.PROBLEM, f"{until}, expected {EXPIRY_DAYS_WARN}: rotate or approve anew")]
    return [Found(info.name, Severity.OK, until)]


def worst(found: Iterable[Found]) -> Severity:
    """The worst of all; OK if there is nothing."""
    order = list(Severity)
    return max((one.severity for one in found), key=order.index, default=Severity.OK)
