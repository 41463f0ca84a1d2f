"""The tuples between strategies and the desk."""

from __future__ import annotations

from hats.quant_strategist.strategies import STRATEGIES
from hats.quant_strategist.strategies.decision import NOTHING


def test_nothing_is_no_size_on_either_side() -> None:
    """The empty wish asks for nothing."""
    assert (NOTHING.bid_sz, NOTHING.ask_sz) == (0.0, 0.0)


def test_there_are_two_strategies_and_only_the_maker_quotes() -> None:
    """The registry names each kind that the settings accept."""
    assert {kind: strategy.quotes for kind, strategy in STRATEGIES.items()} == {
        "avellaneda_stoikov": True,
        "trend": False,
    }
