"""Avellaneda and Stoikov's quotes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.quant_strategist.settings import AvellanedaStoikovSettings
from hats.quant_strategist.strategies.avellaneda_stoikov import Params, decide, params_from
from hats.quant_strategist.strategies.decision import Holding, Row

PARAMS = params_from(AvellanedaStoikovSettings(id="mm", coin="BTC", capital_share=0.5))


def row(sigma_bps: float = 1.0, turbulence: float = 0.0, funding_bps: float = 0.0) -> Row:
    """A market at 100."""
    return Row(100.0, 100.0, 99.99, 100.01, sigma_bps, turbulence, funding_bps, 0.0, 0.0)


def test_flat_quotes_are_the_papers() -> None:
    """Without inventory the quotes stand gamma sigma^2 t / 2 + ln(1 + gamma / kappa) / gamma around the price."""
    half_bps = 0.05 * 1.0 * 5.0 / 2 + math.log(1 + 0.05 / 3.0) / 0.05
    wish = decide(row(), Holding(0.0, 10.0), PARAMS)
    assert wish.bid_px == pytest.approx(100.0 * (1 - half_bps / 1e4))
    assert wish.ask_px == pytest.approx(100.0 * (1 + half_bps / 1e4))
    assert (wish.bid_sz, wish.ask_sz) == (1.0, 1.0)


def test_inventory_moves_both_quotes_by_q_gamma_sigma_squared_t() -> None:
    """Two quotes long at gamma 0.05, sigma 2 and 5 s: both quotes two bps lower."""
    flat, long = (decide(row(sigma_bps=2.0), Holding(net, 10.0), PARAMS) for net in (0.0, 2.0))
    assert (long.bid_px - flat.bid_px) / 100.0 * 1e4 == pytest.approx(-2.0)
    assert (long.ask_px - flat.ask_px) / 100.0 * 1e4 == pytest.approx(-2.0)


def test_turbulence_widens_and_shrinks() -> None:
    """Sure turbulence doubles the spread and halves the size."""
    calm, wild = (decide(row(turbulence=p), Holding(0.0, 10.0), PARAMS) for p in (0.0, 1.0))
    assert wild.ask_px - wild.bid_px == pytest.approx(2 * (calm.ask_px - calm.bid_px))
    assert wild.bid_sz == pytest.approx(calm.bid_sz / 2)


def test_longs_that_pay_funding_are_less_wanted() -> None:
    """Positive funding lowers both quotes."""
    assert (
        decide(row(funding_bps=100.0), Holding(0.0, 10.0), PARAMS).bid_px
        < decide(row(), Holding(0.0, 10.0), PARAMS).bid_px
    )


@given(st.floats(0.01, 500.0), st.floats(0.0, 1.0), st.floats(-12.0, 12.0))
def test_bid_stays_below_ask_and_position_inside_the_limit(sigma_bps: float, turbulence: float, net: float) -> None:
    """Whatever the market, quotes never cross and a fill never carries the position beyond the limit."""
    wish = decide(row(sigma_bps, turbulence), Holding(net, 10.0), PARAMS)
    assert 0.0 < wish.bid_px < wish.ask_px
    assert wish.bid_sz == 0.0 or net + wish.bid_sz <= 10.0 + 1e-9
    assert wish.ask_sz == 0.0 or net - wish.ask_sz >= -10.0 - 1e-9


def test_the_decision_is_floats_in_and_floats_out() -> None:
    """Nothing but plain floats crosses the boundary, so that a compiler can take it."""
    wish = decide(row(), Holding(1.0, 10.0), PARAMS)
    assert all(type(value) is float for value in (*PARAMS, *wish, *row()))
    assert isinstance(PARAMS, Params)
