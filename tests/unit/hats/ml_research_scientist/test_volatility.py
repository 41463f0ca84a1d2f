"""The forward filter and its online learning."""

from __future__ import annotations

import csv
import gzip
import math
import random
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hats.ml_research_scientist.settings import Settings
from hats.ml_research_scientist.volatility import VolatilityFilter, filtered, log_density, long_run

SETTINGS = Settings()
RECORDED = Path(__file__).parents[5] / "shared/data/market/btc_perp_1m_20211231_20220201.csv.gz"
returns_or_gaps = st.one_of(st.none(), st.floats(-500.0, 500.0))


def two_regimes(rng: random.Random, bars: int, calm_bps: float, wild_bps: float) -> Iterator[tuple[float, bool]]:
    """Gaussian returns of a chain that stays 100 bars on average; with each whether it was wild."""
    wild = False
    for _ in range(bars):
        wild ^= rng.random() < 0.01
        yield rng.gauss(0.0, wild_bps if wild else calm_bps), wild


def skill_nats(returns: Iterable[float], settings: Settings) -> float:
    """Mean log likelihood won against a constant sigma known so far."""
    model, won, judged, squares = VolatilityFilter(), 0.0, 0, 0.0
    for seen, value in enumerate(returns):
        if model.is_ready:
            won += log_density(value, model.sigma_bps()) - log_density(value, math.sqrt(squares / seen))
            judged += 1
        squares += value * value
        model.take(value, settings)
    return won / judged


@hypothesis_settings(max_examples=60)
@given(st.lists(returns_or_gaps, min_size=1, max_size=80))
def test_chances_sum_to_one_and_sigmas_keep_their_order(values: list[float | None]) -> None:
    """Whatever comes, probabilities are probabilities and calm is calmer than normal is calmer than turbulent."""
    model = VolatilityFilter()
    for value in values:
        model.take(value, Settings(warmup_bars=3))
        if model.is_ready:
            assert sum(model.chances) == pytest.approx(1.0)
            assert sum(model.predicted()) == pytest.approx(1.0)
            assert all(0.0 <= chance <= 1.0 for chance in model.chances)
            assert all(sum(row) == pytest.approx(1.0) for row in model.moves)
            assert 0.0 < model.variances[0] < model.variances[1] < model.variances[2]
            assert model.variances[0] ** 0.5 <= model.sigma_bps() <= model.variances[2] ** 0.5


def test_two_regimes_are_told_apart() -> None:
    """On a chain of 1 and 4 bps the forecast sigma says which is on, right at least nine times in ten."""
    model, right, asked = VolatilityFilter(), 0, 0
    for value, wild in two_regimes(random.Random(3), 6_000, 1.0, 4.0):
        model.take(value, SETTINGS)
        if asked or model.seen > 1_000:
            asked += 1
            right += (model.sigma_bps() > 2.0) == wild
    assert right / asked > 0.9


def test_volatility_that_changes_is_worth_a_model() -> None:
    """The filter beats a constant sigma on two regimes and loses almost nothing on one."""
    changing = [value for value, _ in two_regimes(random.Random(4), 4_000, 1.0, 4.0)]
    constant = [value for value, _ in two_regimes(random.Random(5), 4_000, 2.0, 2.0)]
    assert skill_nats(changing, SETTINGS) > 0.15
    assert skill_nats(constant, SETTINGS) > -0.02


def test_the_level_is_learned_whatever_the_unit() -> None:
    """After a hundredfold rise of volatility the forecast follows."""
    model, rng = VolatilityFilter(), random.Random(6)
    for scale in (0.1, 10.0):
        for _ in range(3_000):
            model.take(rng.gauss(0.0, scale), SETTINGS)
        assert model.sigma_bps() == pytest.approx(scale, rel=0.35)


def test_recorded_minutes_are_foretold_better_than_by_a_constant() -> None:
    """A month of real one-minute bars: skill above 0.15 nats a bar."""
    if not RECORDED.exists():
        pytest.skip(f"the recorded bars are not here: {RECORDED}")
    with gzip.open(RECORDED, "rt") as file:
        closes = [float(row["close"]) for row in csv.DictReader(file)][:10_000]
    returns = [math.log(b / a) * 10_000 for a, b in pairwise(closes)]
    assert skill_nats(returns, SETTINGS) > 0.15


def test_a_silent_bar_moves_the_chain_and_teaches_nothing() -> None:
    """Without an observation chances go where the chain leads; the parameters stay."""
    model, rng = VolatilityFilter(), random.Random(7)
    for _ in range(100):
        model.take(rng.gauss(0.0, 1.0), SETTINGS)
    ahead, variances, moves = model.predicted(), list(model.variances), [list(row) for row in model.moves]
    model.take(None, SETTINGS)
    assert model.chances == ahead
    assert (model.variances, model.moves) == (variances, moves)


def test_long_silence_leads_to_the_long_run() -> None:
    """`relax` is where endless silence would lead."""
    model, rng = VolatilityFilter(), random.Random(8)
    for _ in range(200):
        model.take(rng.gauss(0.0, 1.0), SETTINGS)
    expected = long_run(model.moves)
    for _ in range(2_000):
        model.take(None, SETTINGS)
    assert model.chances == pytest.approx(expected, abs=1e-6)
    model.relax()
    assert model.chances == pytest.approx(expected, abs=1e-6)


def test_filter_is_bayes_rule() -> None:
    """Two states as likely before; the densities decide."""
    chances = filtered([0.5, 0.5, 0.0], [1.0, 4.0, 9.0], 0.0)
    assert chances == pytest.approx([2.0 / 3.0, 1.0 / 3.0, 0.0])


def test_log_density_is_the_gaussian() -> None:
    """At zero with sigma 1 it is -log sqrt(2 pi)."""
    assert log_density(0.0, 1.0) == pytest.approx(-0.9189385)
