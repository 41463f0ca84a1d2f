"""Replay: how a Hat is brought back from the journal, and the proof that it says again what it said.

A Hat is pure, so what it handled, in the batches and at the times that the journal tells, gives its state and every
one of its outputs, byte for byte, in whichever runtime the run took place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shared.bus import frames
from shared.codec import decode, encode
from shared.hat import Hat, restore
from shared.ids import Role
from shared.journal import JournalReader
from shared.record import Handled
from shared.units import Ns


class Difference(NamedTuple):
    """Where a replay left the journal: the output that came, against the message that was written."""

    role: Role
    batch: int
    seq: int
    written: str
    replayed: str


def replay_of(reader: JournalReader, role: Role, epoch: int) -> Iterator[frames.ToHat]:
    """Everything that brings a Hat back: its newest snapshot, what it handled since, and Go."""
    kept = reader.snapshot(role)
    after_n, state = kept if kept is not None else (0, None)
    yield frames.Restore(epoch, state)
    for batch in reader.handled(role, after_n):
        yield frames.Batch(batch.n, batch.now, True, _letters(reader, batch))
    yield frames.Go()


def bring_back(hat: Hat, replay: Iterator[frames.ToHat]) -> int:
    """The fresh `hat` is in the state that the journal tells; the result is how many messages were replayed."""
    replayed = 0
    for frame in replay:
        match frame:
            case frames.Restore(state=bytes(state)):
                restore(hat, state)
            case frames.Batch(now=now, letters=letters):
                for letter in letters:
                    for _ in hat.handle(decode(letter.body), Ns(now)):
                        pass
                    replayed += 1
    return replayed


def first_difference(reader: JournalReader, role: Role, hat: Hat) -> Difference | None:
    """Where a fresh `hat`, given all that the journal says it handled, first says something else; None if nowhere."""
    for batch in reader.handled(role):
        seq = batch.after_seq
        for letter in _letters(reader, batch):
            for output in hat.handle(decode(letter.body), Ns(batch.now)):
                seq += 1
                entry = reader.message(seq)
                body = encode(output)
                if entry is None or entry.source is not role or entry.cause != letter.seq or entry.body != body:
                    written = "nothing" if entry is None else f"{entry.source} {entry.kind}: {decode(entry.body)}"
                    return Difference(role, batch.n, seq, written, f"{role} {type(output).__name__}: {output}")
        following = reader.message(seq + 1)
        if following is not None and following.source is role and following.cause in batch.seqs:
            edge_said = following.kind in _EDGE_SAYS.get(role, ())
            if not edge_said:
                return Difference(role, batch.n, seq + 1, f"{role} {following.kind}", "nothing")
    return None


_EDGE_SAYS: dict[Role, frozenset[str]] = {
    Role.EXCHANGE_ARCHITECT: frozenset({"ActionSent", "ActionAnswered", "VenueOrder", "AccountSnapshot", "BadData"}),
    Role.SECURITY_ARCHITECT: frozenset({"SignedAction", "SignatureRefused"}),
}
"""What an edge says with its command's message as the cause; it is input, not output of the Hat."""


def _letters(reader: JournalReader, batch: Handled) -> tuple[frames.Delivered, ...]:
    letters = []
    for seq in batch.seqs:
        entry = reader.message(seq)
        assert entry is not None, f"batch {batch.n} names message {seq}, which the journal does not have"
        letters.append(frames.Delivered(seq, entry.origin_ns, frames.raw(entry.body)))
    return tuple(letters)
