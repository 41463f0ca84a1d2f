"""How a Hat is brought back: its newest snapshot, then everything it handled since, at the times it was given it."""

from __future__ import annotations

from collections.abc import Iterator

from shared.bus import frames
from shared.ids import Role
from shared.journal import JournalReader


def replay_of(reader: JournalReader, role: Role, epoch: int) -> Iterator[frames.ToHat]:
    """Everything that brings a Hat back: its newest snapshot, what it handled since, and Go."""
    kept = reader.snapshot(role)
    after_n, state = kept if kept is not None else (0, None)
    yield frames.Restore(epoch, state)
    for batch in reader.handled(role, after_n):
        letters = []
        for seq in batch.seqs:
            entry = reader.message(seq)
            assert entry is not None, f"batch {batch.n} names message {seq}, which the journal does not have"
            letters.append(frames.Delivered(seq, entry.origin_ns, frames.raw(entry.body)))
        yield frames.Batch(batch.n, batch.now, True, tuple(letters))
    yield frames.Go()
