"""The nonce rule of the venue, with its exact texts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.venue.door.nonces import KEPT, NEWEST_MS, OLDEST_MS, NonceBook

NOW = 1_791_399_877_207


@given(st.lists(st.integers(NOW - OLDEST_MS, NOW + NEWEST_MS), max_size=300))
def test_no_nonce_is_ever_admitted_twice(nonces: list[int]) -> None:
    """Whatever is sent in whatever order, an admitted nonce is refused the next time."""
    book = NonceBook()
    admitted = [nonce for nonce in nonces if book.admit("a", nonce, NOW) is None]
    assert len(set(admitted)) == len(admitted)
    assert all(book.admit("a", nonce, NOW) == f"Invalid nonce: duplicate nonce {nonce}" for nonce in admitted)


@settings(max_examples=20)
@given(st.lists(st.integers(NOW - 5_000, NOW + 5_000), min_size=KEPT + 1, max_size=400, unique=True))
def test_a_new_nonce_exceeds_the_smallest_of_the_hundred_highest(nonces: list[int]) -> None:
    """The rule as the documents state it, against a plain model."""
    book, model = NonceBook(), list[int]()
    for nonce in nonces:
        floor = sorted(model)[-KEPT] if len(model) >= KEPT else None
        refusal = book.admit("a", nonce, NOW)
        if floor is not None and nonce < floor:
            assert refusal == f"Invalid nonce: nonce too low {nonce} < {floor}"
        else:
            assert refusal is None
            model.append(nonce)


def test_the_window_ends_two_minutes_inside_the_documented_one() -> None:
    """Nonces too old or too new are refused with the bound, as recorded."""
    book = NonceBook()
    low, high = NOW - 2 * 86_400_000 + 120_000, NOW + 86_400_000 - 120_000
    assert book.admit("a", low - 1, NOW) == f"Invalid nonce: nonce too low {low - 1} < {low}"
    assert book.admit("a", high + 1, NOW) == f"Invalid nonce: nonce too high {high + 1} > {high}"
    assert book.admit("a", low, NOW) is None
    assert book.admit("a", high, NOW) is None


def test_signers_do_not_share_nonces_and_forgotten_ones_start_anew() -> None:
    """Each signer counts alone; `forget` frees what it used."""
    book = NonceBook()
    assert book.admit("a", NOW, NOW) is None
    assert book.admit("b", NOW, NOW) is None
    book.forget("a")
    assert book.admit("a", NOW, NOW) is None
    assert book.admit("b", NOW, NOW) is not None


def test_old_nonces_are_dropped_but_the_floor_stays() -> None:
    """After the window has moved on, memory shrinks to the hundred that decide."""
    book = NonceBook()
    for step in range(1_000):
        assert book.admit("a", NOW + step, NOW) is None
    later = NOW + 3 * 86_400_000
    assert book.admit("a", later, later) is None
    assert len(book._used["a"]) <= KEPT + 1
