"""Cornish-Fisher in the veto: the estimator's figures, silence outside its domain, and whose loss was worst."""

from __future__ import annotations

import numpy as np
import pytest

from hats.risk_oversight_officer import Settings, moments
from hats.risk_oversight_officer.estimators import cornish_fisher
from hats.risk_oversight_officer.history import Returns
from hats.risk_oversight_officer.settings import TailModel
from hats.risk_oversight_officer.tail import AT_SHORTFALL, AT_VAR, Corner, Losses, Tail, box_of
from shared.messages.risk import DenyReason, OrderDenied, RiskModel
from shared.units import USD
from tests.unit.hats.risk_oversight_officer.scene import intent, judged, officer

CHANCE = np.random.Generator(np.random.PCG64(3))
MILD = np.rint(CHANCE.standard_t(12, 500) * 4_000)
"""Returns with tails a little fatter than a normal's, 10^-6."""


def losses(row: np.ndarray[tuple[int, ...], np.dtype[np.float64]], usd: int, *models: TailModel) -> Losses:
    """What a position in one coin with these returns may lose, a sample ahead."""
    settings = Settings(var_models=models, var_horizon_samples=1)
    returns = Returns(rows={"A": [int(each) for each in row]}, samples=1)
    found = Tail(returns, settings).losses(box_of([Corner("A", usd * USD, -usd * USD)]))
    assert found is not None
    return found


@pytest.mark.parametrize("scale", [1.0, 37.0, 1e6, 1e9])
def test_it_is_the_estimator_to_a_thousandth(scale: float) -> None:
    """Twelve bits are enough at any size, and a loss is rounded up to a whole."""
    outcomes = np.rint(MILD * scale)
    var, shortfall, unheard = moments.losses(np.vstack([outcomes] * 3), AT_VAR, AT_SHORTFALL)
    assert var == pytest.approx(cornish_fisher(outcomes, 0.01).var, rel=1e-3)
    assert shortfall == pytest.approx(cornish_fisher(outcomes, 0.025).shortfall, rel=1e-3)
    assert not unheard


def test_the_order_of_outcomes_does_not_matter() -> None:
    """Sums of integers: any machine adds them to the same."""
    outcomes = np.vstack([MILD * 1e6] * 3)
    backwards = np.ascontiguousarray(outcomes[:, ::-1])
    found = moments.losses(outcomes, AT_VAR, AT_SHORTFALL)
    assert moments.losses(backwards, AT_VAR, AT_SHORTFALL) == found


def test_fourth_powers_of_the_most_outcomes_fit() -> None:
    """Five thousand at the very edge of the resolution, as many as `var_samples` allows: sums stay exact."""
    edge = np.array([[-4_096.0, 4_096.0] * 2_500])
    var, shortfall, unheard = moments.losses(edge, AT_VAR, AT_SHORTFALL)
    assert not var
    assert not shortfall
    assert "excess kurtosis -2.000" in unheard


def test_outside_its_domain_the_others_hold_and_it_is_said_why() -> None:
    """One crash in a quiet history is no case for an expansion: the counted loss stands, with the reason."""
    row = np.array([100.0, -100.0] * 245 + [-500_000.0] * 10)
    found = losses(row, 1_000, RiskModel.HISTORICAL, RiskModel.CORNISH_FISHER)
    assert (found.var_usd, found.var_model) == (500 * USD, RiskModel.HISTORICAL)
    assert "no quantile function" in found.unheard


def test_nothing_that_varies_loses_nothing() -> None:
    """No division by a volatility of zero."""
    found = losses(np.zeros(500), 1_000, RiskModel.FILTERED, RiskModel.CORNISH_FISHER)
    assert (found.var_usd, found.shortfall_usd, found.unheard) == (0, 0, "")


def test_the_model_that_fears_most_is_heard_and_named() -> None:
    """A history whose worst 1 % is mild for its kurtosis: the expansion fears more than what was counted."""
    counted = losses(MILD, 10**6, RiskModel.FILTERED)
    both = losses(MILD, 10**6, RiskModel.FILTERED, RiskModel.CORNISH_FISHER)
    assert both.var_usd >= counted.var_usd
    assert both.shortfall_usd >= counted.shortfall_usd
    flat = np.clip(MILD, np.quantile(MILD, 0.02), None)
    worst = losses(flat, 10**6, RiskModel.FILTERED, RiskModel.HISTORICAL, RiskModel.CORNISH_FISHER)
    assert worst.var_model is RiskModel.CORNISH_FISHER


def test_it_vetoes_with_its_name() -> None:
    """An order that the counted models let pass is denied by the expansion, and the denial names it."""
    flat = [int(each) for each in np.clip(MILD, np.quantile(MILD, 0.02), None)]
    models = ("historical", "cornish_fisher")
    answers = {}
    for asked in (models[:1], models):
        hat = officer(10_000, var_models=asked, var_horizon_samples=1, var_limit_bps=470)
        hat.state.returns.rows["AAA"] = list(flat)
        hat.state.returns.samples += 1
        answers[asked] = judged(hat, intent(1, sz=5 * 10**4))
    denied = answers[models]
    assert not isinstance(answers[models[:1]], OrderDenied)
    assert isinstance(denied, OrderDenied)
    assert (denied.reason, denied.model) == (DenyReason.VALUE_AT_RISK, RiskModel.CORNISH_FISHER)


def test_it_may_not_be_alone() -> None:
    """Outside its domain nobody would speak."""
    with pytest.raises(ValueError, match="beside cornish_fisher"):
        Settings(var_models=(RiskModel.CORNISH_FISHER,))
