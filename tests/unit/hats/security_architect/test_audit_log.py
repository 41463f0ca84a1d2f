"""The audit log on disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hats.security_architect import audit
from hats.security_architect.audit import Head
from hats.security_architect.audit_log import AuditLog, head_path, read_head, verify_file
from shared.errors import InvariantError, JournalError
from shared.messages.control import AuditRecord
from shared.units import Ns

SYNC_MS = 3_600_000  # never by itself in a test


def chain(n: int) -> list[AuditRecord]:
    """`n` records."""
    head, records = Head(), []
    for number in range(n):
        records.append(audit.append(head, audit.body_of("test", Ns(number), {"n": number})))
        head = audit.head_of(records[-1])
    return records


def written(path: Path, records: list[AuditRecord]) -> None:
    """The records in a log that was closed in order."""
    log = AuditLog(path, SYNC_MS)
    log.open()
    for record in records:
        log.append(record)
    log.close()


def test_written_and_verified(tmp_path: Path) -> None:
    """A closed log is sound, private, and its head names the last record."""
    path, records = tmp_path / "audit.jsonl", chain(5)
    written(path, records)
    assert verify_file(path).is_sound
    assert read_head(path) == audit.head_of(records[-1])
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(head_path(path).stat().st_mode) == 0o600


def test_goes_on_after_a_restart(tmp_path: Path) -> None:
    """A restarted log takes the replayed records as they are and appends the new ones."""
    path, records = tmp_path / "audit.jsonl", chain(9)
    written(path, records[:5])
    written(path, records[3:])
    assert verify_file(path).records == 9


def test_a_replayed_record_must_be_the_same(tmp_path: Path) -> None:
    """A record with an index that is written already but other content is our bug."""
    path, records = tmp_path / "audit.jsonl", chain(5)
    written(path, records)
    log = AuditLog(path, SYNC_MS)
    log.open()
    other = audit.append(audit.head_of(records[2]), "{}")
    with pytest.raises(InvariantError, match="was another"):
        log.append(other)
    with pytest.raises(InvariantError, match="expected record 6, found 7"):
        log.append(audit.append(Head(6, "0" * 64), "{}"))
    log.close()


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    """What a crash left half written is cut off, and the record can be written again."""
    path, records = tmp_path / "audit.jsonl", chain(5)
    written(path, records[:4])
    with path.open("ab") as stream:
        stream.write(audit.line_of(records[4])[:30])
    assert not verify_file(path).is_sound
    written(path, records[4:])
    assert verify_file(path).records == 5


@pytest.mark.parametrize("keep", [0, 2, 4])
def test_a_cut_log_is_not_continued(tmp_path: Path, keep: int) -> None:
    """A log shorter than its head is found out and nothing is appended to it."""
    path, records = tmp_path / "audit.jsonl", chain(5)
    written(path, records)
    path.write_bytes(b"".join(audit.line_of(record) for record in records[:keep]))
    found = verify_file(path)
    assert (found.fault_line, found.records) == (keep + 1, keep)
    with pytest.raises(InvariantError, match="cut off"):
        AuditLog(path, SYNC_MS).open()


def test_a_missing_log_is_an_error(tmp_path: Path) -> None:
    """No file, no verdict."""
    with pytest.raises(JournalError):
        verify_file(tmp_path / "audit.jsonl")


def test_a_damaged_head_is_an_error(tmp_path: Path) -> None:
    """A head file that can't be read is not taken for none."""
    path = tmp_path / "audit.jsonl"
    written(path, chain(1))
    head_path(path).write_bytes(b"x")
    with pytest.raises(JournalError):
        verify_file(path)
