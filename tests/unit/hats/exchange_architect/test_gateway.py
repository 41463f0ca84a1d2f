"""The gateway on a loopback socket that cuts, stalls, trickles and lies: every action gets one honest answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hats.exchange_architect.gateway import Gateway
from shared.clock import WallClock
from shared.edge import Context
from shared.messages.account import AccountSnapshot
from shared.messages.market import BadData, CandlesTold, QueryCandles, ReadCandles
from shared.messages.order import ActionAnswered, ActionSent, AnswerKind, ReadAccount, ReadOrder, VenueOrder
from shared.units import MINUTE, Ns
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.loopback import Collector, Script, Server, answer, reset
from tests.unit.hats.exchange_architect.scene import CLOID, err, ok

RESTING = answer(ok("order", {"resting": {"oid": 77}}))
DUPLICATE = answer(err("Invalid nonce: duplicate nonce 7"))


def says(data: bytes) -> Script:
    """A script that answers and goes on."""

    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(data)
        return True

    return script


def says_in_pieces(data: bytes, done: threading.Event) -> Script:
    """A byte at a time, for longer than any deadline."""

    def script(connection: socket.socket, _: bytes) -> bool:
        for number in range(len(data)):
            try:
                connection.sendall(data[number : number + 1])
            except OSError:
                return False
            if done.wait(0.05):
                return False
        return True

    return script


def stalls(done: threading.Event) -> Script:
    """Never answers."""

    def script(_: socket.socket, __: bytes) -> bool:
        done.wait(20)
        return False

    return script


def closes(_: socket.socket, __: bytes) -> bool:
    """Ends the connection without a word."""
    return False


def cuts_after(data: bytes) -> Script:
    """Sends some bytes, then resets."""

    def script(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(data)
        return reset(connection)

    return script


class Desk:
    """A gateway, what it says and what it samples."""

    def __init__(self, url: str, **changes: Any) -> None:
        self.heard = Collector()
        self.samples: list[tuple[str, float]] = []
        quick = {"connect_ms": 500, "answer_ms": 400, "read_pause_ms": 10, "base_url": url}
        sample: Callable[[str, float], None] = lambda name, value: self.samples.append((name, value))  # noqa: E731
        self.gateway = Gateway(scene.settings(**(quick | changes)), WallClock(), scene.universe(), sample)
        self.gateway.start(self.heard)

    def post(self, nonce: int = 7) -> None:
        """Post the scene's order."""
        self.gateway.carry_out(scene.post(nonce=nonce), Context(5, 6), Ns(0))


@contextmanager
def desk(*scripts: Script, **changes: Any) -> Iterator[tuple[Desk, Server]]:
    """A gateway in front of a scripted server."""
    server = Server(*scripts)
    made = Desk(server.url, **changes)
    try:
        yield made, server
    finally:
        made.gateway.stop()
        server.close()


def test_sent_comes_before_answered_and_bytes_are_as_given() -> None:
    """ActionSent, then ActionAnswered, both with the command's context; the body is what was signed."""
    with desk(says(RESTING)) as (made, server):
        made.post()
        (answered,) = made.heard.wait(ActionAnswered)
        assert server.bodies == [scene.post().body]
    assert [(type(message), context) for message, context in made.heard.said] == [
        (ActionSent, Context(5, 6)),
        (ActionAnswered, Context(5, 6)),
    ]
    (sent,) = made.heard.of(ActionSent)
    assert (answered.answer, answered.oid, answered.cloid) == (AnswerKind.RESTING, 77, CLOID)
    assert 0 < sent.sent_ns <= answered.recv_ns
    assert dict(made.samples)["unanswered_share"] == 0.0


def test_one_connection_serves_many_actions() -> None:
    """Keep-alive: fifty actions in a row open no more than the warm connections."""
    with desk(says(RESTING), warm_connections=1, most_connections=1) as (made, server):
        for nonce in range(50):
            made.post(nonce)
            made.heard.wait(ActionAnswered, nonce + 1)
        assert server.connections == 1
    assert [one.nonce for one in made.heard.of(ActionAnswered)] == list(range(50))


@pytest.mark.parametrize("cut", [closes, cuts_after(b""), cuts_after(RESTING[:20])])
def test_a_cut_before_the_answer_resends_the_same_bytes_once(cut: Script) -> None:
    """The second copy's "duplicate nonce" proves that the first was admitted; one ActionSent only."""
    with desk(cut, says(DUPLICATE)) as (made, server):
        made.post()
        (answered,) = made.heard.wait(ActionAnswered)
        assert server.bodies == [scene.post().body] * 2
    assert answered.answer is AnswerKind.NONCE_USED
    assert len(made.heard.of(ActionSent)) == 1


