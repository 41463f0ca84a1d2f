"""The strategies there are: one pure decision each, and how its settings become plain floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from hats.quant_strategist.strategies import avellaneda_stoikov, trend
from hats.quant_strategist.strategies.decision import Holding, Row, Wish


class Strategy(NamedTuple):
    """One kind. `params` are a NamedTuple of floats of its own; `decide` is pure. `quotes`: it rests on both sides."""

    decide: Callable[[Row, Holding, Any], Wish]
    params: Callable[[Any], tuple[float, ...]]
    quotes: bool


STRATEGIES: Final[dict[str, Strategy]] = {
    "avellaneda_stoikov": Strategy(avellaneda_stoikov.decide, avellaneda_stoikov.params_from, quotes=True),
    "trend": Strategy(trend.decide, trend.params_from, quotes=False),
}
