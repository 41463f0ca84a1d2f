"""A writer whose file was taken away stops: journal, audit log, spent nonces, capture log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hats.security_architect.audit_log import AuditLog
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.nonces import Spent
from shared.errors import JournalError
from shared.fence import Fence
from shared.ids import Role
from shared.journal import Journal
from shared.record import Entry
from shared.warehouse.capture.log import CaptureLog
from tests.unit.hats.security_architect.test_audit_log import SYNC_MS, chain


def moved_aside(folder: Path) -> None:
    """The folder is replaced by an equal copy, as a restore does."""
    aside = folder.with_name("before")
    folder.rename(aside)
    shutil.copytree(aside, folder)


def test_the_same_file_passes_however_it_grows(tmp_path: Path) -> None:
    """Only its identity counts."""
    path = tmp_path / "file"
    path.write_bytes(b"a")
    fence = Fence(path)
    with path.open("ab") as file:
        file.write(b"b")
    fence.check()


def test_a_missing_or_other_file_does_not(tmp_path: Path) -> None:
    """Gone, and then another of the same name and content."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "file"
    path.write_bytes(b"a")
    fence = Fence(path)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="taken away"):
        fence.check()
    shutil.copytree(tmp_path / "elsewhere", folder)
    with pytest.raises(JournalError, match="another file"):
        fence.check()


def test_a_journal_commits_nothing_then(tmp_path: Path) -> None:
    """Neither into the old file nor into the new one."""
    folder = tmp_path / "run"
    journal = Journal(folder / "journal.sqlite", now_ns=1)
    journal.append(Entry(1, 1, Role.OPERATOR, "Test", 0, 0, b""), durable=True)
    journal.sync()
    moved_aside(folder)
    journal.append(Entry(2, 2, Role.OPERATOR, "Test", 0, 0, b""), durable=True)
    with pytest.raises(JournalError, match="fenced"):
        journal.sync()
    with pytest.raises(JournalError, match="fenced"):
        journal.close()
    for place in (folder, tmp_path / "before"):
        again = Journal(place / "journal.sqlite", now_ns=2)
        assert again.last_seq == 1
        again.close()


def test_an_audit_log_notes_no_head_then(tmp_path: Path) -> None:
    """What it wrote is in the old file alone, and the log says that it can't be kept."""
    folder = tmp_path / "run"
    folder.mkdir()
    log = AuditLog(folder / "audit.jsonl", SYNC_MS)
    log.open()
    for record in chain(2):
        log.append(record)
    moved_aside(folder)
    with pytest.raises(JournalError, match="fenced"):
        log.sync()
    assert not (folder / "audit.head.json").exists()
    with pytest.raises(JournalError, match="fenced"):
        log.close()


def test_a_signer_keeps_no_nonce_then(tmp_path: Path) -> None:
    """So its signature does not leave."""
    folder = tmp_path / "keys"
    folder.mkdir()
    store = NonceStore(folder / "n.sqlite", "0xa")
    store.keep(Spent(1, b"d" * 32))
    moved_aside(folder)
    with pytest.raises(JournalError, match="fenced"):
        store.keep(Spent(2, b"e" * 32))
    store.close()


def test_a_capture_log_ends_then(tmp_path: Path) -> None:
    """Before it makes a file in a folder that is not its own any more."""
    folder = tmp_path / "capture"
    log = CaptureLog(folder, 1, 1)
    moved_aside(folder)
    before = set(folder.iterdir())
    with pytest.raises(JournalError, match="fenced"):
        log.commit(2)
    log.close(3)
    assert set(folder.iterdir()) <= before
