"""The book of spent nonces."""

from __future__ import annotations

from pathlib import Path

import pytest

from hats.security_architect.signer.bounds import Added, Limits, full
from hats.security_architect.signer.nonce_store import NonceStore, raise_floor
from hats.security_architect.signer.nonces import Admission, NonceBook, Spent
from shared.errors import JournalError


def test_judgement() -> None:
    """Higher is new, the same is the same, everything else is refused."""
    book = NonceBook([Spent(5, b"a"), Spent(9, b"b")])
    assert book.judge(Spent(10, b"c")) is Admission.NEW
    assert book.judge(Spent(5, b"a")) is Admission.AGAIN
    assert book.judge(Spent(5, b"c")) is Admission.OTHER_DIGEST
    assert book.judge(Spent(7, b"c")) is Admission.TOO_LOW


def test_memory_is_bounded_and_forgetting_is_safe() -> None:
    """Beyond the limit the oldest is forgotten, and a forgotten nonce is refused, not signed again."""
    book = NonceBook([Spent(n, b"x") for n in range(1, 11)], remembered=3)
    assert book.judge(Spent(8, b"x")) is Admission.AGAIN
    assert book.judge(Spent(7, b"x")) is Admission.TOO_LOW


def test_store_survives(tmp_path: Path) -> None:
    """What was kept is there when the file is opened again."""
    store = NonceStore(tmp_path / "n.sqlite", "0xa")
    store.keep(Spent(3, b"d" * 32))
    store.keep(Spent(4, b"e" * 32))
    store.close()
    again = NonceStore(tmp_path / "n.sqlite", "0xa")
    book = again.book()
    again.close()
    assert book.high == 4
    assert book.judge(Spent(3, b"d" * 32)) is Admission.AGAIN


def test_one_signer_at_a_time(tmp_path: Path) -> None:
    """While one signer has the file, a second can't open it."""
    store = NonceStore(tmp_path / "n.sqlite", "0xa")
    with pytest.raises(JournalError, match="another signer"):
        NonceStore(tmp_path / "n.sqlite", "0xa")
    store.close()


def test_one_key_a_file(tmp_path: Path) -> None:
    """A file of one key is refused for another."""
    NonceStore(tmp_path / "n.sqlite", "0xa").close()
    with pytest.raises(JournalError, match="0xa"):
        NonceStore(tmp_path / "n.sqlite", "0xb")


def test_a_nonce_is_kept_once(tmp_path: Path) -> None:
    """Keeping a nonce twice is refused by the file itself."""
    store = NonceStore(tmp_path / "n.sqlite", "0xa")
    store.keep(Spent(3, b"d" * 32))
    with pytest.raises(JournalError):
        store.keep(Spent(3, b"e" * 32))
    store.close()


def test_the_window_survives(tmp_path: Path) -> None:
    """What was signed within the window comes back, oldest first; what is older does not, and a reboot fills it."""
    limits, now_ms, up_ms = Limits(window_ms=1_000), 50_000, 10**9
    store = NonceStore(tmp_path / "n.sqlite", "0xa")
    assert store.added(limits, now_ms, up_ms=0) == []
    for nonce, ms in ((1, 49_000), (2, 49_001), (3, 49_999)):
        store.keep(Spent(nonce, b"d"), added=Added(ms, 1, nonce))
    store.keep(Spent(4, b"d"))
    store.close()
    again = NonceStore(tmp_path / "n.sqlite", "0xa")
    assert again.added(limits, now_ms, up_ms) == [Added(49_001, 1, 2), Added(49_999, 1, 3)]
    assert again.added(limits, now_ms, up_ms=999) == [full(limits, now_ms)]
    again.close()


def test_a_floor_is_raised_for_a_copy(tmp_path: Path) -> None:
    """What was signed since the copy was made is forgotten: no nonce up to now is new, and the window is full."""
    path = tmp_path / "n.sqlite"
    store = NonceStore(path, "0xa")
    store.keep(Spent(3, b"d" * 32))
    store.close()
    raise_floor(path, 1_000)
    raise_floor(path, 500)
    store = NonceStore(path, "0xa")
    book, limits = store.book(), Limits(window_ms=100, orders_max=5, notional_usd_max=7)
    (added,) = store.added(limits, 1_010, 10_000)
    assert not store.added(limits, 1_101, 10_000)
    store.close()
    assert book.judge(Spent(999, b"x" * 32)) is Admission.TOO_LOW
    assert book.judge(Spent(1_000, b"x" * 32)) is Admission.OTHER_DIGEST
    assert book.judge(Spent(1_001, b"x" * 32)) is Admission.NEW
    assert added.orders > limits.orders_max
    assert added.notional_usd > limits.notional_usd_max


def test_a_floor_needs_a_file_that_nobody_holds(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(JournalError, match="no spent nonces"):
        raise_floor(tmp_path / "n.sqlite", 1)
    store = NonceStore(tmp_path / "n.sqlite", "0xa")
    with pytest.raises(JournalError, match="cannot raise"):
        raise_floor(tmp_path / "n.sqlite", 1)
    store.close()
