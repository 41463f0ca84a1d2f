"""What subscribers are sent, and when: events at once, whole states at their pace. No socket, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shared.units import MS, Ns
from shared.venue.core.events import Event
from shared.venue.door.desk import Desk
from shared.venue.door.feed import EventFeed, Pace, StateFeed, Subscription
from shared.venue.door.subscriptions import feed_of
from shared.venue.door.topics import Topic, topics_of

NEVER: Final = Ns(2**63 - 1)
_ENCODE: Final = msgspec.json.Encoder().encode


def frame(channel: str, data: Any) -> bytes:
    """One message as it goes out."""
    return _ENCODE({"channel": channel, "data": data})


class _Turn:
    """When a whole state was last sent, what it was then, and whether it may have changed since."""

    __slots__ = ("before", "feed", "interval_ns", "is_dirty", "refresh_ns", "sent_ns")

    def __init__(self, feed: StateFeed, pace: Pace, now: Ns) -> None:
        self.feed = feed
        self.interval_ns = pace.interval_ms * MS
        self.refresh_ns = None if pace.refresh_ms is None else max(pace.refresh_ms, pace.interval_ms) * MS
        self.sent_ns: int = now
        self.is_dirty = False
        self.before: Any = None

    def due_ns(self) -> int:
        """When it is to be sent next."""
        if self.is_dirty:
            return self.sent_ns + self.interval_ns
        return NEVER if self.refresh_ns is None else self.sent_ns + self.refresh_ns


class Feeds:
    """Subscribers by feed. Frames go to `outbox` as (connection, bytes), in the order they are to be sent."""

    def __init__(self, desk: Desk, outbox: list[tuple[int, bytes]]) -> None:
        self.outbox = outbox
        self._desk = desk
        self._readers: dict[Subscription, dict[int, None]] = {}
        self._listening: dict[Topic, dict[Subscription, None]] = {}
        self._turns: dict[Subscription, _Turn] = {}
        self._next_ns: int = NEVER

    def subscribe(self, connection: int, asked: Subscription, now: Ns) -> None:
        """Add a reader and send it the present, if the feed begins with that."""
        feed = feed_of(asked)
        if asked not in self._readers:
            self._open(asked, feed, now)
        self._readers[asked][connection] = None
        if isinstance(feed, EventFeed):
            for channel, data in feed.snapshot(self._desk, asked, now):
                self.outbox.append((connection, frame(channel, data)))
            return
        channel, data = feed.state(self._desk, asked, now)
        turn = self._turns[asked]
        if feed.change is not None and turn.before is None:
            turn.before = data
        if data is not None:
            self.outbox.append((connection, frame(channel, feed.spelled(data))))

    def unsubscribe(self, connection: int, asked: Subscription) -> None:
        """Remove a reader; a feed without readers costs nothing."""
        readers = self._readers[asked]
        del readers[connection]
        if readers:
            return
        del self._readers[asked]
        self._turns.pop(asked, None)
        for topic in feed_of(asked).topics(asked):
            listeners = self._listening[topic]
            del listeners[asked]
            if not listeners:
                del self._listening[topic]

    def tell(self, events: Iterable[Event], now: Ns) -> None:
        """Send what the events of one command demand, and mark what changed for its next turn."""
        if not self._readers:
            return
        for asked, heard in self._heard(events).items():
            feed = feed_of(asked)
            if isinstance(feed, EventFeed):
                for channel, data in feed.news(self._desk, asked, heard, now):
                    self._send(asked, channel, data)
            else:
                turn = self._turns[asked]
                turn.is_dirty = True
                self._next_ns = min(self._next_ns, turn.due_ns())
        if self._next_ns <= now:
            self.due(now)

    def due(self, now: Ns) -> Ns:
        """Send every state whose turn it is; when the next one's is, if nothing more happens."""
        if self._next_ns > now:
            return Ns(self._next_ns)
        next_ns: int = NEVER
        for asked, turn in self._turns.items():
            if turn.due_ns() <= now:
                self._take_turn(asked, turn, now)
            next_ns = min(next_ns, turn.due_ns())
        self._next_ns = next_ns
        return Ns(next_ns)

    def _open(self, asked: Subscription, feed: EventFeed | StateFeed, now: Ns) -> None:
        self._readers[asked] = {}
        for topic in feed.topics(asked):
            self._listening.setdefault(topic, {})[asked] = None
        if isinstance(feed, StateFeed):
            turn = self._turns[asked] = _Turn(feed, feed.pace(self._desk.settings, asked), now)
            self._next_ns = min(self._next_ns, turn.due_ns())

    def _heard(self, events: Iterable[Event]) -> dict[Subscription, list[Event]]:
        """What each feed hears of these events."""
        heard: dict[Subscription, list[Event]] = {}
        listening, instruments = self._listening, self._desk.instruments
        for event in events:
            for topic in topics_of(event, instruments):
                for asked in listening.get(topic, ()):
                    heard.setdefault(asked, []).append(event)
        return heard

    def _take_turn(self, asked: Subscription, turn: _Turn, now: Ns) -> None:
        channel, data = turn.feed.state(self._desk, asked, now)
        turn.sent_ns, turn.is_dirty = now, False
        if turn.feed.change is not None:
            before, turn.before = turn.before, data
            data = turn.feed.change(before, data)
        if data is not None:
            self._send(asked, channel, turn.feed.spelled(data))

    def _send(self, asked: Subscription, channel: str, data: Any) -> None:
        sent = frame(channel, data)
        self.outbox.extend((connection, sent) for connection in self._readers[asked])
