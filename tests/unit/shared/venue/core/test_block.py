"""Blocks: deterministic ids."""

from __future__ import annotations

from shared.venue.core.block import Block, tid_of


def test_trade_ids_have_fifty_bits_and_depend_on_both_sides() -> None:
    """Same orders, same id; swapped sides, another (fact sheet 1.4)."""
    tids = [tid_of(buyer, seller) for buyer in range(40) for seller in range(40)]
    assert all(0 <= tid < 1 << 50 for tid in tids)
    assert len(set(tids)) == len(tids)
    assert max(tids) >= 1 << 49
    assert tid_of(1, 2) == tid_of(1, 2)


def test_a_hash_has_64_digits_and_belongs_to_the_block() -> None:
    """0x and 64 hex digits, equal for equal numbers only."""
    assert len(Block(1, 0).hash) == 66
    assert Block(1, 0).hash == Block(1, 99).hash != Block(2, 0).hash
