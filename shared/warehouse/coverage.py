"""Which frames of which connections a segment has or declares, and which it should have and has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.warehouse.capture.ranges import Ranges
from shared.warehouse.capture.records import Connection
from shared.warehouse.manifest import Covered

Key = tuple[int, int, int]


class Coverage:
    """A fold over one segment. Connections that were open before it begin where the segment before left them."""

    def __init__(self) -> None:
        self._seen: dict[Key, Ranges] = {}
        self._before: dict[Key, int] = {}
        self._end: dict[Key, int] = {}

    def began(self, session: int, connections: Iterable[Connection]) -> None:
        """These were open, and accounted for up to their last frame, when the segment began."""
        for connection in connections:
            self._before[session, connection.socket, connection.epoch] = connection.last_seq

    def ended(self, session: int, connections: Iterable[Connection]) -> None:
        """These were open, and accounted for up to their last frame, when the segment ended."""
        for connection in connections:
            self.close(session, connection.socket, connection.epoch, connection.last_seq)

    def take(self, session: int, socket: int, epoch: int, first_seq: int, last_seq: int) -> None:
        """These frames are here or declared."""
        key = (session, socket, epoch)
        ranges = self._seen.get(key)
        if ranges is None:
            ranges = self._seen[key] = Ranges()
        ranges.add(first_seq, last_seq)

    def close(self, session: int, socket: int, epoch: int, last_seq: int) -> None:
        """The connection had so many frames."""
        self._end[session, socket, epoch] = max(last_seq, self._end.get((session, socket, epoch), 0))

    def covered(self) -> tuple[Covered, ...]:
        """What is here or declared, by connection."""
        return tuple(Covered(*key, first, last) for key, ranges in sorted(self._seen.items()) for first, last in ranges)

    def missing(self) -> Iterator[Covered]:
        """What should be here by the word of those who counted, and is neither here nor declared."""
        for key in sorted(self._seen.keys() | self._end.keys()):
            ranges = self._seen.get(key, Ranges())
            start = self._before.get(key, 0) + 1
            end = max(ranges.last, self._end.get(key, 0))
            yield from (Covered(*key, first, last) for first, last in ranges.missing(start, end))
