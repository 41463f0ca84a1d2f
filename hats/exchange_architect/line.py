"""One socket of the feed without the socket: what to send, what was confirmed and heard, and when to give it up."""

from __future__ import annotations

from collections import deque

from hats.exchange_architect.backoff import Quota
from hats.exchange_architect.channels import BOOK
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.subscriptions import PING, Subscriptions, Topic
from hats.exchange_architect.tape import Tape
from shared.units import MS, Ns


class Line:
    """The topics of one socket over any number of connections. `quota` is what all sockets together may send."""

    def __init__(
        self, topics: tuple[Topic, ...], settings: Settings, since_ns: Ns, tape: Tape | None = None,
        quota: Quota | None = None,
    ) -> None:  # fmt: skip
        self.coins = frozenset(topic.coin for topic in topics if topic.channel == BOOK)
        self.is_private = any(name == "user" for topic in topics for name, _ in topic.fields)
        self.is_open = self.was_opened = False
        self.heard_ns = since_ns
        self.quiet: dict[str, str] = {}
        self._settings = settings
        self._tape = tape or Tape()
        self._quota = quota or Quota(settings.frames_per_minute)
        self._subscriptions = Subscriptions(topics)
        self._waiting: deque[str] = deque()
        self._opened_ns = since_ns
        self._pinged_ns = since_ns
        self._is_ping_out = False

    @property
    def is_whole(self) -> bool:
        """Is it open, with every subscription confirmed?"""
        return self.is_open and self._subscriptions.are_confirmed

    def age_ns(self, now: Ns) -> int:
        """How long the present connection has been open."""
        return now - self._opened_ns

    def opened(self, now: Ns) -> list[str]:
        """A connection begins; the frames to send at once."""
        assert not self.is_open, "opened twice"
        self._tape.opened(now)
        self.is_open = self.was_opened = True
        self.heard_ns = self._opened_ns = self._pinged_ns = now
        self._is_ping_out = False
        self.quiet.clear()
        self._waiting = deque(self._subscriptions.begin(now))
        return self._allowed(now)

    def closed(self, now: Ns, reason: str, code: int = 0) -> bool:
        """The connection is gone, if there was one; was there?"""
        was_open, self.is_open = self.is_open, False
        self._tape.closed(now, reason, code)
        return was_open

    def heard(self, key: str, recv_ns: Ns) -> None:
        """Something came on this topic."""
        self._subscriptions.heard(key, recv_ns)
        if self.quiet and self.quiet.pop(key, None) is not None:
            self._tape.resumed(key, recv_ns)

    def confirmed(self, key: str, recv_ns: Ns) -> None:
        """The venue acknowledged a subscription."""
        self._subscriptions.confirm(key)
        self._tape.subscribed(key, recv_ns, self._subscriptions.are_confirmed)

    def pong(self, recv_ns: Ns) -> int | None:
        """The round trip of the ping that this answers, if one is out."""
        was_out, self._is_ping_out = self._is_ping_out, False
        return recv_ns - self._pinged_ns if was_out else None

    def ask_again(self, channel: str, now: Ns) -> None:
        """Renew what is asked of a channel: if this socket is dead without showing it, that goes unconfirmed."""
        for topic in self._subscriptions.wanted:
            if self.is_open and topic.channel == channel:
                self._waiting += self._subscriptions.ask_again(topic, now)

    def hopeless(self, now: Ns) -> str | None:
        """Why this connection should be given up, if it should."""
        if not self.is_open:
            return None
        late = [] if self._waiting else self._subscriptions.unconfirmed(now, self._settings.ack_ms * MS)
        if late:
            more = f" and {len(late) - 3} more" if len(late) > 3 else ""
            return f"{', '.join(late[:3])}{more} not confirmed within {self._settings.ack_ms} ms"
        quiet_ns = now - self.heard_ns
        if quiet_ns > self._settings.link_silence_ms * MS:
            return f"nothing received for {quiet_ns // MS} ms"
        final = next((one for one in self._subscriptions.silences(now) if one.is_final), None)
        return None if final is None else f"{final.topic.key} silent for {final.quiet_ns // MS} ms, asked again in vain"

    def renew(self, now: Ns) -> list[str]:
        """Ask again for what fell silent; the channels that did."""
        fallen = [one for one in self._subscriptions.silences(now) if not one.is_final] if self.is_open else []
        for silence in fallen:
            self._tape.stalled(silence.topic.key, Ns(now - silence.quiet_ns))
            self.quiet[silence.topic.key] = f"{silence.topic.key} silent for {silence.quiet_ns // MS} ms"
            self._waiting += self._subscriptions.ask_again(silence.topic, now)
        return [silence.topic.channel for silence in fallen]

    def frames(self, now: Ns) -> list[str]:
        """What may be sent now of what waits, and a ping when it is time."""
        if not self.is_open:
            return []
        frames = self._allowed(now)
        if now - self._pinged_ns >= self._settings.ping_ms * MS:
            self._pinged_ns = now
            self._is_ping_out = True
            frames.append(PING)
            self._quota.spend(now)
        return frames

    def _allowed(self, now: Ns) -> list[str]:
        frames: list[str] = []
        while self._waiting and self._quota.spend(now):
            frames.append(self._waiting.popleft())
        if frames and not self._waiting:
            self._subscriptions.sent(now)
        return frames
