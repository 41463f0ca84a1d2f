"""The audit chain shows every change."""

from __future__ import annotations

import hashlib
import random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.security_architect import audit
from hats.security_architect.audit import GENESIS, Head
from shared.errors import InvariantError
from shared.messages.control import AuditRecord
from shared.units import Ns

N: Final = 12


def chain(n: int) -> list[AuditRecord]:
    """`n` records."""
    head, records = Head(), []
    for number in range(n):
        record = audit.append(head, audit.body_of("test", Ns(number), {"z": number, "a": f"é{number}", "cloid": None}))
        head = audit.head_of(record)
        records.append(record)
    return records


LINES: Final = [audit.line_of(record) for record in chain(N)]
HEAD: Final = audit.head_of(chain(N)[-1])


def test_digest_is_as_documented() -> None:
    """digest = SHA-256(previous digest || body), the first previous is 64 zeros, keys are sorted."""
    first, second = chain(2)
    assert first.previous == GENESIS == "0" * 64
    assert first.body == '{"a":"é0","cloid":null,"event":"test","ns":0,"z":0}'
    assert first.digest == hashlib.sha256(bytes(32) + first.body.encode()).hexdigest()
    assert second.previous == first.digest
    assert (first.index, second.index) == (1, 2)


def test_a_sound_log() -> None:
    """An untouched log is sound, alone, with its head, and when it went on after the head was written."""
    for expected in (None, HEAD, audit.head_of(chain(5)[-1]), Head()):
        found = audit.verify(LINES, expected)
        assert found.is_sound
        assert (found.records, found.head) == (N, HEAD)
    assert audit.verify([]).is_sound


def tampered(kind: str, chance: random.Random) -> tuple[list[bytes], int]:
    """A changed log and the first line that is wrong."""
    lines, at = list(LINES), chance.randrange(N)
    if kind == "edit":
        position = chance.randrange(len(lines[at]))
        flipped = lines[at][position] ^ (1 << chance.randrange(8))
        lines[at] = lines[at][:position] + bytes([flipped]) + lines[at][position + 1 :]
    elif kind == "delete":
        del lines[at]
        if at == N - 1:
            return lines, N
    elif kind == "insert":
        lines.insert(at, lines[chance.randrange(N)] if chance.random() < 0.5 else b'{"index":1}\n')
        if lines[at] == LINES[at]:
            return lines, at + 2
    elif kind == "swap":
        other = (at + chance.randrange(1, N)) % N
        lines[at], lines[other] = lines[other], lines[at]
        at = min(at, other)
    elif kind == "truncate":
        return lines[:at], at + 1
    elif kind == "reappend":
        head = audit.head_of(chain(at)[-1]) if at else Head()
        lines = lines[:at]
        for _ in range(N - at):
            record = audit.append(head, '{"forged":true}')
            head = audit.head_of(record)
            lines.append(audit.line_of(record))
        return lines, N
    return lines, at + 1


@pytest.mark.parametrize("kind", ["edit", "delete", "insert", "swap", "truncate", "reappend"])
def test_every_change_shows_at_its_place(kind: str) -> None:
    """200 random changes of each kind are all found, at the first line that is wrong."""
    chance = random.Random(kind)
    for _ in range(200):
        lines, at = tampered(kind, chance)
        # an edit may turn the line end into something else and so join two lines, as a reader of the file would see it
        found = audit.verify(b"".join(lines).splitlines(keepends=True), HEAD)
        assert not found.is_sound
        assert found.fault
        assert found.fault_line == at, (kind, found)


def test_truncation_needs_the_head() -> None:
    """Without the head a shorter chain is a chain: the reason why the head is kept."""
    assert audit.verify(LINES[:3]).is_sound
    assert not audit.verify(LINES[:3], HEAD).is_sound


@settings(max_examples=200)
@given(data=st.binary(max_size=200))
def test_garbage_is_a_fault(data: bytes) -> None:
    """Any bytes that are no record are a fault at line 1 and never an exception."""
    assert audit.verify([data]).fault_line == 1


def test_follow_and_is_chain() -> None:
    """A record that does not follow raises; a window of records is a chain only if untouched and complete."""
    records = chain(6)
    assert audit.follow(Head(), records[0]) == audit.head_of(records[0])
    with pytest.raises(InvariantError, match="expected record 1, found 2"):
        audit.follow(Head(), records[1])
    head = audit.head_of(records[-1])
    assert audit.is_chain(records[2:], head)
    assert audit.is_chain([], Head())
    assert not audit.is_chain(records[2:-1], head)
    forged = AuditRecord(4, records[3].body.replace("3", "4"), records[3].previous, records[3].digest)
    assert not audit.is_chain([*records[:3], forged, *records[4:]], head)
