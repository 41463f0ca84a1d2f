"""Finished segments encrypted: the same records to who has the key, nothing to others, after deaths and full disks."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hats.exchange_architect.archive import ArchiveReader
from shared.errors import DataError, JournalError
from shared.private_files import make_secret
from shared.seal_file import read_seal_key
from shared.sealing import FILE_MARKER, SealKey
from shared.warehouse.capture import segment
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import is_encrypted, read_log, segments, verify_log
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.compact import compact
from shared.warehouse.query import Database
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from tests.security.plaintext import words_in
from tests.unit.shared.warehouse.capture.samples import story as session
from tests.unit.shared.warehouse.capture.samples import write
from tests.unit.shared.warehouse.logs import LISTED, SETTINGS, story, write_log


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A key of files at rest."""
    path = tmp_path / "at-rest.key"
    make_secret(path)
    return path


def sealing(key_file: Path, settings: CaptureSettings = SETTINGS) -> CaptureSettings:
    """The same settings with the key."""
    return settings.model_copy(update={"seal_key_file": key_file})


def test_the_same_records_come_back(tmp_path: Path, key_file: Path) -> None:
    """From many segments, all encrypted; the verdict is the plain log's."""
    records, key = session(400), read_seal_key(key_file)
    write(tmp_path / "plain", records, SETTINGS)
    write(tmp_path / "sealed", records, sealing(key_file))
    paths = segments(tmp_path / "sealed")
    assert len(paths) > 2
    assert all(is_encrypted(path) for path in paths)
    assert not any(b"BTC" in path.read_bytes() and path.stat().st_size < 20_000 for path in paths)
    assert list(read_log(tmp_path / "sealed", key)) == list(read_log(tmp_path / "plain"))
    report, plain = verify_log(tmp_path / "sealed", key=key), verify_log(tmp_path / "plain")
    assert report.is_whole
    assert (report.is_complete, report.accounts) == (plain.is_complete, plain.accounts)


def test_one_flipped_bit_a_cut_and_a_wrong_key_are_refused(tmp_path: Path, key_file: Path) -> None:
    """In the head, in the middle, at the end; and a segment under another's name."""
    log, key = tmp_path / "log", read_seal_key(key_file)
    write(log, session(400), sealing(key_file))
    first, second = segments(log)[:2]
    whole = first.read_bytes()
    first.chmod(0o600)
    for at in (len(FILE_MARKER), len(FILE_MARKER) + 20, len(whole) // 2, len(whole) - 1):
        first.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DataError):
            verify_log(log, key=key)
    for wrong in (whole[:-1], whole[: len(FILE_MARKER)], second.read_bytes()):
        first.write_bytes(wrong)
        with pytest.raises(DataError):
            verify_log(log, key=key)
    first.write_bytes(whole)
    assert verify_log(log, key=key).is_whole
    with pytest.raises(DataError, match="is sealed with key"):
        verify_log(log, key=SealKey(b"o" * 32))
    with pytest.raises(DataError, match="is encrypted: set"):
        verify_log(log)


def test_a_new_writer_goes_on_and_encrypts_what_a_dead_one_left(tmp_path: Path, key_file: Path) -> None:
    """After a kill, and after a time without a key; without the key no new writer begins."""
    log, key = tmp_path / "log", read_seal_key(key_file)
    write(log, session(100), SETTINGS)
    write(log, session(100), sealing(key_file), is_closed=False)
    write(log, session(100), sealing(key_file))
    assert all(is_encrypted(path) for path in segments(log))
    assert verify_log(log, key=key).is_whole
    with pytest.raises(JournalError, match="is encrypted"):
        CaptureLog(log, 3, 10**19)


def test_a_death_between_the_last_two_steps_is_mended(tmp_path: Path, key_file: Path) -> None:
    """A copy that was not finished goes; the segment is encrypted by the next writer."""
    log, key = tmp_path / "log", read_seal_key(key_file)
    write(log, session(50), SETTINGS)
    (log / "00000001.tmp").write_bytes(FILE_MARKER + b"half")
    write(log, session(50), sealing(key_file))
    assert not list(log.glob("*.tmp"))
    assert verify_log(log, key=key).is_whole
    assert all(is_encrypted(path) for path in segments(log))


def test_a_full_disk_leaves_it_plain_and_whole(tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was captured is worth more than that it is encrypted; another fault of the disk ends the log."""

    def fails(number: int) -> Any:
        def seal_chunks(*_: object) -> NoReturn:
            raise OSError(number, os.strerror(number))

        return seal_chunks

    log, key = tmp_path / "log", read_seal_key(key_file)
    monkeypatch.setattr(segment, "seal_chunks", fails(errno.ENOSPC))
    write(log, session(50), sealing(key_file, CaptureSettings()))
    assert not any(is_encrypted(path) for path in segments(log))
    assert not list(log.glob("*.tmp"))
    assert verify_log(log, key=key).is_whole
    monkeypatch.setattr(segment, "seal_chunks", fails(errno.EIO))
    with pytest.raises(JournalError, match="can't encrypt"):
        write(tmp_path / "other", session(50), sealing(key_file, CaptureSettings()))
    monkeypatch.undo()
    write(log, session(5), sealing(key_file))
    assert all(is_encrypted(path) for path in segments(log))


def test_it_is_compacted_into_an_encrypted_warehouse(tmp_path: Path, key_file: Path) -> None:
    """To the rows of the plain one; nothing of either lies in the clear."""
    key = read_seal_key(key_file)
    for log, store, settings in (
        ("plain", Store(tmp_path / "tables"), SETTINGS),
        ("sealed", Store(tmp_path / "hidden", key), sealing(key_file)),
    ):
        write_log(tmp_path / log, story(40), settings)
        compact(tmp_path / log, store, ArchiveReader(), "code", LISTED)
    plain, hidden = Warehouse(tmp_path / "tables"), Warehouse(tmp_path / "hidden", key=key)
    for table in ("frames", "trades", "books", "gaps", "connections"):
        assert hidden.arrow(table).num_rows == plain.arrow(table).num_rows > 0
    database = Database(hidden)
    assert database.rows("SELECT count(*) FROM frames", 1)[1] == [[plain.arrow("frames").num_rows]]
    database.close()
    assert words_in(tmp_path / "tables", ("px_decimals",))
    assert words_in(tmp_path / "sealed", ("l2Book", "subscribe", "channel")) == []
    assert words_in(tmp_path / "hidden", ("l2Book", "subscribe", "channel", "px_decimals")) == []
