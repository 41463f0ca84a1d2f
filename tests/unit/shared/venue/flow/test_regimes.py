"""Regimes switch as often as they say, and leave the long-run activity and volatility where they were."""

from __future__ import annotations

from random import Random

import pytest

from shared.venue.flow.regimes import REGIMES, STEADY, RegimeChain, time_shares


def test_time_is_shared_as_the_chain_says() -> None:
    """Over a long path each regime holds for its stationary share, and the scaled factors have mean 1."""
    chain = RegimeChain(REGIMES, Random(3))
    held: dict[str, int] = dict.fromkeys((each.name for each in REGIMES), 0)
    intensity = variance = 0.0
    steps = 200_000
    for _ in range(steps):
        chain.step(1.0)
        held[chain.name] += 1
        intensity += chain.intensity()
        variance += chain.volatility() ** 2
        assert chain.intensity() <= chain.most_intense
    shares = [count / steps for count in held.values()]
    assert shares == pytest.approx(time_shares(REGIMES), abs=0.03)
    assert intensity / steps == pytest.approx(1.0, abs=0.05)
    assert variance / steps == pytest.approx(1.0, abs=0.08)


def test_a_trend_keeps_its_direction_for_its_spell_and_both_directions_occur() -> None:
    """Drift changes only at a switch; over many spells it is up and down."""
    chain = RegimeChain(REGIMES, Random(5))
    drifts = set()
    before = (chain.name, chain.drift())
    for _ in range(20_000):
        chain.step(0.2)
        now = (chain.name, chain.drift())
        assert now == before or now[0] != before[0]
        drifts.add(chain.drift())
        before = now
    assert min(drifts) < 0 < max(drifts)


def test_one_regime_never_switches() -> None:
    """A steady market has factors 1 for ever."""
    chain = RegimeChain(STEADY, Random(1))
    chain.step(10**9)
    assert (chain.intensity(), chain.volatility(), chain.drift()) == (1.0, 1.0, 0.0)
