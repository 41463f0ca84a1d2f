"""A captured market on the local exchange of a desk in the cluster: its books and trades, its cuts, at a pace.

The exchange sends its own frames, with its own times and ids, over real sockets: what is the capture's are prices,
sizes, their order and their pace, and that sockets were cut when they were. The market stands still until somebody
listens, for a desk takes its time to rise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from orchestrator.history.capture_replay import market_records
from shared.units import MS, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.door.door import Door
from shared.venue.faults.catalogue import CutSockets, FreezeFeed
from shared.venue.faults.engine import Faults
from shared.venue.flow.recorded import Counts, RecordedMarket, RecordedSettings
from shared.warehouse.capture.playback import Happened, cuts_of

WAIT_NS: Final = 20 * MS
"""How often it looks for a listener."""
STRIKE_MS: Final = 1_000
"""While the recorded connection was gone, whoever connects hears nothing and is cut off again so soon."""


class CapturedMarket:
    """A driver of the local exchange. `source` opens the captured log anew; `first_ns` is its first time."""

    def __init__(
        self,
        exchange: Exchange,
        source: Callable[[], Iterable[Happened]],
        first_ns: int,
        settings: RecordedSettings,
        faults: Faults,
    ) -> None:
        self._market = RecordedMarket(exchange, lambda: market_records(source(), first_ns), settings)
        self._cuts = [
            fault
            for start_ns, end_ns in cuts_of(source())
            for fault in _cut(int((start_ns - first_ns) / settings.speed), int((end_ns - start_ns) / settings.speed))
        ]
        self._faults = faults
        self._is_begun = False

    def report(self) -> Counts:
        """What was played so far."""
        return self._market.report()

    def step(self, door: Door, now: Ns) -> Ns:
        """Play what falls due; when to be called next."""
        if not self._is_begun:
            if not door.listeners:
                return Ns(now + WAIT_NS)
            self._is_begun = True
            for cut in self._cuts:
                self._faults.arm(cut, now)
        return self._market.step(door, now)


def _cut(at_ns: int, for_ns: int) -> tuple[FreezeFeed, CutSockets]:
    """Silence, and sockets cut at its beginning, now and then within it, and at its end."""
    at_ms, for_ms = at_ns // MS, max(for_ns // MS, 1)
    every_ms = max(for_ms // -(-for_ms // STRIKE_MS), 1)
    return FreezeFeed(at_ms=at_ms, for_ms=for_ms), CutSockets(
        at_ms=at_ms, for_ms=for_ms + every_ms // 2 + 1, every_ms=every_ms
    )
