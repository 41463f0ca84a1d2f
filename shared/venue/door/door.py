"""The whole local exchange behind one object without sockets or clock: bytes and times in, bytes out."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.errors import ConfigError, UnitError
from shared.units import SECOND, Ns
from shared.venue.core.commands import Command, Deposit, PassTime
from shared.venue.core.dealings import SetStake
from shared.venue.core.exchange import Exchange
from shared.venue.core.mempool import NEVER
from shared.venue.core.outcomes import Outcome
from shared.venue.door.answers import Answers
from shared.venue.door.api import Api
from shared.venue.door.bodies import BAD_CONTENT_TYPE, BodyRefused, first_value, is_json
from shared.venue.door.feeds import Feeds
from shared.venue.door.sessions import Sessions
from shared.venue.door.settings import DoorSettings
from shared.venue.door.signatures import SOURCE_OF_NETWORK, address_from_text

TIME_STEP: Final = SECOND
"""How often the core is told that time went by; its own grids are multiples of this."""
JSON_TYPE: Final = "application/json"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
_ENCODE: Final = msgspec.json.Encoder().encode
Response = tuple[int, str, bytes]
"""HTTP status, content type, body."""


class Door:
    """Speaks Hyperliquid's protocol for one exchange. Same calls at the same times give the same bytes.

    The owner calls `due` when it says so, and takes what is to be sent with `drain_outbox` and `drain_hangups`.
    """

    def __init__(self, exchange: Exchange, settings: DoorSettings, now: Ns) -> None:
        if settings.network not in SOURCE_OF_NETWORK:
            raise ConfigError([f"expected Testnet or Mainnet, got {settings.network!r}"])
        self.exchange = exchange
        self.answers = Answers(exchange)
        self._outbox: list[tuple[int, bytes]] = []
        self._answered: list[tuple[int, Response]] = []
        self._api = Api(self.answers, settings, self.apply)
        self._feeds = Feeds(self._api.desk, self._outbox)
        self._sessions = Sessions(self._api, self._feeds, settings)
        self._now = now
        for text, usd in settings.fund.items():
            address = address_from_text(text)
            if address is None:
                raise ConfigError([f"expected an address to fund, got {text!r}"])
            self.apply(Deposit(address, usd), now)
        for text, stake in settings.stakes.items():
            address = address_from_text(text)
            if address is None:
                raise ConfigError([f"expected an address that stakes, got {text!r}"])
            self.apply(SetStake(address, stake), now)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """What the command came to; those who subscribed are told. For traders that live beside the exchange too."""
        self._run_blocks(now)
        outcome = self.exchange.apply(command, now)
        self.answers.note(outcome.events)
        self._feeds.tell(outcome.events, now)
        return outcome

    def expire_agents(self, user: str) -> int:
        """How many agents the user had; none may sign from now on."""
        return self._api.expire_agents(user)

    def owe_requests(self, user: str, count: int) -> None:
        """Count requests of the user that nobody sent."""
        self._api.owe_requests(user, count)

    def submit(self, path: str, content_type: str | None, body: bytes, now: Ns, client: str = "") -> Response | int:
        """As `http`, or the ticket of an action that waits for its block: `drain_answers` has the response then."""
        try:
            answer = self._answer(path, content_type, body, now, client)
        except BodyRefused as refusal:
            kind = JSON_TYPE if refusal.said == "null" else TEXT_TYPE
            return refusal.status, kind, refusal.said.encode()
        return answer if isinstance(answer, int) and path == "/exchange" else (200, JSON_TYPE, _ENCODE(answer))

    def drain_answers(self) -> list[tuple[int, Response]]:
        """(ticket, response) of the actions whose blocks have run since the last look."""
        answered, self._answered = self._answered, []
        return answered

    def _run_blocks(self, now: Ns) -> None:
        """Run every block that is due, each at its time; those who sent its actions are answered."""
        mempool = self._api.mempool
        while mempool is not None and (taken := mempool.take(now)) is not None:
            time, waiting = taken
            commands = [one.command for one in waiting]
            outcomes = self.exchange.apply_block(commands, Ns(max(time, self.exchange.now_ns)))
            events = tuple(event for outcome in outcomes for event in outcome.events)
            self.answers.note(events)
            self._feeds.tell(events, now)
            for one, outcome in zip(waiting, outcomes, strict=True):
                reply = self._api.conclude(one.ticket, outcome)
                if not self._sessions.answer(one.ticket, reply):
                    self._answered.append((one.ticket, (200, JSON_TYPE, _ENCODE(reply))))

    def http(self, path: str, content_type: str | None, body: bytes, now: Ns, client: str = "") -> Response:
        """The response to one POST; `client` is the address whose budget it is counted in."""
        answered = self.submit(path, content_type, body, now, client)
        if isinstance(answered, int):
            raise UnitError("with blocks, an action is answered later: use submit")
        return answered

    @property
    def listeners(self) -> int:
        """How many connections have subscribed to something."""
        return self._sessions.listeners

    def connect(self, now: Ns, client: str = "") -> int:
        """The id of a new WebSocket connection; `client` is the address whose limits it is counted in."""
        self._now = now
        return self._sessions.connect(now, client)

    def receive(self, connection: int, sent: str | bytes, now: Ns) -> None:
        """Take in one WebSocket frame; the answer is in the outbox."""
        self._now = now
        self._sessions.receive(connection, sent, now)

    def disconnect(self, connection: int) -> None:
        """The connection is gone."""
        self._sessions.disconnect(connection)

    def due(self, now: Ns) -> Ns:
        """Do what time asks for: the core's own clockwork, paced feeds, hang-ups; when to call again."""
        self._now = now
        self._run_blocks(now)
        if now // TIME_STEP > self.exchange.now_ns // TIME_STEP or self.exchange.due_ns <= now:
            self.apply(PassTime(), now)
        next_step = (now // TIME_STEP + 1) * TIME_STEP
        block_ns = NEVER if self._api.mempool is None else self._api.mempool.due_ns
        return Ns(min(next_step, block_ns, self.exchange.due_ns, self._feeds.due(now), self._sessions.due(now)))

    def drain_outbox(self) -> list[tuple[int, bytes]]:
        """(connection, frame) in the order to be sent; the outbox is empty then."""
        frames = self._outbox.copy()
        self._outbox.clear()
        for connection in {number: None for number, _ in frames}:
            self._sessions.note_sent(connection, self._now)
        return frames

    def drain_hangups(self) -> list[tuple[int, int]]:
        """(connection, close code) of those to close after their frames are sent."""
        hangups, self._sessions.hangups = self._sessions.hangups, []
        return hangups

    def _answer(self, path: str, content_type: str | None, body: bytes, now: Ns, client: str) -> Any:
        self._now = now
        if path not in ("/info", "/exchange"):
            raise BodyRefused(404, "")
        if not is_json(content_type):
            raise BodyRefused(415, BAD_CONTENT_TYPE)
        value = first_value(body)
        if path == "/exchange":
            return self._api.exchange(value, now, client)
        return self._api.info(value, now, client)[1]
