"""The gateway where bytes may have left before: by a process that died, or in an attempt that broke half-way."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest

from hats.exchange_architect.connection import Connection
from shared.edge import Context
from shared.errors import VenueUnreachable
from shared.messages.order import ActionAnswered, ActionSent, AnswerKind
from shared.units import Ns
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.loopback import answer
from tests.unit.hats.exchange_architect.scene import err
from tests.unit.hats.exchange_architect.test_gateway import DUPLICATE, RESTING, desk, says

CONGESTED = answer(err("L1 is congested. Action not sent to L1."))


@pytest.mark.parametrize(
    ("may_be_repeated", "said", "proven"),
    [
        (False, CONGESTED, AnswerKind.REFUSED),
        (True, CONGESTED, AnswerKind.NO_ANSWER),
        (True, DUPLICATE, AnswerKind.NONCE_USED),
        (True, RESTING, AnswerKind.RESTING),
    ],
)
def test_a_refusal_of_what_a_dead_process_may_have_sent_proves_nothing(
    may_be_repeated: bool, said: bytes, proven: AnswerKind
) -> None:
    """It wrote the bytes and died before the journal had that: this is the second copy, nobody told of the first."""
    with desk(says(said)) as (made, _):
        made.gateway.carry_out(scene.post(), Context(5, 6, may_be_repeated), Ns(0))
        (answered,) = made.heard.wait(ActionAnswered)
    assert answered.answer is proven
    assert len(made.heard.of(ActionSent)) == 1


@pytest.mark.parametrize(("may_be_repeated", "proven"), [(False, AnswerKind.REFUSED), (True, AnswerKind.NO_ANSWER)])
def test_an_expired_action_never_leaves(may_be_repeated: bool, proven: AnswerKind) -> None:
    """The venue would refuse it and count it fivefold. That it never left is known only if nobody was here before."""
    with desk(says(RESTING)) as (made, server):
        late = msgspec.structs.replace(scene.post(), expires_after_ms=time.time_ns() // 1_000_000)
        made.gateway.carry_out(late, Context(5, 6, may_be_repeated), Ns(0))
        (answered,) = made.heard.wait(ActionAnswered)
        assert not server.bodies
    assert answered.answer is proven
    assert not made.heard.of(ActionSent)


def test_bytes_that_only_left_the_second_time_are_told_as_sent() -> None:
    """Sending broke half-way, so that they may have left; whose orders share a nonce is known from `ActionSent`."""
    with desk(says(RESTING), warm_connections=1, most_connections=1, reserved_connections=0) as (made, _):
        made.post(1)
        made.heard.wait(ActionAnswered)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Connection, "send", broken_once(Connection.send))
            made.post(2)
            made.heard.wait(ActionAnswered, 2)
    assert [sent.nonce for sent in made.heard.of(ActionSent)] == [1, 2]


def broken_once(send: Callable[[Connection, bytes], None]) -> Callable[[Connection, bytes], None]:
    """The first time the connection is lost while sending."""
    lost = iter([True])

    def sending(connection: Connection, data: bytes) -> None:
        if next(lost, False):
            connection.close()
            raise VenueUnreachable("lost while sending")
        send(connection, data)

    return sending
