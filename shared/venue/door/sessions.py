"""The WebSocket conversation: subscriptions, pings and posts of each connection, within the venue's limits."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.units import MS, Ns
from shared.venue.door.api import Api
from shared.venue.door.bodies import BodyRefused, first_value
from shared.venue.door.feed import Subscription
from shared.venue.door.feeds import NEVER, Feeds, frame
from shared.venue.door.render import Json
from shared.venue.door.settings import DoorSettings
from shared.venue.door.subscribing import NoSubscription
from shared.venue.door.subscriptions import read_subscription
from shared.venue.door.weights import MinuteBudgets

_ENCODE: Final = msgspec.json.Encoder().encode
ABORTED: Final = 1006
"""Not a code that can be sent: the connection is to be cut without one."""
TOO_MANY_REQUESTS: Final = "429 Too Many Requests"
TOO_MANY_MESSAGES: Final = "Too many messages."
TOO_MANY_CONNECTIONS: Final = "Too many connections."
TOO_MANY_SUBSCRIPTIONS: Final = "Too many subscriptions."
"""Ours, like the two before it; the venue's own texts are not known."""


class _Connection:
    """What one client asked for, and when it was last sent something."""

    __slots__ = ("client", "sent_ns", "subscriptions")

    def __init__(self, client: str, now: Ns) -> None:
        self.client = client
        self.subscriptions: dict[Subscription, None] = {}
        self.sent_ns: int = now


