"""Foretold sigmas against returns."""

from __future__ import annotations

import random

import pytest

from hats.ml_research_scientist.judgement import Judge


def test_no_forecast_no_verdict() -> None:
    """A return for which nothing was foretold is learned from and not judged."""
    judge = Judge()
    assert judge.take(1.0, None) is None
    assert (judge.returns, judge.judged) == (1, 0)


def judged(factor: float) -> tuple[float, float]:
    """Mean skill and last calibration gap of forecasts that are `factor` times the true sigma of 2 bps."""
    judge, rng, skills, gap = Judge(), random.Random(9), [], 1.0
    for _ in range(2_000):
        verdict = judge.take(rng.gauss(0.0, 2.0), 2.0 * factor)
        assert verdict is not None
        gap = verdict.calibration_gap
        if verdict.skill_nats is not None:
            skills.append(verdict.skill_nats)
    return sum(skills) / len(skills), gap


def test_the_truth_scores_and_lies_do_not() -> None:
    """True sigmas are calibrated and as good as the constant; sigmas three times too big or small lose on both."""
    skill, gap = judged(1.0)
    assert skill == pytest.approx(0.0, abs=0.02)
    assert gap < 0.12
    for factor in (1.0 / 3.0, 3.0):
        skill, gap = judged(factor)
        assert skill < -0.2
        assert gap > 0.25
