"""Positions of strategies."""

from __future__ import annotations

from hats.quant_strategist.desk import Desk, StrategyState
from shared.ids import FLATTEN, FOREIGN, StrategyId
from shared.messages.order import Fill, FillBooked
from shared.order import Side
from shared.units import Ns, Px, Sz, Usd

ONE, TWO = StrategyId("one"), StrategyId("two")


def booked(strategy: StrategyId, side: Side, sz: int) -> FillBooked:
    """A BTC fill."""
    zero = Usd(0)
    return FillBooked(Fill("BTC", side, Px(1), Sz(sz), 1, None, 1, False, zero, zero, 0, Ns(1), Ns(1)), strategy)


def nets(desk: Desk) -> tuple[int, ...]:
    """Positions in the order of the strategies."""
    return tuple(state.net_sz for state in desk.strategies.values())


def test_a_fill_moves_its_own_strategy_only() -> None:
    """Foreign fills move none."""
    desk = Desk(strategies={ONE: StrategyState(), TWO: StrategyState()})
    desk.take_fill(booked(ONE, Side.BUY, 5), [ONE, TWO])
    desk.take_fill(booked(TWO, Side.SELL, 3), [ONE, TWO])
    desk.take_fill(booked(FOREIGN, Side.SELL, 9), [ONE, TWO])
    assert nets(desk) == (5, -3)


def test_closing_by_the_house_closes_what_strategies_hold() -> None:
    """A flattening sale takes longs off, in order, and never turns a position round."""
    desk = Desk(strategies={ONE: StrategyState(net_sz=5), TWO: StrategyState(net_sz=4)})
    desk.take_fill(booked(FLATTEN, Side.SELL, 7), [ONE, TWO])
    assert nets(desk) == (0, 2)
    desk.take_fill(booked(FLATTEN, Side.SELL, 7), [ONE, TWO])
    assert nets(desk) == (0, 0)
