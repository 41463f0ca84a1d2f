"""The journal keeps everything in order, has one writer, and tells equal runs by equal digests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import JournalError
from shared.ids import Role
from shared.journal import Journal, JournalReader
from shared.record import Entry


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of its own."""
    journal = Journal(tmp_path / "journal.sqlite", now_ns=1)
    yield journal
    journal.close()


def _entry(seq: int) -> Entry:
    return Entry(seq, seq * 10, Role.QUANT_STRATEGIST, "Trade", seq - 1, 7, b"body%d" % seq)


def test_what_was_written_is_read_back(journal: Journal) -> None:
    """Messages and batches come back as written, by a reader of its own too once committed."""
    for seq in (1, 2, 3):
        journal.append(_entry(seq), durable=False)
    assert journal.append_handled(Role.QUANT_STRATEGIST, 40, (1, 3)) == 1
    journal.commit()
    reader = JournalReader.open(journal.path)
    assert list(reader.messages(1)) == [_entry(2), _entry(3)]
    assert reader.message(2) == _entry(2)
    assert [(b.n, b.after_seq, b.seqs) for b in reader.handled(Role.QUANT_STRATEGIST)] == [(1, 3, (1, 3))]
    assert reader.fault() is None
    reader.close()


def test_order_has_no_gap_and_no_repetition(journal: Journal) -> None:
    """Only the next number is taken."""
    journal.append(_entry(1), durable=False)
    for seq in (1, 3):
        with pytest.raises(JournalError, match="expected message 2"):
            journal.append(_entry(seq), durable=False)


def test_there_is_one_writer(journal: Journal) -> None:
    """A second writer is refused while the first lives."""
    with pytest.raises(JournalError, match="another orchestrator"):
        Journal(journal.path, now_ns=2)


def test_a_fenced_writer_cannot_commit(journal: Journal) -> None:
    """When a newer epoch was taken, the older writer's commit fails and nothing of it stays."""
    intruder = sqlite3.connect(journal.path)
    intruder.execute("INSERT INTO epochs VALUES (99, 1, 1)")
    intruder.commit()
    intruder.close()
    journal.append(_entry(1), durable=True)
    with pytest.raises(JournalError, match="fenced"):
        journal.commit()
    journal._db.execute("ROLLBACK")
    journal.is_dirty = False


def test_epochs_grow_with_each_opening(tmp_path: Path) -> None:
    """Every writer gets a higher epoch than all before it, and continues the numbers."""
    path = tmp_path / "j.sqlite"
    first = Journal(path, now_ns=1)
    first.append(_entry(1), durable=False)
    first.close()
    second = Journal(path, now_ns=2)
    assert (second.epoch, second.last_seq) == (2, 1)
    assert [second.reader.epochs_since(ns) for ns in (1, 2, 3)] == [2, 1, 0]
    second.close()


def test_history_cannot_be_changed(journal: Journal) -> None:
    """The database itself refuses to update or delete messages and batches."""
    journal.append(_entry(1), durable=False)
    journal.append_handled(Role.QUANT_STRATEGIST, 1, (1,))
    journal.commit()
    other = sqlite3.connect(journal.path)
    for sql in (
        "UPDATE messages SET ts = 0",
        "DELETE FROM messages",
        "UPDATE handled SET now = 0",
        "DELETE FROM handled",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            other.execute(sql)
    other.close()


def test_equal_runs_have_equal_digests(tmp_path: Path) -> None:
    """The digest depends on what was said and handled, not on file, process or time of writing."""
    digests = []
    for name, ts in (("a", 1), ("b", 2)):
        journal = Journal(tmp_path / name, now_ns=ts)
        journal.append(_entry(1), durable=False)
        journal.append_handled(Role.QUANT_STRATEGIST, 5, (1,))
        digests.append(journal.reader.digest())
        journal.append(_entry(2), durable=False)
        digests.append(journal.reader.digest())
        journal.close()
    assert digests[0] == digests[2] != digests[1] == digests[3]


def test_two_newest_snapshots_are_kept(journal: Journal) -> None:
    """Older snapshots go; the newest is what a Hat is restored from."""
    for n in (1, 2, 3):
        journal.put_snapshot(Role.QUANT_STRATEGIST, n, b"%d" % n)
    assert journal.reader.snapshot(Role.QUANT_STRATEGIST) == (3, b"3")
    assert journal.reader.snapshot(Role.EXECUTION_MANAGER) is None
    kept = journal._db.execute("SELECT count(*) FROM snapshots").fetchone()[0]
    assert kept == 2


def test_there_must_be_a_journal_to_read(tmp_path: Path) -> None:
    """A reader of nothing is refused with the path."""
    with pytest.raises(JournalError, match="no journal at"):
        JournalReader.open(tmp_path / "none")


def test_what_is_synced_has_nothing_left_to_sync(journal: Journal) -> None:
    """A commit alone leaves durable messages to be brought to the disk; a sync leaves nothing."""
    journal.append(_entry(1), durable=True)
    journal.commit()
    assert (journal.is_dirty, journal.has_durable_pending) == (False, True)
    journal.sync()
    assert not journal.has_durable_pending


def test_a_commit_outlives_its_writer(journal: Journal) -> None:
    """What was committed, though not synced, is there for whoever reads after the writer's death."""
    journal.append(_entry(1), durable=False)
    journal.commit()
    copied = sqlite3.connect(f"file:{journal.path}?mode=ro", uri=True)
    assert copied.execute("SELECT max(seq) FROM messages").fetchone() == (1,)
    copied.close()
