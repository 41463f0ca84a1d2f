"""How a Hat is brought back from the journal.

A Hat is pure, so what it handled, in the batches and at the times that the journal tells, gives its state and every
one of its outputs, byte for byte, in whichever runtime the run took place; `reproduction.py` proves it.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.bus import frames
from shared.codec import decode
from shared.hat import Hat, restore, settled
from shared.ids import Role
from shared.journal import JournalReader
from shared.record import Handled
from shared.units import Ns


def replay_of(reader: JournalReader, role: Role, epoch: int) -> Iterator[frames.ToHat]:
    """Everything that brings a Hat back: its newest snapshot, what it handled since, and Go."""
    kept = reader.snapshot(role)
    after_n, state = kept if kept is not None else (0, None)
    yield frames.Restore(epoch, state)
    for batch in reader.handled(role, after_n):
        yield frames.Batch(batch.n, batch.now, True, letters_of(reader, batch))
    yield frames.Go(reader.last_seq())


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
                for _ in settled(hat, Ns(now)):
                    pass
    return replayed


def letters_of(reader: JournalReader, batch: Handled) -> tuple[frames.Delivered, ...]:
    """The messages of a batch in their order."""
    letters = []
    for seq in batch.seqs:
        entry = reader.message(seq)
        assert entry is not None, f"batch {batch.n} names message {seq}, which the journal does not have"
        letters.append(frames.Delivered(seq, entry.origin_ns, frames.raw(entry.body)))
    return tuple(letters)