def test_two_cuts_leave_the_fate_open() -> None:
    """There is no third copy."""
    with desk(closes) as (made, server):
        made.post()
        (answered,) = made.heard.wait(ActionAnswered)
        assert server.bodies == [scene.post().body] * 2
    assert answered.answer is AnswerKind.NO_ANSWER
    assert dict(made.samples)["unanswered_share"] == 1.0


def test_silence_is_no_answer_and_is_not_resent() -> None:
    """When time runs out nothing is sent again; the fate is open within the deadline."""
    done = threading.Event()
    with desk(stalls(done)) as (made, server):
        began = time.monotonic()
        made.post()
        (answered,) = made.heard.wait(ActionAnswered)
        assert time.monotonic() - began < 2.0
        assert len(server.bodies) == 1
        done.set()
    assert answered.answer is AnswerKind.NO_ANSWER
    assert "no answer within 400 ms" in answered.error


def test_trickling_bytes_do_not_stretch_the_deadline() -> None:
    """One byte every 50 ms is as good as silence: the deadline is for the whole answer."""
    done = threading.Event()
    with desk(says_in_pieces(RESTING, done)) as (made, _):
        began = time.monotonic()
        made.post()
        (answered,) = made.heard.wait(ActionAnswered)
        assert time.monotonic() - began < 2.0
        done.set()
    assert answered.answer is AnswerKind.NO_ANSWER


@pytest.mark.parametrize(
    "data", [answer(b"<html>bad gateway</html>", 502), answer(b"null", 429), answer(b"garbage"), b"SSH-2.0-x\r\n\r\n"]
)
def test_answers_that_prove_nothing_leave_the_fate_open(data: bytes) -> None:
    """A 502 after acceptance, a 429, garbage: NO_ANSWER, and the next action works."""
    with desk(says(data), says(RESTING)) as (made, server):
        made.post()
        made.heard.wait(ActionAnswered)
        made.post(8)
        first, second = made.heard.wait(ActionAnswered, 2)
        assert len(server.bodies) == 2
    assert (first.answer, second.answer) == (AnswerKind.NO_ANSWER, AnswerKind.RESTING)