class Sessions:
    """All connections, and the limits of each client address. What is said goes to the outbox.

    `hangups` are (connection, close code) to be closed after it.
    """

    def __init__(self, api: Api, feeds: Feeds, settings: DoorSettings) -> None:
        self.hangups: list[tuple[int, int]] = []
        self._api = api
        self._feeds = feeds
        self._settings = settings
        self._coins, self._dexs = frozenset(api.desk.answers.assets), frozenset(api.desk.answers.dexs)
        self._connections: dict[int, _Connection] = {}
        self._next_id = 1
        self._posts: dict[int, tuple[int, int]] = {}
        self._arrivals = MinuteBudgets(settings.max_new_connections_per_minute)
        self._messages = MinuteBudgets(settings.max_messages_per_minute)

    @property
    def listeners(self) -> int:
        """How many connections have subscribed to something."""
        return sum(bool(connection.subscriptions) for connection in self._connections.values())

    def connect(self, now: Ns, client: str = "") -> int:
        """The id of a new connection; beyond a limit it is told so and hung up at once."""
        connection, self._next_id = self._next_id, self._next_id + 1
        is_over = len(self._connections_of(client)) >= self._settings.max_connections
        self._connections[connection] = _Connection(client, now)
        if is_over or not self._arrivals.spend(client, 1, now // MS):
            if self._settings.over_limit != "abort":
                self._say(connection, "error", TOO_MANY_CONNECTIONS)
            self.hangups.append((connection, self._over_limit_code()))
        elif self._settings.greeting is not None:
            self._feeds.outbox.append((connection, self._settings.greeting.encode()))
        return connection

    def disconnect(self, connection: int) -> None:
        """Forget the connection and end its subscriptions; an unknown one is no matter."""
        gone = self._connections.pop(connection, None)
        for asked in gone.subscriptions if gone else ():
            self._feeds.unsubscribe(connection, asked)

    def receive(self, connection: int, sent: str | bytes, now: Ns) -> None:
        """Answer one frame."""
        known = self._connections.get(connection)
        if known is None:
            return
        if not self._messages.spend(known.client, 1, now // MS):
            self._refuse(connection, TOO_MANY_MESSAGES)
            return
        try:
            message = first_value(sent)
        except BodyRefused:
            message = None
        match message:
            case {"method": "ping"}:
                self._feeds.outbox.append((connection, b'{"channel":"pong"}'))
            case {"method": "subscribe", "subscription": dict(wanted)}:
                self._subscribe(connection, wanted, now)
            case {"method": "unsubscribe", "subscription": dict(wanted)}:
                self._unsubscribe(connection, wanted)
            case {
                "method": "post",
                "id": int(number),
                "request": {"type": "info" | "action" as kind, "payload": asked},
            } if _is_id(number):
                if self._pending_of(known.client) >= self._settings.max_pending_posts:
                    self._say(connection, "error", f"too many pending post requests id={number}")
                    return
                said = self._answer(kind, asked, now, known.client)
                if isinstance(said, int):
                    self._posts[said] = (connection, number)
                else:
                    self._say(connection, "post", {"id": number, "response": said})
            case _:
                text = sent if isinstance(sent, str) else sent.decode(errors="replace")
                self._say(connection, "error", f"Error parsing JSON into valid websocket request: {text}")

    def answer(self, ticket: int, reply: Json) -> bool:
        """Was it a post that had this ticket? Its reply is sent, unless the client is gone."""
        post = self._posts.pop(ticket, None)
        if post is None:
            return False
        connection, number = post
        if connection in self._connections:
            response = {"type": "action", "payload": reply}
            self._say(connection, "post", {"id": number, "response": response})
        return True

    def due(self, now: Ns) -> Ns:
        """Hang up on those who were sent nothing for too long; when the next one's time is."""
        limit_ns = self._settings.idle_close_ms * MS
        next_ns: int = NEVER
        for number, connection in self._connections.items():
            if now - connection.sent_ns >= limit_ns:
                self.hangups.append((number, self._settings.idle_close_code))
                connection.sent_ns = now
            next_ns = min(next_ns, connection.sent_ns + limit_ns)
        return Ns(next_ns)

    def note_sent(self, connection: int, now: Ns) -> None:
        """Something was sent to the connection."""
        known = self._connections.get(connection)
        if known is not None:
            known.sent_ns = now

    def _subscribe(self, connection: int, wanted: Json, now: Ns) -> None:
        asked = self._read(connection, wanted)
        if asked is None:
            return
        subscriptions = self._connections[connection].subscriptions
        if asked in subscriptions:
            self._say(connection, "error", f"Already subscribed: {_spelled(asked)}")
            return
        refusal = self._over_limit(asked, self._connections[connection].client)
        if refusal is not None:
            self._refuse(connection, refusal)
            return
        subscriptions[asked] = None
        self._say(connection, "subscriptionResponse", {"method": "subscribe", "subscription": asked})
        self._feeds.subscribe(connection, asked, now)

    def _unsubscribe(self, connection: int, wanted: Json) -> None:
        asked = self._read(connection, wanted)
        if asked is None:
            return
        subscriptions = self._connections[connection].subscriptions
        if asked not in subscriptions:
            self._say(connection, "error", f"Already unsubscribed: {_spelled(asked)}")
            return
        del subscriptions[asked]
        self._feeds.unsubscribe(connection, asked)
        self._say(connection, "subscriptionResponse", {"method": "unsubscribe", "subscription": asked})

    def _read(self, connection: int, wanted: Json) -> Subscription | None:
        try:
            return read_subscription(wanted, self._coins, self._dexs)
        except NoSubscription:
            self._say(connection, "error", f"Invalid subscription {_spelled(wanted)}")
            return None

    def _connections_of(self, client: str) -> list[_Connection]:
        return [connection for connection in self._connections.values() if connection.client == client]

    def _pending_of(self, client: str) -> int:
        """Posts of the client that wait for their block, over all its connections; one that is gone counts no more."""
        waiting = (self._connections.get(connection) for connection, _ in self._posts.values())
        return sum(one is not None and one.client == client for one in waiting)

    def _over_limit(self, asked: Subscription, client: str) -> str | None:
        held = [one for connection in self._connections_of(client) for one in connection.subscriptions]
        if len(held) >= self._settings.max_subscriptions:
            return TOO_MANY_SUBSCRIPTIONS
        users = {getattr(one, "user", None) for one in (*held, asked)} - {None}
        if len(users) > self._settings.max_users:
            return f"Cannot track more than {self._settings.max_users} total users."
        return None

    def _answer(self, kind: str, asked: Any, now: Ns, client: str) -> Json | int:
        try:
            if kind == "action":
                reply = self._api.exchange(asked, now, client)
                return reply if isinstance(reply, int) else {"type": "action", "payload": reply}
            name, data = self._api.info(asked, now, client)
        except BodyRefused as refusal:
            said = TOO_MANY_REQUESTS if refusal.status == 429 else refusal.said
            return {"type": "error", "payload": said}
        return {"type": "info", "payload": {"type": name, "data": data}}

    def _refuse(self, connection: int, said: str) -> None:
        """Tell the client that it is over a limit, or hang up without a word."""
        if self._settings.over_limit == "error":
            self._say(connection, "error", said)
        else:
            self.hangups.append((connection, self._over_limit_code()))

    def _over_limit_code(self) -> int:
        return ABORTED if self._settings.over_limit == "abort" else self._settings.over_limit_close_code

    def _say(self, connection: int, channel: str, data: Any) -> None:
        self._feeds.outbox.append((connection, frame(channel, data)))


def _is_id(number: int) -> bool:
    """Is it an unsigned integer of 64 bits? JSON's true is none."""
    return number is not True and number is not False and 0 <= number < 2**64


def _spelled(value: Any) -> str:
    return _ENCODE(value).decode()
