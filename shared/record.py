"""What is written down of a run: messages in their order, and which of them each Hat was given."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from shared.ids import Role


class Entry(NamedTuple):
    """One message as journaled; `body` is its encoding."""

    seq: int
    ts: int
    source: Role
    kind: str
    cause: int
    origin_ns: int
    body: bytes


class Handled(NamedTuple):
    """One batch that a Hat handled at `now`, when `after_seq` was the newest message."""

    n: int
    after_seq: int
    role: Role
    now: int
    seqs: tuple[int, ...]


class Record(Protocol):
    """Where it is written: the journal, or memory for a rehearsal."""

    last_seq: int
    last_n: int

    def append(self, entry: Entry, *, durable: bool) -> None:
        """Write one message; it must be the next in order."""
        ...

    def append_handled(self, role: Role, now: int, seqs: tuple[int, ...]) -> int:
        """Write that a Hat handled a batch; the result is its number."""
        ...
