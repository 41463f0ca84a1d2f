"""Runs at rest: nothing can be read off a sealed one, nothing of it can be changed, and it comes back to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.machine.runfiles import RunFiles
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.safekeeping.backup import seal_key_path
from orchestrator.safekeeping.resting import FOLDER, runs_at, seal_ended, seal_run, unseal_run
from orchestrator.settings import Settings
from shared.errors import DataError, NotAllowedError, NotRunning
from shared.journal import JournalReader
from shared.units import DAY
from tests.security.plaintext import words_in

NOT_KEPT = (".lock", ".password", ".sqlite", ".sqlite-wal", ".sqlite-shm")
RUN = "stage-20260101T000000Z"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Rehearsal]:
    """Some seconds of trading on the stage, captured, in a run's folder, not ended yet."""
    files = RunFiles(tmp_path / "runs" / RUN)
    files.create()
    rehearsal = rehearse(Settings(), files.journal, seed=7, capture=files.dir / "capture")
    rehearsal.run_for(5)
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with such a run, ended, and a segment that its writer left open."""
    files = RunFiles(tmp_path / "runs" / RUN)
    files.create()
    rehearsal = rehearse(Settings(), files.journal, seed=7, capture=files.dir / "capture")
    rehearsal.run_for(5)
    rehearsal.close()
    (files.dir / "capture" / "00000099.hlog.open").write_bytes(b"BTC")
    (files.keys / "desk.password").write_bytes(b"secret")
    return tmp_path


def lying(folder: Path) -> dict[str, bytes]:
    """All files by their path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_can_be_read_off_a_sealed_run(home: Path) -> None:
    """No coin in any name or file; before it was sealed there were many."""
    assert words_in(home, ("BTC", "ETH"))
    seal_run(home, RUN, seal_key_path(home, None))
    assert words_in(home, ("BTC", "ETH")) == []
    assert {Path(name).parts[0] for name in lying(home)} == {FOLDER, "keys"}


def test_it_comes_back_to_the_byte(home: Path) -> None:
    """What it held, its modes, and the journal with its last words; not the password, nor locks."""
    folder = home / "runs" / RUN
    reader = JournalReader.open(folder / "journal.sqlite")
    digest = reader.digest()
    reader.close()
    before = {name: data for name, data in lying(folder).items() if not name.endswith(NOT_KEPT)}
    key = seal_key_path(home, None)
    seal_run(home, RUN, key)
    with pytest.raises(NotRunning, match="no run"):
        seal_run(home, RUN, key)
    assert unseal_run(home, RUN, key) == folder
    after = lying(folder)
    assert {name: data for name, data in after.items() if not name.endswith(".sqlite")} == before
    assert "capture/00000099.hlog.open" in before
    reader = JournalReader.open(folder / "journal.sqlite")
    assert (reader.digest(), reader.fault()) == (digest, None)
    reader.close()


def test_it_can_be_looked_at_and_sealed_again(home: Path) -> None:
    """What was changed meanwhile is kept, once."""
    key = seal_key_path(home, None)
    seal_run(home, RUN, key)
    folder = unseal_run(home, RUN, key)
    with pytest.raises(NotAllowedError, match="is there already"):
        unseal_run(home, RUN, key)
    (folder / "note").write_bytes(b"looked at")
    assert [(run.name, run.is_open, run.is_sealed) for run in runs_at(home)] == [(RUN, True, True)]
    seal_run(home, RUN, key)
    assert [(run.name, run.is_open, run.is_sealed) for run in runs_at(home)] == [(RUN, False, True)]
    assert (unseal_run(home, RUN, key) / "note").read_bytes() == b"looked at"


def test_one_flipped_bit_and_a_wrong_key_are_refused(home: Path) -> None:
    """And then nothing of it is written."""
    key = seal_key_path(home, None)
    seal_run(home, RUN, key)
    piece = max((home / FOLDER / "pieces").glob("*/*"), key=lambda path: path.stat().st_size)
    whole = piece.read_bytes()
    piece.chmod(0o600)
    piece.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DataError, match="not as it was sealed"):
        unseal_run(home, RUN, key)
    piece.write_bytes(whole)
    with pytest.raises(DataError, match="is sealed with key"):
        unseal_run(home, RUN, home / "other.key")
    assert not (home / "runs" / RUN).exists()
    unseal_run(home, RUN, key)


def test_one_that_still_runs_stays(live: Rehearsal, tmp_path: Path) -> None:
    """Its journal is locked by its writer, who is not disturbed."""
    key = seal_key_path(tmp_path, None)
    with pytest.raises(NotAllowedError, match="still runs"):
        seal_run(tmp_path, RUN, key)
    assert seal_ended(tmp_path, key, 0) == []
    live.run_for(1)


def test_what_ended_is_sealed_and_what_may_begin_waits(home: Path) -> None:
    """A folder without a journal may be a run that another launcher is beginning."""
    begun = home / "runs" / "paper-20260101T000001Z"
    begun.mkdir()
    key = seal_key_path(home, None)
    now = begun.stat().st_mtime_ns
    assert seal_ended(home, key, now) == [RUN]
    assert seal_ended(home, key, now + DAY) == [begun.name]
