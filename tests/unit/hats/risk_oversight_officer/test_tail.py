"""The tail by hand: value at risk, shortfall and stress of small books whose answers can be counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hats.risk_oversight_officer import Settings
from hats.risk_oversight_officer.history import MidTrail, Returns
from hats.risk_oversight_officer.market import Market
from hats.risk_oversight_officer.tail import Corner, Losses, Tail, box_of
from hats.risk_oversight_officer.volatility import correlations, filtered, simulated, variances
from shared.messages.risk import RiskModel
from shared.units import USD
from tests.unit.hats.risk_oversight_officer.scene import features

RAW = Settings(var_models=(RiskModel.HISTORICAL,), var_horizon_samples=1, var_samples_min=100)


def by_history(var_usd: int, shortfall_usd: int) -> Losses:
    """Losses that were counted in the returns as they were."""
    return Losses(var_usd, shortfall_usd, RiskModel.HISTORICAL, RiskModel.HISTORICAL)


def returns(**rows: Sequence[int | None]) -> Returns:
    """Returns as they are told."""
    return Returns(rows={coin: list(row) for coin, row in rows.items()}, samples=1)


def long(coin: str, usd: int) -> Corner:
    """A position that is held and nothing else."""
    return Corner(coin, usd * USD, -usd * USD)


def test_the_worst_of_a_hundred_and_the_mean_of_the_worst_two() -> None:
    """Of 200 returns the second worst is value at risk (1 in 100), the mean of the worst five the shortfall."""
    row = [1_000] * 195 + [-50_000, -40_000, -30_000, -20_000, -10_000]
    assert Tail(returns(A=row), RAW).losses(box_of([long("A", 1_000)])) == by_history(40 * USD, 30 * USD)
    assert Tail(returns(A=row), RAW).losses(box_of([long("A", -1_000)])) == by_history(1 * USD, 1 * USD)


def test_coins_that_fall_together_add_up_and_a_hedge_takes_away() -> None:
    """Twice the same coin loses twice; long one and short the other loses nothing."""
    row = [-100_000] * 5 + [0] * 95
    tail = Tail(returns(A=row, B=row), RAW)
    assert tail.losses(box_of([long("A", 100), long("B", 100)])) == by_history(20 * USD, 20 * USD)
    assert tail.losses(box_of([long("A", 100), long("B", -100)])) == by_history(0, 0)


def test_open_orders_count_on_their_worse_side() -> None:
    """Flat with a buy of 100 and a sell of 300 open, the fall costs the buy and the rise costs the sell."""
    tail = Tail(returns(A=[-100_000] * 3 + [200_000] * 3 + [0] * 94), RAW)
    losses = tail.losses(box_of([Corner("A", 100 * USD, 300 * USD)]))
    assert losses is not None
    assert losses.var_usd == 60 * USD


def test_a_coin_with_too_little_history_makes_it_unknown() -> None:
    """One return too few, or a coin never seen: None, never a number."""
    assert Tail(returns(A=[0] * 99), RAW).losses(box_of([long("A", 1)])) is None
    assert Tail(returns(A=[0] * 100), RAW).losses(box_of([long("A", 1)])) == by_history(0, 0)
    assert Tail(returns(A=[0] * 100), RAW).losses(box_of([long("A", 1), long("B", 1)])) is None


def test_a_long_history_of_another_coin_thins_no_tail_out() -> None:
    """A young coin's tail is that of its own returns, beside a coin that was watched five times as long."""
    young = [0] * 99 + [-100_000]
    alone = Tail(returns(A=young), RAW).losses(box_of([long("A", 100)]))
    assert alone == by_history(10 * USD, 5 * USD)
    old = returns(A=young, B=[0] * 500)
    assert Tail(old, RAW).losses(box_of([long("A", 100)])) == alone
    assert Tail(old, RAW).losses(box_of([long("A", 100), long("B", 10**6)])) == alone
    crash = returns(A=young, B=[-100_000] * 20 + [0] * 480)
    assert Tail(crash, RAW).losses(box_of([long("A", 100), long("B", 100)])) == by_history(10 * USD, 10 * USD)


