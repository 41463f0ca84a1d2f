"""What the exchange knows, in the venue's JSON: the one source of /info answers and of WebSocket snapshots."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import islice
from typing import Final

from shared.instrument import Instrument
from shared.units import MS, Ns, Px
from shared.venue.core.candles import without_gaps
from shared.venue.core.events import Event, ListingChanged, OrderChanged, OrderView, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.views import OrderRecord
from shared.venue.door import render
from shared.venue.door.coarse import WHOLE, Grain, coarse
from shared.venue.door.day_stats import DayStats
from shared.venue.door.meta_shapes import describe, perps_of
from shared.venue.door.render import Json, number

BOOK_DEPTH: Final = 20
FAST_DEPTH: Final = 5


class Answers:
    """Reads the exchange and nothing else, but for a day's volumes, which it sums from the events it is told."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.instruments = {asset: listing.instrument for asset, listing in exchange.listings.items()}
        self.assets = {instrument.coin: asset for asset, instrument in self.instruments.items()}
        self.perps = {asset: self.instruments[asset] for asset, one in exchange.listings.items() if one.spot is None}
        self._days = {asset: DayStats() for asset in self.instruments}
        self.dexs = {"": 0} | {dex.name: number for number, dex in enumerate(exchange.dexs, start=1)}
        self._metas = [describe(exchange, number) for number in self.dexs.values()]

    def note(self, events: Iterable[Event]) -> None:
        """Take the events of one command into the day's volumes, and changes of what is listed."""
        for event in events:
            if isinstance(event, TradeHappened):
                self._days[event.asset].add(event)
            elif isinstance(event, ListingChanged):
                listing = self.exchange.listings[event.asset]
                self.instruments[event.asset] = listing.instrument
                self._metas[listing.dex] = describe(self.exchange, listing.dex)

    def instrument(self, asset: int) -> Instrument:
        """The instrument of a listed asset."""
        return self.instruments[asset]

    def day(self, asset: int, now_ms: int) -> tuple[int, int, Px | None]:
        """(lots, price x size, price a day ago) of the last 24 hours, in the asset's own units."""
        return self._days[asset].read(now_ms)

    # --- assets

    def meta(self, dex: int = 0) -> Json:
        """`meta` of a dex: universe in order of asset ids, margin tables, collateral."""
        return self._metas[dex]

    def universe(self, dex: int = 0) -> list[int]:
        """Asset ids of a dex in the order of its universe."""
        return sorted(perps_of(self.exchange, dex))

    def l2_book(self, asset: int, now: Ns, depth: int = BOOK_DEPTH, grain: Grain = WHOLE) -> Json:
        """`l2Book`: at most `depth` levels a side; a coarse one tells the spread of the book itself."""
        instrument, time_ms = self.instruments[asset], now // MS
        if grain.is_whole:
            return render.l2_book(instrument, self.exchange.book_levels(asset, depth), time_ms)
        bids, asks = self.exchange.book_levels(asset, sys.maxsize)
        sides = (
            tuple(islice(coarse(bids, grain, is_bid=True), depth)),
            tuple(islice(coarse(asks, grain, is_bid=False), depth)),
        )
        shown = render.l2_book(instrument, sides, time_ms)
        if bids and asks:
            shown["spread"] = number(instrument.px_text(Px(asks[0].px - bids[0].px)))
        return shown

    def bbo(self, asset: int, now: Ns) -> Json:
        """`bbo`."""
        return render.bbo(self.instruments[asset], self.exchange.book_levels(asset, 1), now // MS)

    def all_mids(self, dex: int = 0) -> dict[str, str]:
        """Mid by coin of one dex (the first's with spot), in alphabetic order; one that never had a price is absent."""
        mids, listings = {}, self.exchange.listings
        for asset, instrument in self.instruments.items():
            if listings[asset].dex != dex:
                continue
            text = self.exchange.mid_text(asset)
            if text is not None:
                mids[instrument.coin] = number(text)
        return dict(sorted(mids.items()))

    def asset_ctx(self, asset: int, now: Ns) -> Json:
        """One element of `metaAndAssetCtxs`; prices that do not exist yet are null."""
        view, instrument = self.exchange.asset_view(asset), self.instruments[asset]
        sz, usd, before_px = self._days[asset].read(now // MS)
        impact = view.impact_pxs
        return {
            "funding": render.rate(view.rate_e10),
            "openInterest": number(instrument.sz_text(view.open_interest_sz)),
            "prevDayPx": _px(instrument, view.mark_px if before_px is None else before_px),
            "dayNtlVlm": render.usd(usd),
            "premium": None if view.premium_e10 is None else render.rate(view.premium_e10),
            "oraclePx": _px(instrument, view.oracle_px),
            "markPx": _px(instrument, view.mark_px),
            "midPx": None if view.mid_text is None else number(view.mid_text),
            "impactPxs": None if impact is None else [_px(instrument, px) for px in impact],
            "dayBaseVlm": number(instrument.sz_text(sz)),
        }

    def trades(self, asset: int, n: int) -> list[Json]:
        """The last `n` prints, newest first."""
        instrument = self.instruments[asset]
        return [render.trade(instrument, trade) for trade in self.exchange.trades(asset, n)]

    def candles(self, asset: int, interval: str, start_ms: int, end_ms: int | None) -> list[Json]:
        """Candles that overlap the span, oldest first."""
        instrument = self.instruments[asset]
        rows = self.exchange.candles(asset, interval, start_ms, end_ms)
        return [render.candle(instrument, interval, row) for row in rows]

    def all_candles(self, asset: int, interval: str, start_ms: int, end_ms: int) -> list[Json]:
        """As `candles`, with a flat one for each interval without trades after the first trade there was."""
        instrument, rows = self.instruments[asset], self.exchange.candles(asset, interval, 0, end_ms)
        found = without_gaps(rows, interval, start_ms, end_ms)
        return [render.candle(instrument, interval, row) for row in found]

    # --- users

    def open_orders(self, user: str, dex: int = 0) -> list[Json]:
        """`openOrders` of one dex (the first's with spot): newest first, as recorded."""
        orders = self._orders_on(user, dex)
        return [render.brief_order(self.instruments[order.asset], order) for order in orders]

    def full_open_orders(self, user: str, dex: int = 0) -> list[Json]:
        """`frontendOpenOrders` of one dex: newest first, as recorded; children stand in their parent and beside it."""
        orders = self._orders_on(user, dex)
        return [render.full_order(self.instruments[order.asset], order) for order in orders]

    def _orders_on(self, user: str, dex: int) -> list[OrderView]:
        """Open orders of a user on one dex, newest first."""
        orders, listings = reversed(self.exchange.open_orders(user)), self.exchange.listings
        return [order for order in orders if listings[order.asset].dex == dex]

    def order_status(self, record: OrderRecord | None) -> Json:
        """`orderStatus`."""
        if record is None:
            return {"status": "unknownOid"}
        change = OrderChanged(record.order, record.status, record.status_ms)
        return {"status": "order", "order": render.order_record(self.instruments[record.order.asset], change)}


def _px(instrument: Instrument, px: Px) -> str:
    return number(instrument.px_text(px))
