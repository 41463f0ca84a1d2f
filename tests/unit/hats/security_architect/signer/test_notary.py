"""The signer's notary: a log that only grows is signed, any other is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hats.security_architect.checkpoint_file import read_checkpoints
from hats.security_architect.checkpoints import Checkpoint, CheckpointKey, is_genuine, read_lines
from hats.security_architect.merkle import leaf_hash, root_of
from hats.security_architect.signer.checkpoint_store import Checkpoints
from hats.security_architect.signer.frames import Notarize, Notarized, Refused
from hats.security_architect.signer.notary import Notary
from shared.errors import DataError, JournalError

KEY = CheckpointKey(b"\x05" * 32)
LEAVES = [leaf_hash(b"%d" % number) for number in range(9)]


def grown(notary: Notary, first: int, leaves: list[bytes], log: str = "run") -> Checkpoint:
    """A checkpoint that was made and kept."""
    made = notary.grow(log, first, b"".join(leaves), 7)
    assert isinstance(made, Checkpoint), made
    notary.keep(made)
    return made


def test_signs_what_it_hashed_itself() -> None:
    """In two steps the root is that of all the records."""
    notary = Notary(KEY)
    grown(notary, 1, LEAVES[:4])
    made = grown(notary, 5, LEAVES[4:])
    assert is_genuine(made)
    assert (made.size, made.root) == (9, root_of(LEAVES).hex())


@pytest.mark.parametrize("first", [0, 1, 4, 6])
def test_neither_goes_back_nor_leaps(first: int) -> None:
    """After four records only the fifth may come."""
    notary = Notary(KEY)
    grown(notary, 1, LEAVES[:4])
    assert notary.grow("run", first, LEAVES[4], 8) == f"expected record 5 of run, got {first}"


@pytest.mark.parametrize("leaves", [b"", b"short", b"\x00" * 33])
def test_takes_whole_hashes_only(leaves: bytes) -> None:
    """Anything else is refused in words."""
    assert "expected hashes of 32 bytes" in str(Notary(KEY).grow("run", 1, leaves, 1))


@pytest.mark.parametrize("log", ["", "x" * 101, "a\x00b", "line\nbreak"])
def test_a_log_has_a_printable_name(log: str) -> None:
    """It goes into what is signed."""
    assert "printable name" in str(Notary(KEY).grow(log, 1, LEAVES[0], 1))


def test_a_checkpoint_that_was_not_kept_never_was() -> None:
    """If it could not be written down, the same records may be asked for again."""
    notary = Notary(KEY)
    assert isinstance(notary.grow("run", 1, LEAVES[0], 1), Checkpoint)
    assert notary.newest("run") is None
    grown(notary, 1, LEAVES[:1])


def test_logs_are_apart_and_go_on_after_a_restart(tmp_path: Path) -> None:
    """The file of the signer is all that it needs to know."""
    path = tmp_path / "checkpoints.jsonl"
    for number in range(3):
        store = Checkpoints(path, KEY)
        for log in ("one", "other"):
            answer = store.answer(Notarize(number, log, number + 1, LEAVES[number]), 9)
            assert isinstance(answer, Notarized)
        newest = store.answer(Notarize(9, "one", 1, b""), 9)
        assert isinstance(newest, Notarized)
        assert read_lines([newest.checkpoint], "answer")[0].size == number + 1
        store.close()
    assert [found.size for found in read_checkpoints(path) if found.log == "other"] == [1, 2, 3]


def test_an_unknown_log_has_no_checkpoint_and_a_wrong_question_is_refused(tmp_path: Path) -> None:
    """Nothing is invented."""
    store = Checkpoints(tmp_path / "checkpoints.jsonl", KEY)
    assert store.answer(Notarize(1, "none", 1, b""), 9) == Notarized(1, b"")
    assert isinstance(store.answer(Notarize(2, "none", 3, LEAVES[0]), 9), Refused)
    store.close()


def test_a_torn_line_is_dropped_and_a_damaged_file_refused(tmp_path: Path) -> None:
    """A signer that died while writing goes on; one whose file was edited does not."""
    path = tmp_path / "checkpoints.jsonl"
    store = Checkpoints(path, KEY)
    store.answer(Notarize(1, "run", 1, LEAVES[0]), 9)
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    Checkpoints(path, KEY).close()
    assert path.read_bytes() == whole
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(JournalError, match="expected a checkpoint"):
        Checkpoints(path, KEY)
    path.write_bytes(whole.replace(b'"peaks":["', b'"peaks":["00","'))
    with pytest.raises(DataError, match="don't give its root"):
        Checkpoints(path, KEY)
