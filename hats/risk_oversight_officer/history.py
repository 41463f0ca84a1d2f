"""What prices did: our mids of the last minute, and the returns that the loss of a bad hour is judged by."""

from __future__ import annotations

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
    """Each coin's returns between even samples of our mid (10^-6), oldest first; all lists end with the same sample.

    None: it is not known.

    `samples` counts whatever changed them, so that whoever worked something out knows when it is out of date.
    `weights` are the alpha and beta of the coins that were fitted.
    `asked` is what the venue was asked of the time before, by coin; `unanswered` are the coins that it owes an answer.
    """

    last: dict[str, int] = {}
    rows: dict[str, list[int | None]] = {}
    samples: int = 0
    asked: dict[str, QueryCandles] = {}
    weights: dict[str, tuple[float, float]] = {}
    unanswered: list[str] = []

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

    def known(self, coin: str) -> int:
        """How many of the coin's returns are known."""
        row = self.rows.get(coin, [])
        return len(row) - row.count(None)

    def weigh(self, coin: str, alpha: float, beta: float) -> None:
        """The coin's variance follows these weights from here on."""
        self.weights[coin] = alpha, beta
        self.samples += 1

    def first_question(self, coin: str, every_ns: int, length: int, now: Ns) -> QueryCandles | None:
        """What to ask of a coin's time before it was seen first; None later, or if no candle is as long as a sample."""
        interval = next((name for name, span_ns in INTERVALS_NS.items() if span_ns == every_ns), None)
        if coin in self.asked or interval is None:
            return None
        until_ns = ended_ms_at(interval, now // MS) * MS
        candles = min(length + 1, KEPT_CANDLES)
        self.asked[coin] = QueryCandles(coin, interval, Ns(max(until_ns - candles * every_ns, 0)), Ns(until_ns))
        self.unanswered.append(coin)
        return self.asked[coin]

    def questions_again(self, enough: int) -> list[QueryCandles]:
        """What was never answered, of coins that do not have `enough` returns by now."""
        return [self.asked[coin] for coin in self.unanswered if len(self.rows.get(coin, ())) < enough]

    def begin_with(self, told: CandlesTold, enough: int, length: int) -> None:
        """Put what the venue told before what was sampled, if it is `enough` to know anything by; once a coin.

        Candles close at the last trade and not at our mid, which makes a return a little larger, never smaller.
        """
        coin = told.query.coin
        if told.query != self.asked.get(coin) or coin not in self.unanswered:
            return
        self.unanswered.remove(coin)
        if len(told.closes) > enough:
            self.rows[coin] = [*_returns_of(told), *self.rows.get(coin, ())][-length:]
            self.samples += 1


def _returns_of(told: CandlesTold) -> list[int]:
    """The returns from close to close up to the end of what was asked; without a trade the price stayed as it was."""
    every_ns = INTERVALS_NS[told.query.interval]
    returns: list[int] = []
    before, at_ns = told.closes[0].px, told.closes[0].open_ns
    for close in told.closes[1:]:
        returns += [0] * ((close.open_ns - at_ns) // every_ns - 1)
        returns.append((close.px - before) * RETURN_SCALE // before)
        before, at_ns = close.px, close.open_ns
    return returns + [0] * ((told.query.until_ns - at_ns) // every_ns - 1)
