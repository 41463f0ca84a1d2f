"""The Hawkes process has the rate, the clustering and the memory of signs that theory gives it."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from shared.errors import UnitError
from shared.venue.flow.hawkes import HawkesPair, HawkesSettings
from shared.venue.flow.statistics import autocorrelation


def arrivals(settings: HawkesSettings, rate: float, seconds: float, seed: int = 1) -> list[tuple[float, bool]]:
    """(time, is_buy) of every trade under a modulation of 0.5 and 1.5 in turns, bounded by 2."""
    process, now, found = HawkesPair(settings, rate, 2.0, Random(seed)), 0.0, []
    while now < seconds:
        now += process.wait_s()
        side = process.arrival(0.5 if int(now / 5) % 2 else 1.5)
        if side is not None:
            found.append((now, side))
    return found


def test_the_mean_rate_is_as_asked_whatever_the_modulation() -> None:
    """Base rate over one minus the branching ratio, with a modulation whose mean is 1."""
    assert len(arrivals(HawkesSettings(), 3.0, 20_000.0)) / 20_000 == pytest.approx(3.0, rel=0.05)


def test_counts_disperse_as_theory_says() -> None:
    """Over long windows variance / mean is 1 / (1 - n)^2 under steady modulation, and 1 without children."""
    for settings, expected in ((HawkesSettings(0.4, 0.1), 4.0), (HawkesSettings(0.0, 0.0), 1.0)):
        process, now, counts = HawkesPair(settings, 2.0, 1.0, Random(4)), 0.0, [0] * 1_000
        while (now := now + process.wait_s()) < 40_000:
            counts[int(now / 40)] += process.arrival(1.0) is not None
        mean = fmean(counts)
        assert fmean((count - mean) ** 2 for count in counts) / mean == pytest.approx(expected, rel=0.2)


def test_signs_remember_only_if_the_own_side_excites_more() -> None:
    """Self-excitement above cross-excitement gives positive sign memory, the reverse negative, equal ones none."""
    for own, other, low, high in ((0.7, 0.1, 0.2, 0.9), (0.1, 0.7, -0.9, -0.1), (0.4, 0.4, -0.04, 0.04)):
        signs = [1.0 if is_buy else -1.0 for _, is_buy in arrivals(HawkesSettings(own, other), 3.0, 4_000.0)]
        assert low <= autocorrelation(signs, 1) <= high


def test_a_market_that_breeds_without_end_is_refused() -> None:
    """A branching ratio of 1 or more is an error."""
    with pytest.raises(UnitError, match="branching ratio"):
        HawkesPair(HawkesSettings(0.8, 0.2), 1.0, 1.0, Random(0))