def test_what_can_not_connect_was_never_sent() -> None:
    """A refused connection is a proof: nothing left, no ActionSent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    made = Desk(url)
    made.post()
    (answered,) = made.heard.wait(ActionAnswered)
    made.gateway.stop()
    assert answered.answer is AnswerKind.REFUSED
    assert answered.error.startswith("local: never sent")
    assert not made.heard.of(ActionSent)


def test_a_burst_is_answered_completely() -> None:
    """Forty actions at once, six connections: forty answers, none lost, none doubled."""
    with desk(says(RESTING)) as (made, server):
        for nonce in range(40):
            made.post(nonce)
        answers = made.heard.wait(ActionAnswered, 40)
        assert len(server.bodies) == 40
        assert server.connections <= 6
    assert sorted(one.nonce for one in answers) == list(range(40))


def test_stopping_tells_what_was_under_way() -> None:
    """An action without an answer at the stop is NO_ANSWER, one that still waited was never sent; no thread is left."""
    done = threading.Event()
    with desk(stalls(done), warm_connections=1, most_connections=1, answer_ms=5_000) as (made, _):
        made.post(1)
        made.heard.wait(ActionSent)
        made.post(2)
        made.gateway.stop()
        first, second = sorted(made.heard.of(ActionAnswered), key=lambda one: one.nonce)
        done.set()
    assert (first.answer, second.answer) == (AnswerKind.NO_ANSWER, AnswerKind.REFUSED)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gateway")]


def info(**answers: Any) -> Script:
    """Answers /info by type."""

    def script(connection: socket.socket, body: bytes) -> bool:
        connection.sendall(answer(json.dumps(answers[json.loads(body)["type"]]).encode()))
        return True

    return script


def test_reads_come_back_as_messages() -> None:
    """ReadOrder gives a VenueOrder, ReadAccount an AccountSnapshot, each with its context."""
    table = info(
        orderStatus={"status": "unknownOid"}, clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[],
        userFillsByTime=[scene.fill(1)],
    )  # fmt: skip
    with desk(table) as (made, _):
        made.gateway.carry_out(ReadOrder(CLOID), Context(1), Ns(0))
        made.gateway.carry_out(ReadAccount(Ns(0)), Context(2), Ns(0))
        (snapshot,) = made.heard.wait(AccountSnapshot)
    assert [type(message) for message, _ in made.heard.said] == [VenueOrder, AccountSnapshot]
    assert [context.cause for _, context in made.heard.said] == [1, 2]
    assert len(snapshot.fills) == 1


def test_reads_are_tried_again_and_failures_told() -> None:
    """A 502, a cut and a 429 are waited out; when attempts run out that is said, once."""
    good = info(orderStatus={"status": "unknownOid"})
    with desk(says(answer(b"", 502)), closes, good) as (made, server):
        made.gateway.carry_out(ReadOrder(CLOID), Context(), Ns(0))
        made.heard.wait(VenueOrder)
        assert len(server.bodies) == 3
    with desk(says(answer(b"null", 429))) as (made, server):
        made.gateway.carry_out(ReadOrder(CLOID), Context(), Ns(0))
        (bad,) = made.heard.wait(BadData)
        assert len(server.bodies) == 3
    assert "HTTP 429" in bad.reason
    with desk(says(answer(b"Failed to deserialize", 422))) as (made, server):
        made.gateway.carry_out(ReadOrder(CLOID), Context(), Ns(0))
        made.heard.wait(BadData)
        assert len(server.bodies) == 1


def test_a_venue_that_fails_every_read_is_left_alone_for_a_while() -> None:
    """After so many failures the next read is refused without asking, said and counted; the trial after it heals."""
    good = info(orderStatus={"status": "unknownOid"})
    bad = [says(answer(b"", 502))] * 3
    with desk(*bad, good, breaker_failures=3, breaker_pause_ms=400) as (made, server):
        made.gateway.carry_out(ReadOrder(CLOID), Context(), Ns(0))
        made.gateway.carry_out(ReadOrder(CLOID), Context(), Ns(0))
        _, second = made.heard.wait(BadData, 2)
        assert "suspended" in second.reason
        assert len(server.bodies) == 3
        time.sleep(0.5)
        made.gateway.carry_out(ReadOrder(CLOID), Context(), Ns(0))
        made.heard.wait(VenueOrder)
        assert len(server.bodies) == 4
    assert [value for name, value in made.samples if name == "reads_suspended_share"] == [0.0, 0.0, 0.0, 1.0, 0.0]


def test_candles_are_read_with_or_without_an_account() -> None:
    """History is nobody's own."""
    query = QueryCandles("BTC", "1m", Ns(0), Ns(MINUTE))
    with desk(info(candleSnapshot=[]), user_address=None) as (made, _):
        made.gateway.carry_out(ReadCandles(query), Context(3), Ns(0))
        (told,) = made.heard.wait(CandlesTold)
    assert (told.query, told.closes) == (query, ())


def test_without_a_user_reads_say_so() -> None:
    """A data-only desk has no account to read."""
    with desk(says(RESTING), user_address=None) as (made, server):
        made.gateway.carry_out(ReadAccount(Ns(0)), Context(), Ns(0))
        (bad,) = made.heard.wait(BadData)
        assert not server.bodies
    assert "user_address" in bad.reason


def test_a_warm_connection_that_the_venue_closed_is_opened_again() -> None:
    """A server that hangs up after each answer is met with a fresh connection before the next action is there."""

    def answers_once(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(RESTING)
        return False

    with desk(answers_once, warm_connections=1, most_connections=1) as (made, server):
        made.post()
        made.heard.wait(ActionAnswered)
        deadline = time.monotonic() + 10
        while server.connections < 2:
            assert time.monotonic() < deadline, "nobody looked after the line"
            threading.Event().wait(0.01)
        made.post(8)
        made.heard.wait(ActionAnswered, 2)
        assert [len(server.bodies), server.connections] == [2, 2]


def test_an_action_that_waited_too_long_for_a_connection_is_not_begun() -> None:
    """Behind a stalled one it is refused, provably unsent, once its own deadline has passed."""
    done = threading.Event()
    with desk(stalls(done), warm_connections=1, most_connections=1, answer_ms=200) as (made, server):
        for nonce in (1, 2, 3):
            made.post(nonce)
        answers = made.heard.wait(ActionAnswered, 3)
        done.set()
        assert len(server.bodies) < 3
    last = answers[-1]
    assert (last.nonce, last.answer) == (3, AnswerKind.REFUSED)
    assert "waited" in last.error


def test_after_stopping_actions_are_refused() -> None:
    """A command that comes too late is answered, not lost."""
    with desk(says(RESTING)) as (made, server):
        made.gateway.stop()
        made.post()
        (answered,) = made.heard.of(ActionAnswered)
        assert not server.bodies
    assert answered.answer is AnswerKind.REFUSED
