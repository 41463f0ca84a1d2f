"""What the exchange has promised to do at a later time, in the order of these times."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

NEVER: Final = 2**63 - 1
Entry = tuple[int, int, str, int | str]
"""(due time in ns, number in order of arrival, what is to be done, to whom)."""


class Agenda:
    """Entries whose reason is gone stay until their time; who is called then must look whether it still holds."""

    __slots__ = ("_entries", "_next", "due_ns")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._next = 0
        self.due_ns = NEVER

    def add(self, due_ns: int, kind: str, subject: int | str) -> None:
        """Remember that `kind` is to be done to `subject` at `due_ns`."""
        heappush(self._entries, (due_ns, self._next, kind, subject))
        self._next += 1
        self.due_ns = self._entries[0][0]

    def take(self, now_ns: int) -> tuple[str, int | str] | None:
        """(what, to whom) of the first entry that is due, no longer on the agenda; None if nothing is."""
        if self.due_ns > now_ns:
            return None
        _, _, kind, subject = heappop(self._entries)
        self.due_ns = self._entries[0][0] if self._entries else NEVER
        return kind, subject
