"""What the feed asks for, and which of it was confirmed and heard lately."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.settings import Settings
from hats.exchange_architect.wire import BOOK, CONTEXT, FILLS, FUNDINGS, ORDERS, TRADES, key_of
from shared.units import MS, Ns

PING: Final = '{"method":"ping"}'


class Topic(NamedTuple):
    """One subscription. `silence_ns` is how long it may be quiet; 0: as long as it likes."""

    key: str
    channel: str
    coin: str
    silence_ns: int
    fields: tuple[tuple[str, str | bool], ...]

    def frame(self, method: str) -> str:
        """The frame that subscribes or unsubscribes it."""
        subscription = {"type": self.channel} | dict(self.fields)
        return msgspec.json.encode({"method": method, "subscription": subscription}).decode()


def topics(settings: Settings) -> tuple[Topic, ...]:
    """Everything to subscribe for: book, trades and context of each coin; orders, fills and funding of the user."""
    wanted: list[Topic] = []
    for coin in settings.coins:
        named = (("coin", coin),)
        book = (*named, ("fast", True)) if settings.fast_books else named
        for channel, silence_ms, fields in (
            (BOOK, settings.book_silence_ms, book),
            (TRADES, 0, named),
            (CONTEXT, settings.context_silence_ms, named),
        ):
            wanted.append(Topic(key_of(channel, coin), channel, coin, silence_ms * MS, fields))
    if settings.user_address is not None:
        user = (("user", settings.user_address),)
        wanted += [Topic(channel, channel, "", 0, user) for channel in (ORDERS, FILLS, FUNDINGS)]
    return tuple(wanted)


class Silence(NamedTuple):
    """A topic that was quiet beyond its deadline. `is_final`: asking again did not help."""

    topic: Topic
    quiet_ns: int
    is_final: bool


class Subscriptions:
    """Confirmations and silences of one connection. Deadlines start at what was received, never at what we sent."""

    def __init__(self, wanted: tuple[Topic, ...]) -> None:
        self.wanted = wanted
        self._unconfirmed: dict[str, Ns] = {}
        self._heard_ns: dict[str, Ns] = {}
        self._asked_again_ns: dict[str, Ns] = {}
        self._by_key = {topic.key: topic for topic in wanted}

    def begin(self, now: Ns) -> list[str]:
        """A new connection: everything is asked for, nothing is confirmed; the frames to send."""
        self._unconfirmed = {topic.key: now for topic in self.wanted}
        self._heard_ns = {topic.key: now for topic in self.wanted if topic.silence_ns}
        self._asked_again_ns = {}
        return [topic.frame("subscribe") for topic in self.wanted]

    def confirm(self, key: str) -> None:
        """The venue acknowledged a subscription."""
        self._unconfirmed.pop(key, None)

    def heard(self, key: str, recv_ns: Ns) -> None:
        """Something came on this topic."""
        if key in self._heard_ns:
            self._heard_ns[key] = recv_ns
            self._asked_again_ns.pop(key, None)

    def ask_again(self, topic: Topic, now: Ns) -> list[str]:
        """The frames that renew one subscription on the same connection."""
        self._asked_again_ns[topic.key] = now
        self._unconfirmed[topic.key] = now
        return [topic.frame("unsubscribe"), topic.frame("subscribe")]

    def unconfirmed(self, now: Ns, deadline_ns: int) -> list[str]:
        """Topics whose confirmation is overdue by more than `deadline_ns`."""
        return [key for key, since in self._unconfirmed.items() if now - since > deadline_ns]

    @property
    def are_confirmed(self) -> bool:
        """Has the venue acknowledged everything?"""
        return not self._unconfirmed

    def silences(self, now: Ns) -> list[Silence]:
        """Topics that are quiet beyond their deadline: to be asked for again, or (final) beyond hope."""
        quiet: list[Silence] = []
        for key, since in self._heard_ns.items():
            topic = self._by_key[key]
            if now - since <= topic.silence_ns:
                continue
            asked = self._asked_again_ns.get(key)
            if asked is None or now - asked > topic.silence_ns:
                quiet.append(Silence(topic, now - since, asked is not None))
        return quiet
