"""What the feed asks for, and which of it was confirmed and heard lately."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.channels import (
    BOOK,
    CANDLE,
    CANDLE_INTERVAL,
    CONTEXT,
    OF_USER,
    TRADES,
    Channel,
    key_of,
)
from hats.exchange_architect.settings import Settings
from shared.units import MS, Ns

PING: Final = '{"method":"ping"}'
_MARKET_SOCKETS: Final = 8
"""The venue allows 10 connections to one address; one is the user's, one is left for others."""


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
    """Everything to subscribe for on one socket: of each coin, of the user, and of all. Its books are its canary."""
    return tuple(topic for shard in plan(settings) for topic in shard if topic != _canary(settings))


def plan(settings: Settings) -> tuple[tuple[Topic, ...], ...]:
    """What each socket asks for: the user's on one of its own, so that no flood of books delays a fill; coins in turns.

    The user's channels say nothing for hours, so beside them is a canary: if all of them fell silent, it did too.

    All of one coin is on one socket, so that a cut costs coins whole, and as few of them as may be.
    """
    count = min(math.ceil(len(settings.coins) / settings.coins_per_socket), _MARKET_SOCKETS)
    shards: list[list[Topic]] = [[] for _ in range(count)]
    for index, coin in enumerate(settings.coins):
        shards[index % count] += _of_coin(coin, settings)
    shards[0] += [_topic(channel) for channel in settings.channels if not channel.has_coin and not channel.has_user]
    private = _of_user(settings)
    return tuple(tuple(shard) for shard in (shards if not private else [[*private, _canary(settings)], *shards]))


def _canary(settings: Settings) -> Topic:
    """The mids of all coins: the venue sends them every 2 s or so, and at once to whoever asks again."""
    return _topic(Channel.ALL_MIDS, "", settings.user_silence_ms)


def _of_coin(coin: str, settings: Settings) -> list[Topic]:
    book = (("fast", True),) if settings.fast_books else ()
    others = (channel for channel in settings.channels if channel.has_coin and not channel.has_user)
    return [
        _topic(BOOK, coin, settings.book_deadline_ms, book),
        _topic(TRADES, coin),
        _topic(CONTEXT, coin, settings.context_silence_ms),
        *(_topic(channel, coin, 0, _interval(channel)) for channel in others),
    ]


def _interval(channel: str) -> tuple[tuple[str, str | bool], ...]:
    return (("interval", CANDLE_INTERVAL),) if channel == CANDLE else ()


def _of_user(settings: Settings) -> list[Topic]:
    if settings.user_address is None:
        return []
    user = (("user", settings.user_address),)
    private = [_topic(channel, "", 0, user) for channel in OF_USER]
    for channel in settings.channels:
        if channel.has_user:
            coins = settings.coins if channel.has_coin else ("",)
            private += [_topic(channel, coin, 0, user) for coin in coins]
    return private


def _topic(channel: str, coin: str = "", silence_ms: int = 0, fields: tuple[tuple[str, str | bool], ...] = ()) -> Topic:
    named = (("coin", coin),) if coin else ()
    return Topic(key_of(channel, coin), str(channel), coin, silence_ms * MS, (*named, *fields))


class Silence(NamedTuple):
    """A topic that was quiet beyond its deadline. `is_final`: asking again did not help."""

    topic: Topic
    quiet_ns: int
    is_final: bool


class Subscriptions:
    """Confirmations and silences of one connection. Deadlines start at what was received, never at what we sent."""

    def __init__(self, wanted: tuple[Topic, ...]) -> None:
        self.wanted = wanted
        self._by_key = {topic.key: topic for topic in wanted}
        self._unconfirmed: dict[str, Ns] = {}
        self._pending: set[str] = set(self._by_key)
        self._heard_ns: dict[str, Ns] = {}
        self._asked_again_ns: dict[str, Ns] = {}

    def begin(self, now: Ns) -> list[str]:
        """A new connection: everything is asked for, nothing is confirmed; the frames to send."""
        self._unconfirmed = dict.fromkeys(self._by_key, now)
        self._pending = set(self._by_key)
        self._heard_ns = {topic.key: now for topic in self.wanted if topic.silence_ns}
        self._asked_again_ns = {}
        return [topic.frame("subscribe") for topic in self.wanted]

    def sent(self, now: Ns) -> None:
        """What was asked for left only now: confirmations are due from here on."""
        self._unconfirmed = dict.fromkeys(self._unconfirmed, now)

    def confirm(self, key: str) -> None:
        """The venue acknowledged a subscription."""
        self._unconfirmed.pop(key, None)
        self._pending.discard(key)

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
        """Has the venue acknowledged everything on this connection? What is asked for again stays acknowledged."""
        return not self._pending

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
