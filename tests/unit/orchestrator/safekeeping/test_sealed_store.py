"""A store of sealed pieces: what comes back is what went in, or nothing does."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from orchestrator.safekeeping.sealed_store import PIECE_BYTES, KeptFile, Manifest, SealedStore
from shared.errors import DataError, NotRunning, Unanswered
from shared.sealing import SealKey

KEY = SealKey(b"k" * 32)


def kept(store: SealedStore, data: bytes, path: str = "a/BTC.txt") -> KeptFile:
    """The data as a file of the store."""
    return store.put(io.BytesIO(data), path, Path(__file__).stat(), len(data)).file


def manifest(name: str, *files: KeptFile) -> Manifest:
    """One with these files."""
    return Manifest(name, 1, "build", (), files)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 3])
def test_a_file_comes_back(tmp_path: Path, size: int) -> None:
    """Of any size, also from a store that is opened anew."""
    data = os.urandom(size)
    store = SealedStore(tmp_path, KEY)
    store.publish(manifest("one", kept(store, data)))
    (file,) = SealedStore(tmp_path, KEY).manifest("one").files
    assert b"".join(SealedStore(tmp_path, KEY).read(file)) == data


def test_nothing_can_be_read_off_it(tmp_path: Path) -> None:
    """Neither contents nor names."""
    store = SealedStore(tmp_path, KEY)
    store.publish(manifest("one", kept(store, b"long BTC at 0xabcdef" * 100)))
    for path in tmp_path.rglob("*"):
        text = str(path.relative_to(tmp_path)).encode() + (path.read_bytes() if path.is_file() else b"")
        assert b"BTC" not in text
        assert b"0xabc" not in text


def test_what_is_there_is_not_stored_again(tmp_path: Path) -> None:
    """A file that only grew adds its last pieces."""
    store = SealedStore(tmp_path, KEY)
    data = os.urandom(3 * PIECE_BYTES)
    kept(store, data)
    put = store.put(io.BytesIO(data + b"more"), "b", Path(__file__).stat(), len(data) + 4)
    assert put.new_bytes == 4


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    """In a piece and in a manifest, at the head, in the middle and at the end."""
    store = SealedStore(tmp_path, KEY)
    file = kept(store, b"data" * 100)
    store.publish(manifest("one", file))
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        path.chmod(0o600)
        for at in {0, 9, 20, len(whole) // 2, len(whole) - 1}:
            changed = bytearray(whole)
            changed[at] ^= 1
            path.write_bytes(changed)
            with pytest.raises(DataError):
                b"".join(store.read(store.manifest("one").files[0]))
        path.write_bytes(whole)
    assert b"".join(store.read(store.manifest("one").files[0])) == b"data" * 100


def test_another_key_is_refused(tmp_path: Path) -> None:
    """In words."""
    store = SealedStore(tmp_path, KEY)
    store.publish(manifest("one"))
    with pytest.raises(DataError, match="is sealed with key"):
        SealedStore(tmp_path, SealKey(b"o" * 32)).manifest("one")


def test_swapped_and_missing_files_are_refused(tmp_path: Path) -> None:
    """A piece under another's name, a manifest under another's name, a piece that is gone."""
    store = SealedStore(tmp_path, KEY)
    one, two = kept(store, b"one"), kept(store, b"two")
    store.publish(manifest("one", one))
    paths = [tmp_path / "pieces" / piece[:2] / piece for piece in (*one.pieces, *two.pieces)]
    paths[1].replace(paths[0])
    with pytest.raises(DataError, match="another name"):
        b"".join(store.read(one))
    paths[0].unlink()
    with pytest.raises(DataError, match="can't read"):
        b"".join(store.read(one))
    (tmp_path / "kept" / "one.sealed").rename(tmp_path / "kept" / "two.sealed")
    with pytest.raises(DataError, match="another name"):
        store.manifest("two")
    with pytest.raises(NotRunning, match="holds two"):
        store.manifest("one")


def test_a_file_whose_pieces_do_not_add_up_is_refused(tmp_path: Path) -> None:
    """Though each of them is genuine."""
    store = SealedStore(tmp_path, KEY)
    one, two = kept(store, b"one"), kept(store, b"two")
    mixed = KeptFile(one.path, one.mode, one.mtime_ns, one.bytes, one.sha256, two.pieces)
    with pytest.raises(DataError, match="its pieces make"):
        b"".join(store.read(mixed))


def test_a_file_that_became_shorter_is_refused(tmp_path: Path) -> None:
    """While it was read."""
    with pytest.raises(DataError, match="became shorter"):
        SealedStore(tmp_path, KEY).put(io.BytesIO(b"abc"), "a", Path(__file__).stat(), 4)


def test_clearing_removes_what_nothing_names(tmp_path: Path) -> None:
    """And nothing else."""
    store = SealedStore(tmp_path, KEY)
    one, two = kept(store, b"one"), kept(store, b"two")
    store.publish(manifest("one", one))
    store.publish(manifest("two", one, two))
    assert store.clear() == 0
    store.forget("two")
    assert store.clear() == 1
    assert b"".join(store.read(one)) == b"one"


def test_one_writes_at_a_time(tmp_path: Path) -> None:
    """The second is told so."""
    with SealedStore(tmp_path, KEY).writing(), pytest.raises(Unanswered), SealedStore(tmp_path, KEY).writing():
        raise AssertionError("two at a time")
