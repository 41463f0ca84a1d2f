"""What an edge says of a batch that is not written down yet: no end of an action may be believed before its begin."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from shared.bus import frames
from shared.bus.sockets import Connection, connect
from shared.clock import WallClock
from shared.codec import encode
from shared.ids import Cloid, Role
from shared.journal import JournalReader
from shared.messages import AnyMessage
from shared.messages.order import ActionAnswered, ActionKind, ActionSent, AnswerKind, SignatureRefused, SignedAction
from shared.units import Ns, Sz
from tests.unit.orchestrator.serving import greeted, hub_at, serving

EA: Final = Role.EXCHANGE_ARCHITECT
CLOID: Final = Cloid("0x" + "00" * 16)
REFUSED: Final = ActionAnswered(
    ActionKind.ORDER, CLOID, 7, AnswerKind.REFUSED, 0, Sz(0), "local: never sent: test", Ns(1)
)
SENT: Final = ActionSent(CLOID, 7, Ns(1))
SIGNED: Final = SignedAction(ActionKind.ORDER, CLOID, 7, 0, b"{}", 1)
UNSIGNED: Final = SignatureRefused(ActionKind.ORDER, CLOID, "signer: test")
KINDS: Final = [type(message).__name__ for message in (REFUSED, SENT, SIGNED, UNSIGNED)]
MORE_THAN_A_BUFFER: Final = 20_000


def _batch(hat: Connection) -> frames.Batch:
    """The Hat is restored and has its first batch, which holds its Started."""
    while not isinstance(frame := _next(hat), frames.Go):
        pass
    hat.send(frames.encode(frames.Restored(0)))
    while not isinstance(frame, frames.Batch):
        frame = _next(hat)
    return frame


def _next(hat: Connection) -> frames.ToHat:
    data = hat.receive(10)
    assert data is not None
    return frames.decode_to_hat(data)


def _say(edge: Connection, message: AnyMessage, cause: int) -> None:
    edge.send(frames.encode(frames.Publication(cause, 0, msgspec.Raw(encode(message)))))


def _settle(hat: Connection, batch: frames.Batch) -> None:
    hat.send(frames.encode(frames.Outcome(batch.n, (), (0,) * len(batch.letters))))


def _taken(address: str) -> None:
    """Nothing, once the hub has read what was said before: a question may be answered first of one turn, not of two."""
    with contextlib.closing(greeted(address, Role.OPERATOR, "operator")) as operator:
        for _ in range(2):
            operator.send(frames.encode(frames.Ask("status", b"")))
            _next(operator)


def _journaled(folder: Path) -> list[str]:
    reader = JournalReader.open(folder / "journal.sqlite")
    kinds = [entry.kind for entry in reader.messages() if entry.kind in KINDS]
    reader.close()
    return kinds


@contextlib.contextmanager
def _joined(address: str, role: Role = EA) -> Iterator[tuple[Connection, Connection]]:
    """The two connections of a Hat whose edge says little."""
    hat, edge = greeted(address, role, "hat"), greeted(address, role, "order")
    with contextlib.closing(edge), contextlib.closing(hat):
        yield hat, edge


@pytest.mark.parametrize("is_settled", [True, False])
@pytest.mark.parametrize(
    ("role", "begin", "end"), [(EA, SENT, REFUSED), (Role.SECURITY_ARCHITECT, SIGNED, UNSIGNED)], ids=["sent", "signed"]
)
def test_an_end_is_taken_once_its_begin_is_written_down(
    tmp_path: Path, role: Role, begin: AnyMessage, end: AnyMessage, is_settled: bool
) -> None:
    """A Hat that dies before hands the batch to its successor, which begins anew what had not begun for anybody."""
    with serving(tmp_path) as address:
        with _joined(address, role) as (hat, edge):
            batch = _batch(hat)
            (cause,) = [letter.seq for letter in batch.letters]
            for message, of in ((begin, cause), (end, cause), (begin, 0)):
                _say(edge, message, of)
            _taken(address)
            if is_settled:
                _settle(hat, batch)
                _taken(address)
        if not is_settled:
            with _joined(address, role) as (successor, _):
                assert cause in [letter.seq for letter in _batch(successor).letters], "it is told the same"
    first, last = type(begin).__name__, type(end).__name__
    assert _journaled(tmp_path) == [first, *([last, first] if is_settled else [])]


def test_an_edge_that_says_very_much_of_its_batch_can_end_it(tmp_path: Path) -> None:
    """The hub goes on reading what must wait: else the edge would wait for the hub, and the hub for its batch."""
    with serving(tmp_path) as address, _joined(address) as (hat, edge):
        batch = _batch(hat)
        (cause,) = [letter.seq for letter in batch.letters]
        for _ in range(MORE_THAN_A_BUFFER):
            _say(edge, REFUSED, cause)
        _settle(hat, batch)
        _taken(address)
    assert _journaled(tmp_path)


def test_what_began_earlier_waits_for_nothing(tmp_path: Path) -> None:
    """The end of an earlier batch's action is taken while another batch is out."""
    with serving(tmp_path) as address, _joined(address) as (hat, edge):
        (started,) = _batch(hat).letters
        _say(edge, REFUSED, started.seq - 1)
        _say(edge, SENT, 0)
        _taken(address)
    assert _journaled(tmp_path) == ["ActionAnswered", "ActionSent"]


def test_a_dead_process_has_no_last_word(tmp_path: Path) -> None:
    """A connection that is taken only when its Hat is gone says nothing, for its batch is with the successor."""
    with serving(tmp_path) as address:
        with _joined(address) as (hat, edge):
            (started,) = _batch(hat).letters
            edge.close()
        _taken(address)
        with contextlib.closing(greeted(address, EA, "order")) as late:
            _say(late, REFUSED, started.seq)
            _taken(address)
            assert late.receive(10) is None, "hung up on"
        with _joined(address) as (successor, _):
            assert started.seq in [letter.seq for letter in _batch(successor).letters]
    assert _journaled(tmp_path) == []


def test_a_hat_that_dies_when_its_snapshot_is_due_keeps_its_letters(tmp_path: Path) -> None:
    """The request for the snapshot can't be handed over any more; the next process is given what waits."""
    role, clock, lost = Role.EXECUTION_MANAGER, WallClock(), []
    served = hub_at(tmp_path, snapshot_every=1, on_lost=lambda *told: lost.append(told))
    heart, mailboxes = served.heart, served.heart.mailboxes
    connection = connect(served.address)
    served._accept()
    (peer,) = served._peers.values()
    peer.role, peer.channel, peer.is_live, peer.batches_since_snapshot = role, "hat", True, 1
    served._hats[role] = peer
    heart.say(heart.supervisor.restored(role, clock.now()), clock.now())
    connection.close()
    served._dispatch()
    assert lost
    assert role not in heart.flights
    assert mailboxes[role].depth
    served.stop()
    served.run()
