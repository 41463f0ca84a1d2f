"""The door inside the stage: faults of the wire become the same honest messages as on sockets, at virtual time."""

from __future__ import annotations

import json
import random
from typing import Any

from hats.exchange_architect.stage_link import StageLink
from shared.errors import VenueUnreachable
from shared.messages import Message
from shared.messages.account import AccountSnapshot
from shared.messages.control import Measured
from shared.messages.market import BadData, FeedState, FeedStatus, UniverseUpdate
from shared.messages.order import ActionAnswered, ActionSent, AnswerKind, ReadAccount, ReadOrder, VenueOrder
from shared.units import MS, SECOND, Ns
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import CLOID, T0


class ScriptedWire:
    """A venue whose HTTP answers are a table and whose WebSocket confirms and sends one book a subscription."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] | None = (200, scene.ok("order", {"resting": {"oid": 5}}))
        self.is_reachable = True
        self.connections = 0
        self.posted: list[bytes] = []
        self.books = True
        self._frames: list[bytes] = []
        self._book_ms = scene.T0_MS

    def http(self, path: str, body: bytes) -> tuple[int, bytes]:
        """A reply, or a network that fails."""
        if path == "/exchange":
            self.posted.append(body)
            if self.answer is None:
                raise VenueUnreachable("cut")
            return self.answer
        if not self.is_reachable:
            return 502, b""
        table: dict[str, Any] = {
            "meta": scene.META, "userFees": scene.FEES, "clearinghouseState": scene.CLEARINGHOUSE,
            "frontendOpenOrders": [], "userFillsByTime": [], "orderStatus": {"status": "unknownOid"},
        }  # fmt: skip
        return 200, json.dumps(table[json.loads(body)["type"]]).encode()

    def ws_connect(self) -> None:
        """A connection, if the network is there."""
        self.connections += 1
        self._frames.clear()
        if not self.is_reachable:
            raise VenueUnreachable("refused")

    def ws_send(self, frame: str) -> None:
        """Confirm what is asked for."""
        if not self.is_reachable:
            raise VenueUnreachable("broken pipe")
        said = json.loads(frame)
        if said["method"] == "subscribe":
            topic = dict(said["subscription"])
            self._frames.append(scene.ack(topic.pop("type"), **topic))
            if "l2Book" in frame and self.books:
                self._book_ms += 1
                self._frames.append(scene.book(time_ms=self._book_ms))

    def ws_frames(self) -> list[bytes]:
        """What waits."""
        frames, self._frames = self._frames, []
        return frames


def link(wire: ScriptedWire, **changes: Any) -> StageLink:
    """A link with quick reconnects."""
    quick = {"backoff_first_ms": 100, "backoff_most_ms": 100, "measures_ms": 1_000}
    return StageLink(scene.settings(**(quick | changes)), wire, random.Random(1))


def statuses(messages: list[Message]) -> list[FeedState]:
    """The feed states that were said."""
    return [message.state for message in messages if isinstance(message, FeedStatus)]


def test_it_comes_up_in_one_instant() -> None:
    """Without latency everything needed for UP happens at the first tick, in the same order as on sockets."""
    said = link(ScriptedWire()).start(T0)
    assert statuses(said) == [FeedState.STALE, FeedState.UP]
    kinds = [type(message) for message in said]
    assert kinds.index(UniverseUpdate) < kinds.index(AccountSnapshot) < len(kinds) - 1


def test_an_action_is_sent_and_answered() -> None:
    """ActionSent at its own time, the proof at the time of the answer, and the time between is measured."""
    wire = ScriptedWire()
    made = link(wire)
    made.start(T0)
    sent, answered = made.carry_out(scene.post(), Ns(T0 + 30 * MS), sent_ns=Ns(T0 + 10 * MS))
    assert sent == ActionSent(CLOID, 7, Ns(T0 + 10 * MS))
    assert isinstance(answered, ActionAnswered)
    assert (answered.answer, answered.oid, answered.recv_ns) == (AnswerKind.RESTING, 5, T0 + 30 * MS)
    assert wire.posted == [scene.post().body]
    reports = [one for one in made.tick(Ns(T0 + SECOND)) if isinstance(one, Measured)]
    assert ("answer_ms", (20.0,)) in [(one.measure, one.samples) for one in reports]


def test_a_network_that_fails_proves_nothing() -> None:
    """A lost answer and a 502 are NO_ANSWER."""
    wire = ScriptedWire()
    made = link(wire)
    made.start(T0)
    for answer in (None, (502, b"")):
        wire.answer = answer
        (_, answered) = made.carry_out(scene.post(), T0)
        assert isinstance(answered, ActionAnswered)
        assert answered.answer is AnswerKind.NO_ANSWER


def test_reads_are_answered_or_told_as_failed() -> None:
    """VenueOrder and AccountSnapshot, or BadData when the venue can't be read."""
    wire = ScriptedWire()
    made = link(wire)
    made.start(T0)
    assert isinstance(made.carry_out(ReadOrder(CLOID), T0)[0], VenueOrder)
    assert isinstance(made.carry_out(ReadAccount(T0), T0)[0], AccountSnapshot)
    wire.is_reachable = False
    assert [type(message) for message in made.carry_out(ReadOrder(CLOID), T0)] == [BadData]


def test_a_lost_connection_is_made_again_with_patience() -> None:
    """After a loss it reconnects after its backoff, fails while the network is away, and comes up when it is back."""
    wire = ScriptedWire()
    made = link(wire)
    made.start(T0)
    assert statuses(made.lost(T0, "cut by the stage")) == [FeedState.DOWN]
    wire.is_reachable = False
    said: list[Message] = []
    for step in range(1, 100):
        said += made.tick(Ns(T0 + step * 50 * MS))
    assert wire.connections == 30, "as many as a minute allows, and no more"
    assert statuses(said) == [FeedState.DOWN]
    wire.is_reachable = True
    said = [message for step in range(1, 80) for message in made.tick(Ns(T0 + 61 * SECOND + step * 50 * MS))]
    assert statuses(said) == [FeedState.STALE, FeedState.UP]


def test_a_frozen_feed_is_found() -> None:
    """No books within the deadline: STALE; asked again in vain: a new connection."""
    wire = ScriptedWire()
    made = link(wire, book_silence_ms=1_000)
    made.start(T0)
    wire.books = False
    said = [message for step in range(1, 50) for message in made.tick(Ns(T0 + step * 50 * MS))]
    assert statuses(said)[:3] == [FeedState.STALE, FeedState.DOWN, FeedState.STALE]
    assert wire.connections == 2


def test_unlisted_coins_keep_it_down() -> None:
    """It does not connect for what is not there, and says so."""
    wire = ScriptedWire()
    said = link(wire, coins=("NOPE",)).start(T0)
    assert statuses(said) == [FeedState.DOWN]
    assert wire.connections == 0


def test_a_ping_that_can_not_be_sent_is_a_lost_connection() -> None:
    """DOWN with the reason, as on sockets."""
    wire = ScriptedWire()
    made = link(wire, ping_ms=1_000)
    made.start(T0)
    wire.is_reachable = False
    (down,) = [one for one in made.tick(Ns(T0 + SECOND)) if isinstance(one, FeedStatus)]
    assert (down.state, down.reason) == (FeedState.DOWN, "broken pipe")
