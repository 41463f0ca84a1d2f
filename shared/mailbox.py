"""A Hat's bounded mailbox: lanes by importance, conflation where it is allowed, refusal where it is not."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from shared.errors import MailboxFull
from shared.ids import Role
from shared.messages import AnyMessage
from shared.messages.message import Lane, Message
from shared.units import Ns

DEFAULT_CAPACITY: Final[Mapping[Lane, int]] = {
    Lane.KILL: 4_096,
    Lane.ORDER: 16_384,
    Lane.SIGNAL: 16_384,
    Lane.MARKET: 65_536,
}


BATCH_LETTERS_MAX: Final = 64
"""How many letters a Hat is given at most at once: so many of each lane may a process have handled unknown to all."""


class Letter(NamedTuple):
    """One message waiting for one Hat; `payload` travels along unread (its encoded form)."""

    seq: int
    ts: Ns
    origin_ns: Ns
    message: AnyMessage
    payload: Any = None


class Mailbox:
    """What waits for one Hat. Within a lane order is kept; a lower lane goes first.

    Conflation keeps the place of the older letter and the content of the newer, so a fast coin can't starve a slow one.
    """

    def __init__(self, role: Role, capacity: Mapping[Lane, int] = DEFAULT_CAPACITY) -> None:
        self.role = role
        self.conflated = 0
        self.undelivered = 0
        self.is_closed = False
        self._capacity = dict(capacity)
        self._lanes: dict[Lane, OrderedDict[Any, Letter]] = {lane: OrderedDict() for lane in Lane}

    def has_room(self, message: Message) -> bool:
        """Would `put` take it?"""
        lane = self._lanes[message.lane]
        return self.is_closed or len(lane) < self._capacity[message.lane] or self._key(0, message) in lane

    def room(self, lane: Lane) -> int:
        """How many more letters the lane takes."""
        return self._capacity[lane] - len(self._lanes[lane]) if not self.is_closed else self._capacity[lane]

    def close(self) -> None:
        """Nobody will read it any more: what comes is counted as undelivered (it stays in the journal)."""
        self.is_closed = True
        self.undelivered += self.depth
        for lane in self._lanes.values():
            lane.clear()

    def check_room(self, message: Message) -> None:
        """Nothing if `put` would take it; MailboxFull otherwise."""
        if not self.has_room(message):
            lane = message.lane
            raise MailboxFull(f"{self.role}: lane {lane.name} holds {len(self._lanes[lane])}, its limit")

    def put(self, letter: Letter) -> int | None:
        """Take a letter in; the result is the seq of the letter it replaced, if any. MailboxFull if the lane is."""
        lane = self._lanes[letter.message.lane]
        key = self._key(letter.seq, letter.message)
        if self.is_closed:
            self.undelivered += 1
            return None
        self.check_room(letter.message)
        replaced = lane.get(key)
        lane[key] = letter
        if replaced is None:
            return None
        self.conflated += 1
        return replaced.seq

    def take(self, limit: int) -> list[Letter]:
        """Up to `limit` letters, most important lane first, oldest first within a lane."""
        taken: list[Letter] = []
        for lane in self._lanes.values():
            while lane and len(taken) < limit:
                taken.append(lane.popitem(last=False)[1])
        return taken

    def put_back(self, letters: Iterable[Letter]) -> None:
        """Return letters that were taken but never handled; they go first again. A newer book of the coin wins."""
        for letter in reversed(list(letters)):
            lane = self._lanes[letter.message.lane]
            key = self._key(letter.seq, letter.message)
            if key not in lane:
                lane[key] = letter
            lane.move_to_end(key, last=False)

    def forget(self, seqs: Iterable[int]) -> None:
        """Drop letters that were handled already (recovery only)."""
        gone = set(seqs)
        for lane in self._lanes.values():
            for key in [key for key, letter in lane.items() if letter.seq in gone]:
                del lane[key]

    def letters(self) -> list[Letter]:
        """All that waits, in the order in which it would be taken."""
        return [letter for lane in self._lanes.values() for letter in lane.values()]

    @property
    def depth(self) -> int:
        """How many letters wait."""
        return sum(map(len, self._lanes.values()))

    def depth_of(self, lane: Lane) -> int:
        """How many wait in one lane."""
        return len(self._lanes[lane])

    def age_ns(self, now: Ns) -> int:
        """How long the oldest letter has waited; 0 when empty."""
        firsts = [next(iter(lane.values())).ts for lane in self._lanes.values() if lane]
        return now - min(firsts) if firsts else 0

    @staticmethod
    def _key(seq: int, message: Message) -> Any:
        key = message.conflation_key()
        return seq if key is None else (type(message).__name__, key)
