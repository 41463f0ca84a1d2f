"""What good looks like for the Quant Strategist."""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

EDGE: Final = Measure(
    name="edge_bps",
    unit="bps",
    meaning="What a fill is worth against the mid a few seconds later, fees not included.",
    statistic=Statistic.MEAN,
    floor=-5.0,
    target=0.5,
    min_samples=20,
    weight=2.0,
)
FILL_RATE: Final = Measure(
    name="fill_rate",
    unit="share",
    meaning="Orders that traded at all before they ended; quotes far from the market never do.",
    statistic=Statistic.MEAN,
    floor=0.0,
    target=0.005,
    min_samples=200,
)
DENIED: Final = Measure(
    name="denied_share",
    unit="share",
    meaning="Intents vetoed for what they are, whatever the Risk Officer believes: their coin, price, size or number.",
    statistic=Statistic.MEAN,
    floor=0.3,
    target=0.01,
    min_samples=10,
    weight=2.0,
)
PRESENCE: Final = Measure(
    name="presence",
    unit="share",
    meaning="Sides on which a market maker that may quote, and has room to, has an order.",
    statistic=Statistic.MEAN,
    floor=0.3,
    target=0.9,
    min_samples=20,
    critical=True,
)
DECIDED: Final = Measure(
    name="decided_share",
    unit="share",
    meaning="Features of traded coins, heard while trading is allowed, that led to a decision.",
    statistic=Statistic.MEAN,
    floor=0.2,
    target=0.9,
    min_samples=10,
)
MEASURES: Final[tuple[Measure, ...]] = (EDGE, FILL_RATE, DENIED, PRESENCE, DECIDED)
