"""What the feed has seen: bounded memory against saying the same trade, fill or payment twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

REMEMBERED: Final = 50_000


class Seen:
    """A set that forgets its oldest members beyond `limit`."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._keys: dict[Hashable, None] = {}
        self._limit = limit

    def is_new(self, key: Hashable) -> bool:
        """Is this the first time? Remembers it."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._limit:
            del self._keys[next(iter(self._keys))]
        return True
