"""Marks and oracles of what is priced in its own way: hyperps, the perps of deployed dexs, and spot pairs."""

from __future__ import annotations

from typing import Final

from shared.rules.indices import deployed_mark_px, hyperp_mark_px, hyperp_oracle_px, stepped_px
from shared.rules.median import median_px
from shared.units import DAY, HOUR, MINUTE, SECOND, Px
from shared.venue.core.marks import DecayingMean, MarkRule

HYPERP_TAU_NS: Final = 8 * HOUR
STALE_NS: Final = 10 * SECOND
"""Age at which the deployer's marks are dropped for the local one. Source: documentation, "HIP-3 deployer actions"."""
ORACLE_GAP_NS: Final = 2_500_000_000
"""Least time between two words of a deployer. Same source."""


class HyperpRule(MarkRule):
    """A perp without a spot: its oracle is the 8 h EMA of its minutely marks, its mark lies around that.

    The first mark is the first sample. While nothing happens the mark stands, so missed minutes are equal samples.
    Source: Hyperliquid documentation, "Hyperps".
    """

    __slots__ = ("_average", "_first_px", "_mark_px", "_minute")

    def __init__(self, first_px: Px) -> None:
        super().__init__()
        self._first_px = first_px
        self._mark_px = first_px
        self._average = DecayingMean(HYPERP_TAU_NS)
        self._minute: int | None = None

    def oracle(self, now_ns: int, _given_px: Px, _before_px: Px) -> Px:
        """The average of the marks so far; nobody's word counts."""
        minute = now_ns // MINUTE
        samples = 1 if self._minute is None else minute - self._minute
        self._minute = minute
        for _ in range(samples):
            self._average.add(self._mark_px, MINUTE)
        return hyperp_oracle_px(self._average.value(self._first_px), self._first_px)

    def update(self, now_ns: int, oracle_px: Px, bid: Px | None, ask: Px | None, last: Px | None) -> Px:
        """The mark, at most three times the average."""
        mark = super().update(now_ns, oracle_px, bid, ask, last)
        self._mark_px = hyperp_mark_px(mark, self._average.value(self._first_px))
        return self._mark_px


class DeployedRule(MarkRule):
    """A perp of a deployed dex: its mark moves when the deployer speaks, or to the book after 10 s of silence.

    What other venues' perps do to the mark is documented as a guard without a formula; `weighs_external` takes them as
    one more input of the median. Source: Hyperliquid documentation, "HIP-3 deployer actions".
    """

    __slots__ = ("_day", "_day_mark_px", "_day_oracle_px", "_given_pxs", "_heard_ns", "_mark_px", "weighs_external")

    def __init__(self, weighs_external: bool) -> None:
        super().__init__()
        self.weighs_external = weighs_external
        self._given_pxs: tuple[int, ...] | None = None
        self._heard_ns = 0
        self._mark_px = 0
        self._day = -1
        self._day_mark_px = 0
        self._day_oracle_px = 0

    def hear(self, mark_pxs: tuple[int, ...], external_px: Px | None) -> None:
        """Take the deployer's marks; the next update uses them."""
        self._given_pxs = mark_pxs
        self.external_px = external_px

    def oracle(self, now_ns: int, given_px: Px, before_px: Px) -> Px:
        """The deployer's word, as far as one update may move it."""
        if now_ns // DAY != self._day:
            self._day = now_ns // DAY
            self._day_oracle_px, self._day_mark_px = before_px or given_px, self._mark_px
        return stepped_px(given_px, before_px, self._day_oracle_px)

    def update(self, now_ns: int, oracle_px: Px, bid: Px | None, ask: Px | None, last: Px | None) -> Px:
        """The mark as it stands, or moved because the deployer spoke or was silent for too long."""
        is_stale = now_ns - self._heard_ns >= STALE_NS
        if self._given_pxs is None and not is_stale and self._mark_px:
            return Px(self._mark_px)
        given, self._given_pxs, self._heard_ns = self._given_pxs or (), None, now_ns
        if self.weighs_external and self.external_px is not None:
            given = (*given, self.external_px)
        local = tuple(px for px in (bid, ask, last) if px is not None)
        asked = deployed_mark_px(median_px(local) if local else None, given)
        asked = (self._mark_px or oracle_px) if asked is None else asked
        self._mark_px = stepped_px(asked, self._mark_px, self._day_mark_px or self._mark_px)
        return Px(self._mark_px)


class SpotRule(MarkRule):
    """Mark of a spot pair: the mid rounded down, else the last trade, else the price set before any; 0 if nothing."""

    __slots__ = ()

    def update(self, now_ns: int, oracle_px: Px, bid: Px | None, ask: Px | None, last: Px | None) -> Px:
        """The mark; it does not depend on the past."""
        self._updated_ns = now_ns
        if bid is not None and ask is not None:
            return Px((bid + ask) // 2)
        return oracle_px if last is None else last