def test_a_return_that_is_not_known_is_none_in_the_middle_too() -> None:
    """The tail of two coins is read where both are known; if that is too seldom it is thin, and read over all."""
    gap = [None] * 100
    together = returns(A=[0] * 100 + gap + [-100_000] * 5 + [0] * 95, B=[0] * 200 + [-100_000] * 5 + [0] * 95)
    assert Tail(together, RAW).losses(box_of([long("A", 100), long("B", 100)])) == by_history(20 * USD, 20 * USD)
    rarely = returns(A=[0] * 100 + gap + [0] * 99, B=gap + [0] * 199)
    assert Tail(rarely, RAW).losses(box_of([long("A", 100)])) == by_history(0, 0)
    assert Tail(rarely, RAW).losses(box_of([long("A", 100), long("B", 100)])) == by_history(0, 0)._replace(is_thin=True)


@pytest.mark.parametrize("weights", [(0.06, 0.94), (0.1, 0.85)])
@pytest.mark.parametrize("model", [RiskModel.HISTORICAL, RiskModel.FILTERED, RiskModel.CORNISH_FISHER])
def test_a_young_coin_is_judged_beside_an_old_one_as_alone(model: RiskModel, weights: tuple[float, float]) -> None:
    """Its unknown past is no calm: it adds nothing to its loss and takes nothing away."""
    alpha, beta = weights
    models = (RiskModel.HISTORICAL, model)[model is RiskModel.HISTORICAL :]
    limits = Settings.model_validate({"var_models": models, "var_alpha": alpha, "var_beta": beta})
    moves = [int(each) for each in np.random.default_rng(3).normal(0, 1_000, 500)]
    held = box_of([long("A", 100_000)])
    for first in (moves[200:], [*moves[200:300], *[None] * 50, *moves[300:450]]):
        alone = Tail(returns(A=[each for each in first if each is not None]), limits).losses(held)
        beside = Tail(returns(A=first, B=moves), limits).losses(held)
        assert alone is not None
        assert beside is not None
        assert (beside.var_usd, beside.shortfall_usd) == (alone.var_usd, alone.shortfall_usd)


def test_monte_carlo_takes_correlation_where_both_are_known() -> None:
    """Two coins that fall together do so whatever the younger one's age."""
    chance = np.random.default_rng(0)
    market = chance.normal(0, 1_000, 500)
    old, young = ([int(each) for each in market + chance.normal(0, 200, 500)] for _ in range(2))
    limits, held = Settings(var_models=(RiskModel.MONTE_CARLO,)), box_of([long("A", 100_000), long("B", 100_000)])
    full = Tail(returns(A=old, B=young), limits).losses(held)
    assert full is not None
    for row in (young[200:], [*young[:150], *[None] * 200, *young[350:]]):
        found = Tail(returns(A=old, B=row), limits).losses(held)
        assert found is not None
        assert found.var_usd == pytest.approx(full.var_usd, rel=0.02)


def test_correlations_that_contradict_each_other_are_made_to_agree() -> None:
    """A with B and B with C as one, A against C, each pair seen at other times: the nearest that all can have."""
    moves = np.random.default_rng(1).normal(0, 1, 60)
    unknown = np.full(60, np.nan)
    columns = ([moves, unknown, moves], [moves, moves, unknown], [unknown, moves, -moves])
    found = correlations(np.array([np.concatenate(column) for column in columns]).T)
    assert np.diag(found) == pytest.approx([1.0, 1.0, 1.0])
    assert np.linalg.eigvalsh(found).min() > -1e-12
    assert found[0, 1] == pytest.approx(0.5)
    assert found[0, 2] == pytest.approx(-found[1, 2])
    apart = correlations(np.array([np.concatenate([moves, unknown]), np.concatenate([unknown, moves])]).T)
    assert apart == pytest.approx(np.eye(2))


def test_the_horizon_scales_by_the_square_root() -> None:
    """Four samples ahead lose twice as much."""
    row = [-10_000] * 5 + [0] * 95
    tail = Tail(returns(A=row), RAW.model_copy(update={"var_horizon_samples": 4}))
    assert tail.losses(box_of([long("A", 100)])) == by_history(2 * USD, 2 * USD)


