"""Trades heard, minute by minute, beside what the venue's candles count: a running proof that none was missed."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.wire import Minute
from shared.messages.market import Trade
from shared.units import MINUTE, SECOND, Ns

_SETTLED_NS: Final = 5 * SECOND
"""How long after a minute its last trade and its last candle may still come."""


class Verdict(NamedTuple):
    """A minute that is over: what was heard of it and what the venue counts. `is_cut`: a gap lies in it."""

    minute: Minute
    trades: int
    lots: int
    is_cut: bool

    @property
    def share(self) -> float:
        """Trades heard of those there were, at most 1."""
        return min(self.trades / self.minute.trades, 1.0)

    @property
    def is_whole(self) -> bool:
        """Was every trade heard?"""
        return (self.trades, self.lots) == (self.minute.trades, self.minute.lots)


class _Tally(msgspec.Struct):
    trades: int = 0
    lots: int = 0
    counted: Minute | None = None


class Minutes:
    """A few open minutes of each coin. A minute that began before we listened is not judged."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, Ns], _Tally] = {}
        self._heard_since_ns: dict[str, Ns] = {}
        self._cut_ns: dict[str, tuple[Ns, Ns]] = {}

    def listen(self, coin: str, now: Ns) -> None:
        """Trades of this coin are heard from here on."""
        since = self._heard_since_ns.setdefault(coin, now)
        if since != now and coin in self._cut_ns:
            self._cut_ns[coin] = (self._cut_ns[coin][0], now)

    def cut(self, coin: str, since_ns: Ns, now: Ns) -> None:
        """Trades of this coin may have been missed since then. Cuts that one minute may hold count as one."""
        before = self._cut_ns.get(coin)
        if before is not None and since_ns - before[1] < 2 * MINUTE:
            since_ns = min(since_ns, before[0])
        self._cut_ns[coin] = (since_ns, now)

    def heard(self, trade: Trade) -> None:
        """Count a trade, once."""
        tally = self._tallies.setdefault((trade.coin, _minute_of(trade.exch_ns)), _Tally())
        tally.trades += 1
        tally.lots += trade.sz

    def counted(self, minute: Minute) -> None:
        """The venue's newest word on a minute."""
        self._tallies.setdefault((minute.coin, minute.start_ns), _Tally()).counted = minute

    def over(self, now: Ns) -> list[Verdict]:
        """The minutes that are over and settled, each once."""
        done = [key for key in self._tallies if key[1] + MINUTE + _SETTLED_NS <= now]
        verdicts: list[Verdict] = []
        for key in done:
            tally = self._tallies.pop(key)
            coin, start_ns = key
            since = self._heard_since_ns.get(coin)
            if tally.counted is not None and tally.counted.trades and since is not None and since <= start_ns:
                verdicts.append(Verdict(tally.counted, tally.trades, tally.lots, self._is_cut(coin, start_ns)))
        return verdicts

    def _is_cut(self, coin: str, start_ns: Ns) -> bool:
        since, until = self._cut_ns.get(coin, (Ns(0), Ns(0)))
        # the last candle of a minute that came before the cut may be missing, too
        return since < start_ns + MINUTE + _SETTLED_NS and until >= start_ns


def _minute_of(exch_ns: Ns) -> Ns:
    return Ns(exch_ns // MINUTE * MINUTE)
