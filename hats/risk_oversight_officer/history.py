"""What prices did: our mids of the last minute, and the returns that the loss of a bad hour is judged by."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from hats.risk_oversight_officer.market import Market
from shared.messages.market import CandlesTold, QueryCandles
from shared.rules.intervals import INTERVALS_NS, KEPT_CANDLES, ended_ms_at
from shared.units import MS, Ns

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
    """Each coin's returns between samples of our mid (10^-6), oldest first; None where it was not known.

    All rows end with the same sample: entry by entry from the right they are the returns up to `ends_ns`, which are
    whole intervals since 1970 as the venue's candles end. So a coin that is seen later lies beside what the others did
    at that time. Where no coin was known there is no entry, and the next return of each spans the gap.
    `samples` counts whatever changed them, so that whoever worked something out knows when it is out of date.
    `weights` are the alpha and beta of the coins that were fitted.
    `asked` is what the venue was asked of the time before, by coin; `unanswered` are the coins that it owes an answer.
    """

    last: dict[str, int] = {}
    rows: dict[str, list[int | None]] = {}
    ends_ns: list[int] = []
    samples: int = 0
    asked: dict[str, QueryCandles] = {}
    weights: dict[str, tuple[float, float]] = {}
    unanswered: list[str] = []

    def sample(self, market: Market, every_ns: int, length: int, now: Ns) -> None:
        """Note every coin's return since its last sample; a coin sampled for the first time has none yet.

        What was not heard within the interval is not known, for a price that stands still in our memory says nothing
        of the market. While that is so of all coins, nothing is noted and nothing forgotten.
        """
        end_ns = now - now % every_ns
        heard = {coin: market.is_heard(coin, end_ns - every_ns) for coin in market.features}
        if not any(heard.values()) or (self.ends_ns and end_ns <= self.ends_ns[-1]):
            return
        self.ends_ns.append(end_ns)
        for coin, is_heard in heard.items():
            found = self._return_to(coin, market.twice_mid(coin)) if is_heard else None
            if found is not None or coin in self.rows:
                self.rows.setdefault(coin, []).append(found)
        for coin in self._trim(length):
            self._forget(coin)
        self.samples += 1

    def known(self, coin: str) -> int:
        """How many of the coin's returns are known."""
        row = self.rows.get(coin, [])
        return len(row) - row.count(None)

    def weigh(self, coin: str, alpha: float, beta: float) -> None:
        """The coin's variance follows these weights from here on."""
        self.weights[coin] = alpha, beta
        self.samples += 1

    def first_question(self, coin: str, every_ns: int, length: int, enough: int, now: Ns) -> QueryCandles | None:
        """What to ask of the time before a coin was seen first, or again after a silence that left fewer than `enough`.

        None otherwise, or if no candle is as long as a sample.
        """
        interval = next((name for name, span_ns in INTERVALS_NS.items() if span_ns == every_ns), None)
        if interval is None or (coin in self.asked and not self._was_silent(coin, enough)):
            return None
        until_ns = ended_ms_at(interval, now // MS) * MS
        candles = min(length + 1, KEPT_CANDLES)
        self.asked[coin] = QueryCandles(coin, interval, Ns(max(until_ns - candles * every_ns, 0)), Ns(until_ns))
        self.unanswered.append(coin)
        return self.asked[coin]

    def questions_again(self, enough: int) -> list[QueryCandles]:
        """What was never answered, of coins that do not have `enough` returns by now."""
        return [self.asked[coin] for coin in self.unanswered if self.known(coin) < enough]

    def begin_with(self, told: CandlesTold, enough: int, length: int) -> None:
        """Put what the venue told before what was sampled, if it is `enough` to know anything by; once a coin.

        Candles close at the last trade and not at our mid, which makes a return a little larger, never smaller.
        """
        coin = told.query.coin
        if told.query != self.asked.get(coin) or coin not in self.unanswered:
            return
        self.unanswered.remove(coin)
        if len(told.closes) > enough:
            self._put_before(told)
            self._trim(length)
            self.samples += 1

    def _was_silent(self, coin: str, enough: int) -> bool:
        """Has it fewer than `enough` returns because it was silent since the venue was asked and has answered?"""
        if coin in self.unanswered or self.known(coin) >= enough:
            return False
        newest = zip(reversed(self.rows.get(coin, [])), reversed(self.ends_ns), strict=False)
        return any(each is None and end_ns > self.asked[coin].until_ns for each, end_ns in newest)

    def _return_to(self, coin: str, twice_mid: int) -> int | None:
        """The coin's return from its last sample, which is `twice_mid` from here on; None the first time."""
        before, self.last[coin] = self.last.get(coin), twice_mid
        return (twice_mid - before) * RETURN_SCALE // before if before else None

    def _put_before(self, told: CandlesTold) -> None:
        """The coin's row up to the end of what was told, at the times that the others have; what came later stays.

        Its first sample goes on from there if it is still to come, so it spans the same time as theirs.
        """
        coin, until_ns, pxs = told.query.coin, told.query.until_ns, _pxs_of(told)
        if self.ends_ns:
            self.ends_ns[:0] = [end_ns for end_ns in pxs if end_ns < self.ends_ns[0]]
        else:
            self.ends_ns = list(pxs)
        before: int | None = None
        found: list[int | None] = []
        for end_ns in self.ends_ns[: bisect_right(self.ends_ns, until_ns)]:
            px = pxs.get(end_ns)
            found.append((px - before) * RETURN_SCALE // before if px and before else None)
            before = px
        later = len(self.ends_ns) - len(found)
        sampled = self.rows.get(coin, [])[-later:] if later else []
        self.rows[coin] = [*found, *[None] * (later - len(sampled)), *sampled]
        if before:
            self.last.setdefault(coin, 2 * before)

    def _trim(self, length: int) -> list[str]:
        """Keep the last `length` entries, rows from their first known return on; coins of whose row nothing is left."""
        del self.ends_ns[:-length]
        for row in self.rows.values():
            del row[:-length]
            del row[: next((n for n, each in enumerate(row) if each is not None), len(row))]
        emptied = [coin for coin, row in self.rows.items() if not row]
        for coin in emptied:
            del self.rows[coin]
        return emptied

    def _forget(self, coin: str) -> None:
        """As if the coin was never seen: when it is, the venue is asked what it did meanwhile."""
        self.last.pop(coin, None)
        self.asked.pop(coin, None)
        self.unanswered = [each for each in self.unanswered if each != coin]


def _pxs_of(told: CandlesTold) -> dict[int, int]:
    """The price at each end of an interval up to the end of what was asked; without a trade it stayed as it was."""
    every_ns, until_ns = INTERVALS_NS[told.query.interval], told.query.until_ns
    closes = {close.open_ns + every_ns: close.px for close in told.closes}
    pxs: dict[int, int] = {}
    px = told.closes[0].px
    for end_ns in range(told.closes[0].open_ns + every_ns, until_ns + 1, every_ns):
        pxs[end_ns] = px = closes.get(end_ns, px)
    return pxs
