"""The tail by hand: value at risk, shortfall and stress of small books whose answers can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from hats.risk_oversight_officer import Settings
from hats.risk_oversight_officer.history import MidTrail, Returns
from hats.risk_oversight_officer.market import Market
from hats.risk_oversight_officer.tail import Corner, Losses, Tail, box_of
from hats.risk_oversight_officer.volatility import filtered, simulated, variances
from shared.messages.risk import RiskModel
from shared.units import USD
from tests.unit.hats.risk_oversight_officer.scene import features

RAW = Settings(var_models=(RiskModel.HISTORICAL,), var_horizon_samples=1, var_samples_min=100)


def by_history(var_usd: int, shortfall_usd: int) -> Losses:
    """Losses that were counted in the returns as they were."""
    return Losses(var_usd, shortfall_usd, RiskModel.HISTORICAL, RiskModel.HISTORICAL)


def returns(**rows: list[int]) -> Returns:
    """Returns as they are told."""
    return Returns(rows=rows, samples=1)


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


def test_returns_are_sampled_in_step() -> None:
    """A coin's first sample gives no return, later ones do, and no more than wanted are kept."""
    market, sampled = Market(), Returns()
    for number, mid in enumerate((1_000_000, 1_010_000, 999_900, 1_000_000)):
        market.hear(features("AAA", mid_px=mid))
        if number:
            market.hear(features("BBB", mid_px=2 * mid))
        sampled.sample(market, 2)
    assert sampled.rows == {"AAA": [-10_000, 100], "BBB": [-10_000, 100]}
    assert sampled.samples == 4


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
