"""Frames that were captured and wait to be read: the user's first, and of each coin only the newest book.

Reading a socket is ten times as fast as understanding what came. In a burst what waits here grows instead of what waits
at the venue, which cuts off whoever reads too slowly. Only books conflate, and every one that does is counted; trades,
fills and all else keep their order and are never dropped.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, NamedTuple

from shared.units import Ns

LIMIT: Final = 200_000
"""Frames that may wait; beyond, the sockets are left unread until there is room."""
_BOOK: Final = b'{"channel":"l2Book","data":{"coin":"'


class Waiting(NamedTuple):
    """A frame as it came, from which socket. `frame` None: that socket's connection ended here."""

    socket: int
    recv_ns: Ns
    frame: bytes | None


class Backlog:
    """Two lanes. A newer book keeps the place of the older one, so that a fast coin can't starve a slow one."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.conflated = 0
        self._limit = limit
        self._private: deque[Waiting] = deque()
        self._market: OrderedDict[object, Waiting] = OrderedDict()
        self._n = 0

    def put(self, waiting: Waiting, *, is_private: bool) -> None:
        """Let it wait for its turn."""
        if is_private:
            self._private.append(waiting)
            return
        key = self._key(waiting)
        self.conflated += key in self._market
        self._market[key] = waiting

    def take(self) -> Waiting | None:
        """What is next; None if nothing waits."""
        if self._private:
            return self._private.popleft()
        return self._market.popitem(last=False)[1] if self._market else None

    def __len__(self) -> int:
        return len(self._private) + len(self._market)

    @property
    def is_full(self) -> bool:
        """Is it time to leave the sockets unread?"""
        return len(self) >= self._limit

    def _key(self, waiting: Waiting) -> object:
        """The coin of a book, as its socket spells it; every other frame is by itself."""
        frame = waiting.frame
        if frame is not None and frame.startswith(_BOOK):
            return waiting.socket, frame[len(_BOOK) : frame.find(b'"', len(_BOOK))]
        self._n += 1
        return self._n
