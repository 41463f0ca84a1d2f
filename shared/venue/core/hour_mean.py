"""The oracle's mean over the last hour, at which a delisted asset is settled."""

from __future__ import annotations

from collections import deque
from typing import Final

from shared.rules.indices import twap_px
from shared.units import HOUR, SECOND, Px

SPAN_NS: Final = HOUR
STEP_NS: Final = 3 * SECOND


class HourMean:
    """Integral of a price over time with a point every 3 s of the last hour; between points the mean is taken."""

    __slots__ = ("_integral", "_points", "_px", "_since_ns")

    def __init__(self) -> None:
        self._integral = 0
        self._px = 0
        self._since_ns = 0
        self._points: deque[tuple[int, int]] = deque()

    def note(self, now_ns: int, px: Px) -> None:
        """The price is `px` from now on."""
        self._integral += self._px * (now_ns - self._since_ns)
        self._px, self._since_ns = px, now_ns
        points = self._points
        if not points or now_ns - points[-1][0] >= STEP_NS:
            points.append((now_ns, self._integral))
            while len(points) > 1 and points[1][0] <= now_ns - SPAN_NS:
                points.popleft()

    def value(self, now_ns: int) -> Px:
        """Time-weighted mean of the last hour, or of all there is if that is less; 0 before the first price."""
        if not self._points:
            return Px(0)
        total = self._integral + self._px * (now_ns - self._since_ns)
        start, before = self._points[0]
        if now_ns == start:
            return Px(self._px)
        wanted = now_ns - SPAN_NS
        if start < wanted:
            points = [*self._points, (self._since_ns, self._integral), (now_ns, total)]
            for at, integral in points:
                if at > wanted:
                    before += (integral - before) * (wanted - start) // (at - start)
                    start = wanted
                    break
                start, before = at, integral
        return twap_px(total - before, now_ns - start)
