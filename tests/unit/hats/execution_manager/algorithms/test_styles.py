"""Each algorithm by worked examples: what it wants to have working at a given moment."""

from __future__ import annotations

import math

import pytest

from hats.execution_manager.algorithms.child import View, Wanted
from hats.execution_manager.algorithms.schedule import cumulative, slice_at
from hats.execution_manager.algorithms.styles import wanted
from shared.messages.parent import AlmgrenChriss, Chase, Iceberg, Participate, PassiveThenCross, Twap
from shared.order import Side, Tif
from shared.units import SECOND, Ns, Px, Sz

BID, ASK = Px(990), Px(1_010)


def view(now_s: float = 0, *, side: Side = Side.BUY, filled: int = 0, limit: int = 2_000, traded: int = 0) -> View:
    """A parent of 100 lots over 100 s, `now_s` after it began."""
    now = Ns(int(now_s * SECOND))
    return View(side, Sz(100), filled, Px(limit), Ns(0), Ns(100 * SECOND), now, BID, ASK, traded)


def test_patient_first_and_then_across() -> None:
    """It waits at our side's best price, and after its patience takes the other side's."""
    algorithm = PassiveThenCross(patience_ms=10_000)
    assert wanted(algorithm, view(9)) == Wanted(BID, Sz(100), Tif.ALO)
    assert wanted(algorithm, view(10, filled=30)) == Wanted(ASK, Sz(70), Tif.IOC)
    assert wanted(algorithm, view(10, side=Side.SELL, limit=1)) == Wanted(BID, Sz(100), Tif.IOC)


def test_nothing_is_wanted_beyond_the_limit() -> None:
    """Waiting happens at the limit at worst, crossing not at all beyond it."""
    algorithm = PassiveThenCross(patience_ms=10_000)
    assert wanted(algorithm, view(0, limit=980)) == Wanted(Px(980), Sz(100), Tif.ALO)
    assert wanted(algorithm, view(10, limit=1_000)) is None
    assert wanted(algorithm, view(0, side=Side.SELL, limit=1_020)) == Wanted(Px(1_020), Sz(100), Tif.ALO)


def test_twap_is_even_and_crosses_in_the_second_half_of_a_slice() -> None:
    """Four slices of 25 s: 25 lots each, patient for 12.5 s."""
    twap = Twap(slices=4)
    assert wanted(twap, view(0)) == Wanted(BID, Sz(25), Tif.ALO)
    assert wanted(twap, view(12.5)) == Wanted(ASK, Sz(25), Tif.IOC)
    assert wanted(twap, view(20, filled=25)) is None
    assert wanted(twap, view(25, filled=25)) == Wanted(BID, Sz(25), Tif.ALO)
    assert wanted(twap, view(60, filled=30)) == Wanted(BID, Sz(45), Tif.ALO)
    assert wanted(twap, view(99, filled=80)) == Wanted(ASK, Sz(20), Tif.IOC)


def test_almgren_chriss_is_their_equation_18() -> None:
    """X = 1000, five slices, k T = 1: holdings 1000 sinh(1 - t/T) / sinh(1), so 755.7, 541.7, 349.4, 171.3, 0."""
    held = [1_000 - done for done in cumulative(1_000, 5, 1.0)]
    assert held == [756, 542, 350, 172, 0]
    assert cumulative(1_000, 5, 0.0) == (200, 400, 600, 800, 1_000)
    assert all(early > even for early, even in zip(cumulative(1_000, 5, 3.0), cumulative(1_000, 5)[:-1], strict=False))
    exact = 1_000 * math.sinh(0.8) / math.sinh(1.0)
    assert held[0] == math.ceil(exact)
    assert wanted(AlmgrenChriss(slices=5, urgency=1.0), view(0)) == Wanted(BID, Sz(24), Tif.ALO)


def test_an_iceberg_shows_its_tip_at_the_limit() -> None:
    """A part at a time, at the limit price, and the last part is what is left."""
    iceberg = Iceberg(display_sz=30)
    assert wanted(iceberg, view(limit=985)) == Wanted(Px(985), Sz(30), Tif.GTC)
    assert wanted(iceberg, view(limit=985, filled=90)) == Wanted(Px(985), Sz(10), Tif.GTC)


def test_participation_follows_the_market() -> None:
    """A tenth of what is traded: patient while near, crossing when a fifth of it is missing, nothing without trades."""
    algorithm = Participate(share_bps=1_000, lag_bps=2_000)
    assert wanted(algorithm, view()) is None
    assert wanted(algorithm, view(traded=500, filled=41)) == Wanted(BID, Sz(9), Tif.ALO)
    assert wanted(algorithm, view(traded=500, filled=39)) == Wanted(ASK, Sz(11), Tif.IOC)
    assert wanted(algorithm, view(traded=50_000, filled=95)) == Wanted(BID, Sz(5), Tif.ALO)


def test_a_chase_stays_at_the_touch_up_to_its_bound() -> None:
    """At our side's best price, never across and never beyond the limit."""
    assert wanted(Chase(), view(filled=40)) == Wanted(BID, Sz(60), Tif.ALO)
    assert wanted(Chase(), view(limit=985)) == Wanted(Px(985), Sz(100), Tif.ALO)


@pytest.mark.parametrize(("now", "expected"), [(-5, 0), (0, 0), (24, 0), (25, 1), (99, 3), (100, 3), (500, 3)])
def test_slices_cover_the_span(now: int, expected: int) -> None:
    """Every moment is in one slice; before and after it is the first and the last."""
    index, begin, end = slice_at(now, 0, 100, 4)
    assert (index, begin, end) == (expected, expected * 25, expected * 25 + 25)
