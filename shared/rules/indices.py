"""Index prices: the oracle of many spot venues, the mark of many legs, and what stands in where no spot trades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared.rules.median import median_px
from shared.units import Px

SPOT_WEIGHTS: Final[Mapping[str, int]] = {
    "Binance": 3,
    "OKX": 2,
    "Bybit": 2,
    "Kraken": 1,
    "Kucoin": 1,
    "Gate": 1,
    "MEXC": 1,
    "Hyperliquid": 1,
}
"""Weights of spot mids in a validator's oracle. Source: Hyperliquid documentation, "Robust price indices"."""
PERP_WEIGHTS: Final[Mapping[str, int]] = {"Binance": 3, "OKX": 2, "Bybit": 2, "Gate": 1, "MEXC": 1}
"""Weights of perp mids in the third leg of the mark. Same source."""

HYPERP_ORACLE_MULTIPLE: Final = 4
"""A hyperp's oracle is never above this many times its first mark."""
HYPERP_MARK_MULTIPLE: Final = 3
"""A hyperp's mark is never above this many times its oracle's average."""
DEPLOYED_STEP_PERCENT: Final = 1
"""How far one update may move a price of a dex that others deployed."""
DEPLOYED_DAY_MULTIPLE: Final = 10
"""How many times its value at the start of the day such a price may reach, either way."""


def weighted_median_px(pairs: Iterable[tuple[int, int]]) -> int | None:
    """Price at which half of the weight is reached; the lower of the middle two on an exact half; None for none.

    `pairs` are (price, weight); weights that are not positive count nothing.
    """
    ranked = sorted((px, weight) for px, weight in pairs if weight > 0)
    total, reached = sum(weight for _, weight in ranked), 0
    for px, weight in ranked:
        reached += weight
        if 2 * reached >= total:
            return px
    return None


def oracle_px(spot_mids: Mapping[str, int], weights: Mapping[str, int] = SPOT_WEIGHTS) -> Px | None:
    """One validator's oracle: weighted median of the spot mids by venue; venues without a weight count nothing.

    An asset whose spot trades elsewhere is asked about without "Hyperliquid"; one that trades only here, with it alone.
    """
    px = weighted_median_px((mid, weights.get(venue, 0)) for venue, mid in spot_mids.items())
    return None if px is None else Px(px)


def staked_oracle_px(votes: Iterable[tuple[int, int]]) -> Px | None:
    """The network's oracle: median of the validators' prices by stake; `votes` are (price, stake)."""
    px = weighted_median_px(votes)
    return None if px is None else Px(px)


def external_perp_px(perp_mids: Mapping[str, int], weights: Mapping[str, int] = PERP_WEIGHTS) -> Px | None:
    """Third leg of the mark: weighted median of other venues' perp mids; None when no weighted venue has one."""
    return oracle_px(perp_mids, weights)


def hyperp_oracle_px(average_px: int, first_mark_px: int) -> Px:
    """Oracle of a perp without a spot: the average of its own marks, at most four times its first mark."""
    return Px(max(min(average_px, HYPERP_ORACLE_MULTIPLE * first_mark_px), 1))


def hyperp_mark_px(mark_px: int, average_px: int) -> Px:
    """Mark of a perp without a spot: at most three times the average of its marks."""
    return Px(max(min(mark_px, HYPERP_MARK_MULTIPLE * average_px), 1))


def deployed_mark_px(local_px: int | None, given_pxs: Sequence[int]) -> int | None:
    """Median of the deployer's marks (at most two) and the local one, median(bid, ask, last); None when none exists."""
    pxs = [*given_pxs, *(() if local_px is None else (local_px,))]
    return median_px(pxs) if pxs else None


def stepped_px(asked_px: int, before_px: int, day_start_px: int) -> Px:
    """`asked_px` moved no further than one update may: 1 % from `before_px`, and within 10 x of the day's start.

    A price that never was (`before_px` 0) is taken as asked. The step is rounded down, but is at least one unit.
    """
    if not before_px:
        return Px(asked_px)
    step = max(before_px * DEPLOYED_STEP_PERCENT // 100, 1)
    px = max(before_px - step, min(asked_px, before_px + step))
    lowest, highest = -(-day_start_px // DEPLOYED_DAY_MULTIPLE), day_start_px * DEPLOYED_DAY_MULTIPLE
    return Px(max(lowest, min(px, highest), 1))


def twap_px(integral: int, span: int) -> Px:
    """Time-weighted price from price x time over a time, to the nearest unit."""
    return Px((2 * integral + span) // (2 * span))
