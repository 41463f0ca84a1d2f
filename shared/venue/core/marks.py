"""The mark price of one asset from oracle, book, last trade and other venues' perps, by the venue's median rule."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

from shared.rules.median import median_px
from shared.units import SECOND, Px

_CONTEXT: Final = Context(prec=28)
PREMIUM_TAU_NS: Final = 150 * SECOND
BOOK_TAU_NS: Final = 30 * SECOND


@lru_cache(maxsize=4096)
def _decay(span_ns: int, tau_ns: int) -> Decimal:
    """e^(-span / tau), correctly rounded to 28 digits: the same on every machine."""
    return _CONTEXT.exp(_CONTEXT.divide(Decimal(-span_ns), Decimal(tau_ns)))


class DecayingMean:
    """The venue's EMA: num <- num e^(-t/tau) + sample t; den <- den e^(-t/tau) + t; value num / den."""

    __slots__ = ("_den", "_num", "_tau_ns")

    def __init__(self, tau_ns: int) -> None:
        self._tau_ns = tau_ns
        self._num = Decimal(0)
        self._den = Decimal(0)

    def add(self, sample: int, span_ns: int) -> None:
        """Take in a sample that held for `span_ns`."""
        decay, span = _decay(span_ns, self._tau_ns), Decimal(span_ns)
        self._num = _CONTEXT.fma(self._num, decay, _CONTEXT.multiply(Decimal(sample), span))
        self._den = _CONTEXT.fma(self._den, decay, span)

    def value(self, otherwise: int) -> int:
        """The mean rounded to an integer (half to even), or `otherwise` while nothing has held for any time."""
        if not self._den:
            return otherwise
        return int(_CONTEXT.divide(self._num, self._den).to_integral_value())


class MarkRule:
    """Mark = median of the legs that exist.

    (1) oracle + EMA150s(mid - oracle); (2) median(best bid, best ask, last trade), only with a two-sided book; (3)
    other venues' perps, `external_px`, if a driver says. If exactly two exist, a 30 s EMA of (2) stands beside them.
    With (1) alone (an empty side), (1) is the mark. Doubled integers keep half-tick mids exact.
    Source: Hyperliquid documentation, "Robust price indices".
    """

    __slots__ = ("_book", "_premium", "_updated_ns", "external_px")

    def __init__(self) -> None:
        self.external_px: Px | None = None
        self._premium = DecayingMean(PREMIUM_TAU_NS)
        self._book = DecayingMean(BOOK_TAU_NS)
        self._updated_ns = 0

    def update(self, now_ns: int, oracle_px: Px, bid: Px | None, ask: Px | None, last: Px | None) -> Px:
        """The mark at `now_ns`; the samples are taken to have held since the last update."""
        span = now_ns - self._updated_ns if self._updated_ns else 0
        self._updated_ns = now_ns
        external = () if self.external_px is None else (2 * self.external_px,)
        if bid is None or ask is None:
            legs = [2 * oracle_px + self._premium.value(0), *external]
            if external and self._book.value(0):
                legs.append(self._book.value(0))
            return Px(max(median_px(legs) // 2, 1))
        doubled_premium = bid + ask - 2 * oracle_px
        doubled_book = median_px((2 * bid, 2 * ask) if last is None else (2 * bid, 2 * ask, 2 * last))
        self._premium.add(doubled_premium, span)
        self._book.add(doubled_book, span)
        leg = 2 * oracle_px + self._premium.value(doubled_premium)
        third = external or (self._book.value(doubled_book),)
        return Px(max(median_px((leg, doubled_book, *third)) // 2, 1))

    def oracle(self, _now_ns: int, given_px: Px, _before_px: Px) -> Px:
        """The oracle at `_now_ns` when the driver's word is `given_px`: that."""
        return given_px
