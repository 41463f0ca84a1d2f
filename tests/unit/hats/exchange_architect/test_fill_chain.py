"""Fills in the order in which they happened, and proof that none is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.fill_chain import FillChain, end_of
from shared.messages.order import Fill
from shared.order import Side
from shared.units import Ns, Px, Sz, Usd


def fill(tid: int, start: int, size: int, at: int = 0) -> Fill:
    """A fill of signed `size` lots that begins at `start`."""
    side = Side.BUY if size > 0 else Side.SELL
    return Fill("BTC", side, Px(1), Sz(abs(size)), tid, None, tid, True, Usd(0), Usd(0), start, Ns(at), Ns(at))


@given(st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_fills_of_one_instant_are_put_into_a_chain_without_a_break(sizes: list[int], chance: object) -> None:
    """However a batch of one millisecond is shuffled, nothing seems to be missing."""
    chain = FillChain()
    assert not chain.breaks(fill(0, 0, 7))
    held, made = 7, []
    for number, size in enumerate(sizes, 1):
        # distinct ends, so that there is one order only
        made.append(fill(number, held, size + 100))
        held += size + 100
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    ordered = chain.ordered(shuffled)
    assert ordered == made
    assert not any(chain.breaks(one) for one in ordered)
    assert end_of(ordered[-1]) == held


def test_a_missed_fill_breaks_the_chain_once() -> None:
    """The fill after the missing one breaks; what follows on it does not. A coin's first fill begins its chain."""
    chain = FillChain()
    assert not chain.breaks(fill(1, 3, 2))
    assert chain.breaks(fill(3, 9, 1))
    assert not chain.breaks(fill(4, 10, -10))


def test_without_a_known_beginning_the_first_is_the_one_nobody_leads_to() -> None:
    """A snapshot, newest first, of one instant."""
    batch = [fill(3, 5, 1), fill(2, 2, 3), fill(1, 0, 2)]
    assert [one.tid for one in FillChain().ordered(batch)] == [1, 2, 3]
