"""The orchestrator after a crash: its state folded again from the journal; nothing is lost or said twice."""

from __future__ import annotations

from orchestrator.heart import Heart
from orchestrator.routes import hearers
from shared.codec import decode
from shared.ids import Role, Seq
from shared.journal import JournalReader
from shared.mailbox import Letter
from shared.messages import Envelope
from shared.messages.control import Woke
from shared.record import Entry
from shared.units import Ns


def recover(heart: Heart, reader: JournalReader) -> int:
    """Fill `heart` with what the journal tells; the result is how many messages were folded.

    Mailboxes end up holding what was sequenced but not handled; timers what was asked for but not yet said. Batches
    are applied where they stand among the messages, so conflation comes out as it would have.
    """
    batches = reader.handled()
    batch = next(batches, None)
    folded = 0
    for entry in reader.messages():
        while batch is not None and batch.after_seq < entry.seq:
            heart.mailboxes[batch.role].forget(batch.seqs)
            batch = next(batches, None)
        _fold(heart, entry)
        folded += 1
    while batch is not None:
        heart.mailboxes[batch.role].forget(batch.seqs)
        batch = next(batches, None)
    return folded


def _fold(heart: Heart, entry: Entry) -> None:
    message = decode(entry.body)
    if isinstance(message, Woke):
        heart.timers.cleared(message.role, message.timer)
    who = hearers(entry.source, message)
    for role in who:
        if role is not Role.ORCHESTRATOR:
            heart.mailboxes[role].put(Letter(entry.seq, Ns(entry.ts), Ns(entry.origin_ns), message, entry.body))
    if Role.ORCHESTRATOR in who:
        heart.fold(Envelope(Seq(entry.seq), Ns(entry.ts), entry.source, Seq(entry.cause), Ns(entry.origin_ns), message))
