"""The orchestrator after a crash: its newest checkpoint, then all that was journaled since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from orchestrator.heart import Heart
from orchestrator.routes import hearers
from orchestrator.situation import Situation
from orchestrator.supervisor import Standing
from shared.codec import decode
from shared.errors import InvariantError
from shared.ids import HATS, Role, Seq
from shared.journal import JournalReader
from shared.mailbox import Letter
from shared.messages import Envelope
from shared.messages.control import Measured, Woke
from shared.record import Entry, Handled
from shared.units import SECOND, Ns

SCORES_REACH_NS: Final = 3_600 * SECOND
"""Measurements older than this at the checkpoint are in no scorecard's window."""


class Checkpoint(msgspec.Struct, frozen=True):
    """What a heart holds that is not a message: who waits for which, wake-ups, the view of the run, what was ordered.

    `waiting` lists a Hat's letters in the order in which it would be given them, those that are out with it first.
    """

    seq: int
    n: int
    ts: int
    waiting: dict[Role, list[int]]
    timers: list[tuple[Role, str, int]]
    situation: Situation
    standing: Standing


def checkpoint(heart: Heart, now: Ns) -> bytes:
    """The heart's state as bytes, to be kept under the orchestrator's name."""
    record = heart.sequencer.record
    waiting = {}
    for role in HATS:
        flight = heart.flights.get(role)
        out = [letter.seq for letter in flight.letters] if flight is not None else []
        waiting[role] = out + [letter.seq for letter in heart.mailboxes[role].letters()]
    return msgspec.msgpack.encode(
        Checkpoint(
            record.last_seq,
            record.last_n,
            now,
            waiting,
            heart.timers.pending(),
            heart.situation,
            heart.supervisor.standing,
        )
    )


def recover(heart: Heart, reader: JournalReader) -> int:
    """Fill `heart` with what the journal tells; the result is how many messages were folded.

    Mailboxes end up holding what was sequenced but not handled; timers what was asked for but not yet said. Batches
    are applied where they stand among the messages, so conflation comes out as it would have.
    """
    seq, n = _from_checkpoint(heart, reader)
    batches = reader.handled(after_n=n)
    batch = next(batches, None)
    folded = 0
    for entry in reader.messages(seq):
        while batch is not None and batch.after_seq < entry.seq:
            heart.mailboxes[batch.role].forget(batch.seqs)
            batch = next(batches, None)
        _fold(heart, entry)
        folded += 1
    _apply(heart, batch, batches)
    return folded


def _from_checkpoint(heart: Heart, reader: JournalReader) -> tuple[int, int]:
    kept = reader.snapshot(Role.ORCHESTRATOR)
    if kept is None:
        return 0, 0
    state = msgspec.msgpack.decode(kept[1], type=Checkpoint)
    heart.situation = state.situation
    heart.supervisor.standing = state.standing
    for role, timer, ns in state.timers:
        heart.timers.set(role, timer, ns)
    for role, seqs in state.waiting.items():
        for seq in seqs:
            heart.mailboxes[role].put(_letter(_entry(reader, seq)))
    for entry in reader.messages(kind=Measured.__name__, since_ns=state.ts - SCORES_REACH_NS):
        if entry.seq > state.seq:
            break
        heart.scores.add(_envelope(entry))
    return state.seq, state.n


def _apply(heart: Heart, batch: Handled | None, batches: Iterable[Handled]) -> None:
    if batch is not None:
        heart.mailboxes[batch.role].forget(batch.seqs)
    for later in batches:
        heart.mailboxes[later.role].forget(later.seqs)


def _fold(heart: Heart, entry: Entry) -> None:
    envelope = _envelope(entry)
    message = envelope.message
    if isinstance(message, Woke):
        heart.timers.cleared(message.role, message.timer)
    who = hearers(entry.source, message)
    for role in who:
        if role is not Role.ORCHESTRATOR:
            heart.mailboxes[role].put(_letter(entry))
    if Role.ORCHESTRATOR in who:
        heart.fold(envelope)
        heart.supervisor.recall(message)


def _entry(reader: JournalReader, seq: int) -> Entry:
    entry = reader.message(seq)
    if entry is None:
        raise InvariantError(f"the checkpoint names message {seq}, which the journal does not have")
    return entry


def _letter(entry: Entry) -> Letter:
    return Letter(entry.seq, Ns(entry.ts), Ns(entry.origin_ns), decode(entry.body), entry.body)


def _envelope(entry: Entry) -> Envelope:
    return Envelope(
        Seq(entry.seq), Ns(entry.ts), entry.source, Seq(entry.cause), Ns(entry.origin_ns), decode(entry.body)
    )
