"""Fitted GARCH weights are taken coin by coin, within bounds only, and what is refused is said with its reason."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from hats.risk_oversight_officer.reporting import report
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.tail import Tail
from hats.risk_oversight_officer.volatility import filtered
from shared.hat import restore, snapshot
from shared.messages.risk import VarianceFitted, VarianceJudged
from tests.unit.hats.risk_oversight_officer.scene import officer, say

FIT = VarianceFitted("AAA", 0.10, 0.85, 500, 60_000)


def test_a_sound_fit_holds_from_here_on_for_its_coin() -> None:
    """It outlives a restart, and the other coins keep the weights of the settings."""
    hat = officer()
    assert say(hat, FIT) == [VarianceJudged("AAA", 0.10, 0.85, "")]
    again = officer()
    restore(again, snapshot(hat))
    assert again.state.returns.weights == {"AAA": (0.10, 0.85)}
    reported = report(again.state, Settings(), Tail(again.state.returns, Settings()))
    assert reported.fitted == {"AAA": (0.10, 0.85)}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"alpha": 0.31, "beta": 0.6}, "beyond alpha 0.3"),
        ({"alpha": 0.0}, "beyond alpha"),
        ({"alpha": math.nan}, "beyond alpha"),
        ({"beta": -0.1}, "beyond alpha"),
        ({"alpha": 0.15, "beta": 0.85}, "up to 1, exclusively"),
        ({"alpha": 0.05, "beta": 0.70}, "expected 0.8"),
        ({"returns": 499}, "fewer than the 500"),
        ({"every_ms": 1_000}, "sampled are those of 60000"),
    ],
)
def test_beyond_its_bounds_it_is_refused_and_said(changes: dict[str, float], why: str) -> None:
    """The weights that held before hold on: the settings' or the last good fit's."""
    hat = officer()
    (first,) = say(hat, msgspec.structs.replace(FIT, **changes))
    assert isinstance(first, VarianceJudged)
    assert (first.alpha, first.beta) == (0.06, 0.94)
    assert why in first.refusal
    say(hat, FIT)
    (second,) = say(hat, msgspec.structs.replace(FIT, **changes))
    assert isinstance(second, VarianceJudged)
    assert (second.alpha, second.beta) == (0.10, 0.85)


def test_the_tail_is_made_anew_with_each_coins_own_weights() -> None:
    """One without a fit is filtered as before, one with a fit by it."""
    hat = officer(var_models=("filtered",), var_horizon_samples=1)
    row = [50_000, -50_000] * 30 + [500, -500] * 30
    for coin in ("AAA", "BBB"):
        hat.state.returns.rows[coin] = list(row)
    say(hat, msgspec.structs.replace(FIT, alpha=0.2, beta=0.7))
    ((rows, *_),) = hat._current_tail()._outlooks
    history = np.array([row, row], dtype=float).T
    by_fit, by_settings = filtered(history, 0.2, 0.7), filtered(history, 0.06, 0.94)
    assert (rows[0] == np.rint(by_fit[:, 0])).all()
    assert (rows[1] == np.rint(by_settings[:, 1])).all()
    assert (rows[0] != rows[1]).any()
