"""What prices did: our mids of the last minute, and the returns that the loss of a bad hour is judged by."""

from __future__ import annotations

import msgspec

from hats.risk_oversight_officer.market import Market

RETURN_SCALE = 1_000_000
"""Returns are integers of 10^-6, so that a judgement gives the same bytes on every machine."""


class MidTrail(msgspec.Struct):
    """Twice our mid of each coin, sampled at even steps, oldest first."""

    mids: dict[str, list[int]] = {}

    def sample(self, market: Market, length: int) -> None:
        """Note every coin's mid now, keeping `length` of them."""
        for coin in market.features:
            mids = self.mids.setdefault(coin, [])
            mids.append(market.twice_mid(coin))
            del mids[:-length]

    def bounds(self, coin: str) -> tuple[int, int] | None:
        """The lowest and the highest of them; None before the first."""
        mids = self.mids.get(coin)
        return (min(mids), max(mids)) if mids else None


class Returns(msgspec.Struct):
    """Each coin's returns between even samples of our mid (10^-6), oldest first; all lists end with the same sample.

    `samples` counts them, so that whoever worked something out knows when it is out of date.
    """

    last: dict[str, int] = {}
    rows: dict[str, list[int]] = {}
    samples: int = 0

    def sample(self, market: Market, length: int) -> None:
        """Note every coin's return since the last sample; a coin seen for the first time has none yet."""
        for coin in market.features:
            twice_mid = market.twice_mid(coin)
            before = self.last.get(coin)
            if before:
                row = self.rows.setdefault(coin, [])
                row.append((twice_mid - before) * RETURN_SCALE // before)
                del row[:-length]
            self.last[coin] = twice_mid
        self.samples += 1
