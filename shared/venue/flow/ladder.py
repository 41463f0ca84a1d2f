"""A recorded book on our own ticks: raw levels as recorded, and the levels that an instrument can express."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from shared.instrument import Instrument
from shared.units import PX_DECIMALS, Px, Rounding, Sz, on_tick, round_ratio
from shared.venue.flow.recording import DECIMALS, BookKind, BookRecord


class Rounded:
    """How many numbers did not fit the instrument and were moved: prices away from the market, sizes down."""

    def __init__(self) -> None:
        self.px = 0
        self.sz = 0


def px_unit_e8(instrument: Instrument) -> int:
    """One price unit of the instrument in 10^-8 USDC."""
    return int(10 ** (DECIMALS - PX_DECIMALS + instrument.sz_decimals))


def lot_e8(instrument: Instrument) -> int:
    """One lot of the instrument in 10^-8 coins."""
    return int(10 ** (DECIMALS - instrument.sz_decimals))


def px_on_tick(instrument: Instrument, px_e8: int, rounding: Rounding) -> Px:
    """The valid price next to a recorded one on the side that `rounding` names."""
    px = round_ratio(px_e8, px_unit_e8(instrument), rounding)
    return on_tick(px, instrument.sz_decimals, rounding)


class Ladder:
    """One side of a recorded book. `levels` are on our ticks; a bid is moved down to one and an ask up."""

    def __init__(self, instrument: Instrument, is_bid: bool, rounded: Rounded) -> None:
        self._instrument = instrument
        self._is_bid = is_bid
        self._rounded = rounded
        self._px_unit_e8: Final = px_unit_e8(instrument)
        self._lot_e8: Final = lot_e8(instrument)
        self._raw: dict[int, int] = {}
        self._raw_order: list[int] = []
        self._levels: dict[int, int] = {}
        self._order: list[int] = []

    def clear(self) -> None:
        """Forget everything."""
        for held in (self._raw, self._raw_order, self._levels, self._order):
            held.clear()

    def set(self, px_e8: int, sz_e8: int) -> None:
        """One raw level now has this size; 0 removes it."""
        before = self._raw.get(px_e8, 0)
        lots, rest = divmod(sz_e8, self._lot_e8)
        self._rounded.sz += rest != 0
        if lots:
            if px_e8 not in self._raw:
                insort(self._raw_order, px_e8)
            self._raw[px_e8] = lots
        elif before:
            del self._raw[px_e8]
            del self._raw_order[bisect_left(self._raw_order, px_e8)]
        if lots != before:
            self._add(px_e8, lots - before)

    def _add(self, px_e8: int, lots: int) -> None:
        px = px_on_tick(self._instrument, px_e8, Rounding.DOWN if self._is_bid else Rounding.UP)
        self._rounded.px += px * self._px_unit_e8 != px_e8
        total = self._levels.get(px, 0) + lots
        if px not in self._levels:
            insort(self._order, px)
        self._levels[px] = total
        if not total:
            del self._levels[px]
            del self._order[bisect_left(self._order, px)]

    def drop_better_than(self, px_e8: int) -> None:
        """Remove the raw levels nearer to the market than this price."""
        while self._raw_order:
            best = self._raw_order[-1 if self._is_bid else 0]
            if not (best > px_e8 if self._is_bid else best < px_e8):
                return
            self.set(best, 0)

    def best_raw(self) -> int | None:
        """The best recorded price."""
        return self._raw_order[-1 if self._is_bid else 0] if self._raw_order else None

    def sz(self, px: Px) -> int:
        """Lots at one of our prices; 0 where there is no level."""
        return self._levels.get(px, 0)

    def levels(self, depth: int) -> list[tuple[Px, Sz]]:
        """The best `depth` levels on our ticks, best first."""
        best = reversed(self._order[-depth:]) if self._is_bid else self._order[:depth]
        return [(Px(px), Sz(self._levels[px])) for px in best]


class RecordedBook:
    """Both sides, kept by Binance's rules for update ids or replaced whole by Hyperliquid's frames.

    Source: Binance USD-M documentation, "How to manage a local order book correctly".
    """

    def __init__(self, instrument: Instrument) -> None:
        self.rounded = Rounded()
        self.bids = Ladder(instrument, True, self.rounded)
        self.asks = Ladder(instrument, False, self.rounded)
        self.gaps = 0
        self.exch_ns = 0
        self.is_whole = False
        self._last_id = 0
        self._newest_best: BookRecord | None = None
        self._early: list[BookRecord] = []

    def forget(self) -> None:
        """Know nothing again, as before the first record; the counts stay."""
        self.bids.clear()
        self.asks.clear()
        self._newest_best, self._early = None, []
        self.is_whole, self._last_id, self.exch_ns = False, 0, 0

    def take(self, record: BookRecord) -> bool:
        """Whether the book is sound after this record: whole and not crossed."""
        match record.kind:
            case BookKind.WHOLE:
                self._replace(record)
            case BookKind.CHANGES:
                self._change(record)
            case BookKind.BEST:
                self._best(record)
        return self.is_whole and not self._is_crossed()

    def _is_crossed(self) -> bool:
        bid, ask = self.bids.best_raw(), self.asks.best_raw()
        return bid is not None and ask is not None and bid >= ask

    def _replace(self, record: BookRecord) -> None:
        self.bids.clear()
        self.asks.clear()
        self._apply(record)
        self._last_id, self.is_whole = record.last_id, True
        early, self._early = self._early, []
        for change in early:
            if change.last_id >= self._last_id:
                self._apply(change)
                self._last_id = change.last_id

    def _change(self, record: BookRecord) -> None:
        """Changes before the snapshot wait for it; a hole in the ids makes the book unknown until the next one."""
        if not self.is_whole:
            # beyond a thousand the oldest can't matter: the snapshot is always newer
            self._early = [*self._early[-999:], record]
            return
        if record.last_id < self._last_id:
            return
        if record.previous_id > self._last_id:
            self.gaps += 1
            self.is_whole = False
            return
        self._apply(record)
        self._last_id = record.last_id
        if self._newest_best is not None:
            # changes arrive in batches: best levels may already be known that are newer than the batch
            self._best(self._newest_best)

    def _best(self, record: BookRecord) -> None:
        """The best levels between two changes; one older than the book says nothing new."""
        if not self.is_whole or record.last_id <= self._last_id or not record.bids or not record.asks:
            return
        self._newest_best = record
        bid, ask = record.bids[0][0], record.asks[0][0]
        self.bids.drop_better_than(bid)
        self.asks.drop_better_than(ask)
        self._apply(record)

    def _apply(self, record: BookRecord) -> None:
        for px, sz in record.bids:
            self.bids.set(px, sz)
        for px, sz in record.asks:
            self.asks.set(px, sz)
        self.exch_ns = max(self.exch_ns, record.exch_ns)