@pytest.mark.parametrize(
    ("corners", "usd", "name"),
    [
        ([long("BTC", 100)], 50.0, "2020-03-12 black thursday"),
        ([long("DOGE", 100)], 62.0, "2025-10-10 tariff crash"),
        ([long("BTC", 100), long("DOGE", -100)], 40.0, "squeeze"),
        ([long("DOGE", 100), long("AVAX", -100)], 62.0, "2025-10-10 with the winning legs deleveraged"),
        ([], 0.0, "2025-10-10 tariff crash"),
    ],
)
def test_named_scenarios(corners: list[Corner], usd: float, name: str) -> None:
    """What each book fears most; a hedge whose winning leg is taken away loses its losing one in full."""
    stressed = Tail(Returns(), RAW).stress(box_of(corners))
    assert (stressed.usd, stressed.name) == (int(usd * USD), name)


def test_the_trail_keeps_its_window() -> None:
    """Only the last samples bound it, and a coin that nobody saw has no bounds."""
    market, trail = Market(), MidTrail()
    for mid in (900_000, 1_000_000, 1_100_000):
        market.hear(features("AAA", mid_px=mid))
        trail.sample(market, 2)
    assert trail.bounds("AAA") == (2_000_000, 2_200_000)
    assert trail.bounds("BBB") is None


def test_one_recursion_is_ewma_and_garch() -> None:
    """v' = (1 - a - b) v_mean + a r^2 + b v, by hand."""
    found = variances(np.array([[2.0], [0.0]]), 0.1, 0.8)[:, 0]
    assert found == pytest.approx([2.0, 0.1 * 2 + 0.1 * 4 + 0.8 * 2, 0.1 * 2 + 0.8 * 2.2])
    assert variances(np.zeros((3, 1)), 0.1, 0.9).min() > 0


def test_a_variance_waits_for_the_next_known_return() -> None:
    """By hand: before the first it is the mean square of what is known, and over a gap it stays."""
    found = variances(np.array([[np.nan], [2.0], [np.nan], [0.0]]), 0.1, 0.9)[:, 0]
    assert found == pytest.approx([2.0, 2.0, 2.2, 2.2, 1.98])


def test_filtering_tells_history_at_todays_volatility() -> None:
    """A calm return before a wild day is scaled up, and a wild one before a calm stretch down."""
    wild = np.array([[0.01]] * 50 + [[-0.10]])
    assert abs(filtered(wild, 0.06, 0.94)[0, 0]) > 0.015
    calm = np.array([[-0.10]] + [[0.001]] * 100)
    assert abs(filtered(calm, 0.06, 0.94)[0, 0]) < 0.10


def test_monte_carlo_has_the_sample_s_moments_and_fatter_tails() -> None:
    """Correlation and volatility are the sample's; far losses are more frequent than a normal's; the seed decides."""
    chance = np.random.Generator(np.random.PCG64(5))
    normal = chance.standard_normal((4_000, 1))
    history = 0.01 * np.hstack([normal, 0.8 * normal + 0.6 * chance.standard_normal((4_000, 1))])
    drawn = simulated(history, 0.01, 0.98, 20_000, np.random.Generator(np.random.PCG64(1)))
    standard = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    assert (standard[:, 0] * standard[:, 1]).mean() == pytest.approx(0.8, abs=0.05)
    today = np.sqrt(variances(history, 0.01, 0.98)[-1])
    assert (drawn.std(axis=0) / today) == pytest.approx([1.0, 1.0], abs=0.1)
    assert (np.abs(drawn / drawn.std(axis=0)) > 4).mean() > 10 * 6.3e-5
    again = simulated(history, 0.01, 0.98, 20_000, np.random.Generator(np.random.PCG64(1)))
    assert (drawn == again).all()
    tail = Tail(returns(A=[int(x) for x in 1e6 * history[:500, 0]]), Settings(var_models=(RiskModel.MONTE_CARLO,)))
    assert tail.losses(box_of([long("A", 1_000)])) is not None
