"""Watches a market for its statistics: an exchange that a driver runs, or a recording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from shared.instrument import Instrument
from shared.units import MS, SECOND, Ns, Px, Sz
from shared.venue.core.commands import Command
from shared.venue.core.events import BookChanged, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.flow.ladder import RecordedBook
from shared.venue.flow.recorded import REORDER_NS
from shared.venue.flow.recording import DECIMALS, BookRecord, Record, TradeRecord, in_exchange_order
from shared.venue.flow.statistics import DEPTH_BPS, BookSample, Observed, TradeSample
from shared.venue.flow.synthetic import Applies

STEP_NS: Final = SECOND
_DEEPEST: Final = 10_000
_E8: Final = 10.0**DECIMALS
_SAME_MS: Final = MS


class Steps(Protocol):
    """A market driver, as the server knows it."""

    def step(self, door: Applies, now: Ns) -> Ns:
        """Act at `now`; when to be called next."""
        ...


class Watch:
    """A door that writes down trades and book changes of some assets, and samples their books on an even grid."""

    def __init__(self, exchange: Exchange, assets: Sequence[int], step_ns: int = STEP_NS) -> None:
        self._exchange = exchange
        self.observed = {asset: Observed(step_ns) for asset in assets}
        self.commands = 0

    def apply(self, command: Command, now: Ns) -> Outcome:
        """What the core answers."""
        outcome = self._exchange.apply(command, now)
        self.commands += 1
        for event in outcome.events:
            if isinstance(event, TradeHappened) and event.asset in self.observed:
                instrument = self._exchange.listings[event.asset].instrument
                usd = instrument.px_float(event.px) * instrument.sz_float(event.sz)
                _join(self.observed[event.asset].trades, TradeSample(now, event.is_buy, usd), 0)
            elif isinstance(event, BookChanged) and event.asset in self.observed:
                self.observed[event.asset].updates += 1
        return outcome

    def run(self, driver: Steps, start: Ns, seconds: int) -> None:
        """Let the driver act for so long, sampling on the way."""
        due, end, sampled = start, start + seconds * SECOND, start
        while due <= end:
            due = driver.step(self, due)
            while sampled < min(due, end):
                self.sample(sampled)
                sampled = Ns(sampled + next(iter(self.observed.values())).step_ns)

    def sample(self, ns: int) -> None:
        """Write down every book as it is; one with an empty side is skipped."""
        for asset, observed in self.observed.items():
            instrument = self._exchange.listings[asset].instrument
            bids, asks = self._exchange.book_levels(asset, _DEEPEST)
            if bids and asks:
                sides = [[(level.px, level.sz) for level in side] for side in (bids, asks)]
                observed.books.append(_sample(instrument, ns, sides[0], sides[1], is_whole=True))


def observe_recording(
    records: Iterable[Record], instrument: Instrument, step_ns: int = STEP_NS, *, on_our_ticks: bool = True
) -> Observed:
    """One coin of a recording. `on_our_ticks` shows its book as our instrument can express it, else as recorded.

    Trades of one millisecond and side count as one aggressor, as in Binance's own aggregate; history before the first
    whole book is left out. Time is the exchange's.
    """
    book, observed, next_ns = RecordedBook(instrument), Observed(step_ns), 0
    seen: object = None
    for record in in_exchange_order(records, REORDER_NS):
        if not isinstance(record, BookRecord | TradeRecord) or record.coin != instrument.coin:
            continue
        while next_ns and record.exch_ns >= next_ns:
            levels = (book.bids.levels(_DEEPEST), book.asks.levels(_DEEPEST))
            sample = _sample(instrument, next_ns, *levels, is_whole=False)
            if not on_our_ticks:
                sample = _raw(book, sample)
            observed.books.append(sample)
            next_ns += step_ns
        if isinstance(record, BookRecord):
            is_sound = book.take(record)
            if is_sound and not next_ns:
                next_ns = (record.exch_ns // step_ns + 1) * step_ns
            best = (book.bids.best_raw(), book.asks.best_raw(), record.bids, record.asks)
            observed.updates += bool(next_ns) and best != seen
            seen = best
        elif next_ns:
            usd = record.px_e8 / _E8 * (record.sz_e8 / _E8)
            _join(observed.trades, TradeSample(record.exch_ns, record.is_buy, usd), _SAME_MS)
    return observed


def _join(trades: list[TradeSample], trade: TradeSample, within_ns: int) -> None:
    """Add the trade, or its volume to the last one if that was the same aggressor's."""
    last = trades[-1] if trades else None
    if last is not None and last.is_buy is trade.is_buy and trade.ns - last.ns <= within_ns - (within_ns > 0):
        trades[-1] = TradeSample(last.ns, last.is_buy, last.usd + trade.usd)
    else:
        trades.append(trade)


def _sample(
    instrument: Instrument, ns: int, bids: Sequence[tuple[Px, Sz]], asks: Sequence[tuple[Px, Sz]], *, is_whole: bool
) -> BookSample:
    """The book in numbers. In a book that is not whole, depth beyond its last level is unknown."""
    mid = (bids[0][0] + asks[0][0]) / 2
    depths: list[float | None] = []
    for bps in DEPTH_BPS:
        low, high = mid * (1 - bps * 1e-4), mid * (1 + bps * 1e-4)
        if not is_whole and (bids[-1][0] > low or asks[-1][0] < high):
            depths.append(None)
            continue
        near = sum(px * sz for px, sz in bids if px >= low) + sum(px * sz for px, sz in asks if px <= high)
        depths.append(near / 2 / 1e6)
    return BookSample(ns, instrument.px_float(bids[0][0]), instrument.px_float(asks[0][0]), tuple(depths))


def _raw(book: RecordedBook, sample: BookSample) -> BookSample:
    """The sample with the best prices as recorded."""
    bid, ask = book.bids.best_raw(), book.asks.best_raw()
    assert bid is not None
    assert ask is not None
    return BookSample(sample.ns, bid / _E8, ask / _E8, sample.depths_usd)
