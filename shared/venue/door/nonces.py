"""Which nonces a signer may still use: the venue's rule that stops a signed action from being used twice."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from typing import Final

KEPT: Final = 100
"""A new nonce must exceed the smallest of this many highest ones."""
MARGIN_MS: Final = 120_000
OLDEST_MS: Final = 2 * 86_400_000 - MARGIN_MS
NEWEST_MS: Final = 86_400_000 - MARGIN_MS
"""The documents say T - 2 d to T + 1 d; measured on the venue, each end is some 120 s narrower. Fact sheet 2.5."""


class NonceBook:
    """Every nonce used inside the time window, by signer, eight bytes each. Times are milliseconds since 1970."""

    def __init__(self) -> None:
        self._used: dict[str, array[int]] = {}

    def admit(self, signer: str, nonce: int, now_ms: int) -> str | None:
        """None, and the nonce is now used; or the venue's words for why it may not be, and nothing changed."""
        used = self._used.setdefault(signer, array("q"))
        oldest, newest = now_ms - OLDEST_MS, now_ms + NEWEST_MS
        if nonce < oldest:
            return f"Invalid nonce: nonce too low {nonce} < {oldest}"
        if nonce > newest:
            return f"Invalid nonce: nonce too high {nonce} > {newest}"
        place = bisect_left(used, nonce)
        if place < len(used) and used[place] == nonce:
            return f"Invalid nonce: duplicate nonce {nonce}"
        if len(used) >= KEPT and nonce < used[-KEPT]:
            return f"Invalid nonce: nonce too low {nonce} < {used[-KEPT]}"
        insort(used, nonce)
        _drop_older(used, oldest)
        return None

    def forget(self, signer: str) -> None:
        """Drop what `signer` used, as the venue does when an agent ends; its old actions could be used again."""
        self._used.pop(signer, None)


def _drop_older(used: array[int], oldest: int) -> None:
    """Remove nonces that the window refuses anyway, in large steps; the last KEPT stay, for they are the floor."""
    stale = min(bisect_left(used, oldest), len(used) - KEPT)
    if stale > len(used) // 2:
        del used[:stale]
