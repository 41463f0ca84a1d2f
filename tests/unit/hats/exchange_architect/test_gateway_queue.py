"""Actions that wait for a connection: what goes first, what is kept for whom, what is given up, what never leaves."""

from __future__ import annotations

import socket
import threading
import time

import msgspec
import pytest

from hats.exchange_architect.budget import Priority
from shared.edge import Context
from shared.messages.order import ActionAnswered, ActionKind, ActionSent, AnswerKind, DropWaiting
from shared.units import Ns
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.loopback import reset
from tests.unit.hats.exchange_architect.test_gateway import RESTING, desk, says, stalls


def test_what_matters_most_goes_first() -> None:
    """Behind a connection that is taken, cancels overtake the entries that came before them."""
    first = threading.Event()

    def script(connection: socket.socket, _: bytes) -> bool:
        first.wait(20)
        connection.sendall(RESTING)
        return True

    slow = {"answer_ms": 20_000, "crowded_ms": 20_000, "reserved_connections": 0}
    with desk(script, warm_connections=1, most_connections=1, **slow) as (made, _):
        made.post(1)
        made.heard.wait(ActionSent)
        for nonce, priority in ((2, 1), (3, 4), (4, 1), (5, 4), (6, 3)):
            action = msgspec.structs.replace(scene.post(nonce=nonce), priority=priority)
            made.gateway.carry_out(action, Context(), Ns(0))
        first.set()
        sent = made.heard.wait(ActionSent, 6)
        made.heard.wait(ActionAnswered, 6)
    assert [one.nonce for one in sent] == [1, 3, 5, 6, 2, 4]


def test_entries_do_not_take_what_is_reserved() -> None:
    """With every common connection stalled, entries wait and a cancel goes out at once on a reserved one."""
    done = threading.Event()
    slow = {"answer_ms": 20_000, "crowded_ms": 20_000, "reserved_connections": 1}
    with desk(stalls(done), warm_connections=1, most_connections=1, **slow) as (made, _):
        made.post(1)
        made.heard.wait(ActionSent)
        made.post(2)
        made.gateway.carry_out(msgspec.structs.replace(scene.post(nonce=3), priority=4), Context(), Ns(0))
        sent = made.heard.wait(ActionSent, 2)
        done.set()
    assert [one.nonce for one in sent[:2]] == [1, 3]


def test_an_overdue_answer_is_given_up_for_those_who_wait() -> None:
    """With nobody waiting an answer has all its time; with somebody, its fate is unknown a moment later."""
    done = threading.Event()
    slow = {
        "warm_connections": 1,
        "most_connections": 1,
        "answer_ms": 20_000,
        "crowded_ms": 300,
    }
    with desk(stalls(done), says(RESTING), **slow) as (made, _):
        made.post(1)
        made.heard.wait(ActionSent)
        time.sleep(0.6)
        assert not made.heard.of(ActionAnswered)
        made.post(2)
        lost, answered = made.heard.wait(ActionAnswered, 2)
        done.set()
    assert (lost.nonce, lost.answer) == (1, AnswerKind.NO_ANSWER)
    assert "others wait" in lost.error
    assert (answered.nonce, answered.answer) == (2, AnswerKind.RESTING)


def test_what_expired_while_it_waited_is_not_begun() -> None:
    """The venue would refuse it and count it fivefold; that it never left is proven instead."""
    done = threading.Event()
    slow = {"warm_connections": 1, "most_connections": 1, "answer_ms": 600}
    with desk(stalls(done), **slow) as (made, server):
        made.post(1)
        made.heard.wait(ActionSent)
        soon_ms = time.time_ns() // 1_000_000 + 200
        made.gateway.carry_out(msgspec.structs.replace(scene.post(nonce=2), expires_after_ms=soon_ms), Context(), Ns(0))
        _, late = made.heard.wait(ActionAnswered, 2)
        done.set()
        assert len(server.bodies) == 1
    assert (late.nonce, late.answer) == (2, AnswerKind.REFUSED)
    assert "never sent: expired" in late.error


def test_a_kill_drops_the_entries_that_wait_and_no_cancel() -> None:
    """They provably never left; what cancels or reduces goes out as soon as there is a connection."""
    done = threading.Event()
    slow = {"warm_connections": 1, "most_connections": 1, "reserved_connections": 0, "answer_ms": 20_000}
    with desk(stalls(done), says(RESTING), **slow, crowded_ms=500) as (made, server):
        made.post(1)
        made.heard.wait(ActionSent)
        for nonce, kind, priority in ((2, ActionKind.ORDER, 1), (3, ActionKind.CANCEL, 4), (4, ActionKind.ORDER, 3)):
            action = msgspec.structs.replace(scene.post(kind, nonce=nonce), priority=priority)
            made.gateway.carry_out(action, Context(), Ns(0))
        made.gateway.carry_out(DropWaiting("test"), Context(), Ns(0))
        (dropped,) = made.heard.of(ActionAnswered)
        assert (dropped.nonce, dropped.answer) == (2, AnswerKind.REFUSED)
        assert dropped.error == "local: never sent: test"
        made.heard.wait(ActionAnswered, 4)
        done.set()
        assert len(server.bodies) == 3
    assert [each.nonce for each in made.heard.of(ActionSent)] == [1, 3, 4]


@pytest.mark.parametrize(("priority", "copies"), [(Priority.ENTER, 1), (Priority.REDUCE, 2)])
def test_a_kill_lets_no_entry_go_out_again_whose_connection_breaks(priority: Priority, copies: int) -> None:
    """It had left before the kill, and perhaps never arrived: a copy would be an entry after it. What reduces may."""
    cut = threading.Event()

    def script(connection: socket.socket, _: bytes) -> bool:
        if not cut.wait(20):
            return False
        if len(server.bodies) < 2:
            return reset(connection)
        connection.sendall(RESTING)
        return True

    with desk(script, warm_connections=1, most_connections=1, reserved_connections=0) as (made, server):
        action = msgspec.structs.replace(scene.post(nonce=1), priority=int(priority))
        made.gateway.carry_out(action, Context(), Ns(0))
        made.heard.wait(ActionSent)
        made.gateway.carry_out(DropWaiting("test"), Context(), Ns(0))
        cut.set()
        (answered,) = made.heard.wait(ActionAnswered)
    assert len(server.bodies) == copies
    assert answered.answer is (AnswerKind.NO_ANSWER if copies == 1 else AnswerKind.RESTING)
    assert copies == 2 or answered.error == "local: not sent again: test"
