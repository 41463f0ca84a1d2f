"""What the exchange knows, in the venue's JSON: the one source of /info answers and of WebSocket snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.errors import ConfigError
from shared.instrument import Instrument
from shared.rules.margin import MAINNET_TABLES, MarginTiers, single_tier
from shared.units import MS, Ns, Px, str_from_scaled, usd_to_str
from shared.venue.core.events import Event, OrderChanged, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.views import AccountView, OrderRecord, PositionView
from shared.venue.door import render
from shared.venue.door.day_stats import DayStats
from shared.venue.door.render import Json, number

BOOK_DEPTH: Final = 20
FAST_DEPTH: Final = 5
OTHER_TABLE_ID: Final = 100
"""Ids of margin tables that are none of the venue's start here; ours."""


class Answers:
    """Reads the exchange and nothing else, but for a day's volumes, which it sums from the events it is told."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.instruments = {asset: listing.instrument for asset, listing in exchange.listings.items()}
        self.assets = {instrument.coin: asset for asset, instrument in self.instruments.items()}
        self._days = {asset: DayStats() for asset in self.instruments}
        self._meta = self._describe()

    def note(self, events: Iterable[Event]) -> None:
        """Take the events of one command into the day's volumes."""
        for event in events:
            if isinstance(event, TradeHappened):
                self._days[event.asset].add(event)

    def instrument(self, asset: int) -> Instrument:
        """The instrument of a listed asset."""
        return self.instruments[asset]

    # --- assets

    def meta(self) -> Json:
        """`meta`: universe in order of asset ids, margin tables, collateral."""
        return self._meta

    def l2_book(self, asset: int, now: Ns, depth: int = BOOK_DEPTH) -> Json:
        """`l2Book`: at most `depth` levels a side."""
        return render.l2_book(self.instruments[asset], self.exchange.book_levels(asset, depth), now // MS)

    def bbo(self, asset: int, now: Ns) -> Json:
        """`bbo`."""
        return render.bbo(self.instruments[asset], self.exchange.book_levels(asset, 1), now // MS)

    def all_mids(self) -> dict[str, str]:
        """Mid by coin; a coin that never had a price is absent."""
        mids = {}
        for asset, instrument in self.instruments.items():
            text = self.exchange.mid_text(asset)
            if text is not None:
                mids[instrument.coin] = number(text)
        return mids

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

    # --- users

    def open_orders(self, user: str) -> list[Json]:
        """`openOrders`."""
        orders = self.exchange.open_orders(user)
        return [render.brief_order(self.instruments[order.asset], order) for order in orders]

    def full_open_orders(self, user: str) -> list[Json]:
        """`frontendOpenOrders`."""
        orders = self.exchange.open_orders(user)
        return [render.full_order(self.instruments[order.asset], order) for order in orders]

    def order_status(self, record: OrderRecord | None) -> Json:
        """`orderStatus`."""
        if record is None:
            return {"status": "unknownOid"}
        change = OrderChanged(record.order, record.status, record.status_ms)
        return {"status": "order", "order": render.order_record(self.instruments[record.order.asset], change)}

    def clearinghouse_state(self, user: str, now: Ns) -> Json:
        """`clearinghouseState`; zeros for a stranger. Everything is cross here."""
        view = self.exchange.account(user)
        summary = _margin_summary(view)
        return {
            "marginSummary": summary,
            "crossMarginSummary": summary,
            "crossMaintenanceMarginUsed": render.usd(view.maintenance_usd),
            "withdrawable": render.usd(view.withdrawable_usd),
            "assetPositions": [{"type": "oneWay", "position": self._position(position)} for position in view.positions],
            "time": now // MS,
        }

    def active_asset_data(self, user: str, asset: int) -> Json:
        """`activeAssetData`: what the user could still trade, the same on both sides."""
        instrument, mark = self.instruments[asset], self.exchange.mark(asset)
        leverage, available = self.exchange.leverage(user, asset), self.exchange.account(user).available_usd
        sz = number(instrument.sz_text(available * leverage // mark if mark else 0))
        return {
            "user": user,
            "coin": instrument.coin,
            "leverage": {"type": "cross", "value": leverage},
            "maxTradeSzs": [sz, sz],
            "availableToTrade": [render.usd(available)] * 2,
            "markPx": _px(instrument, mark),
        }

    def _position(self, position: PositionView) -> Json:
        instrument = self.instruments[position.asset]
        return {
            "coin": instrument.coin,
            "szi": number(instrument.sz_text(position.net_sz)),
            "leverage": {"type": "cross", "value": position.leverage},
            "entryPx": number(position.entry_px_text),
            "positionValue": render.usd(position.value_usd),
            "unrealizedPnl": render.usd(position.unrealised_usd),
            "returnOnEquity": number(position.return_on_equity_text),
            "liquidationPx": None if position.liquidation_px_text is None else number(position.liquidation_px_text),
            "marginUsed": render.usd(position.margin_used_usd),
            "maxLeverage": position.max_leverage,
            "cumFunding": {
                "allTime": render.usd(-position.funding_all_usd),
                "sinceOpen": render.usd(-position.funding_since_open_usd),
                "sinceChange": render.usd(-position.funding_since_change_usd),
            },
        }

    def _describe(self) -> Json:
        tables: dict[int, MarginTiers] = {}
        universe: list[Json] = []
        for asset, listing in sorted(self.exchange.listings.items()):
            instrument = listing.instrument
            if asset != len(universe):
                raise ConfigError([f"asset ids must be 0, 1, 2, ...; {instrument.coin} has {asset}"])
            table_id = _table_id(listing.tiers, tables)
            tables[table_id] = listing.tiers
            row: Json = {"szDecimals": instrument.sz_decimals, "name": instrument.coin}
            row |= {"maxLeverage": instrument.max_leverage, "marginTableId": table_id}
            universe.append(row | ({"isDelisted": True} if instrument.is_delisted else {}))
        shown = [[table_id, _margin_table(tiers)] for table_id, tiers in sorted(tables.items())]
        return {"universe": universe, "marginTables": shown, "collateralToken": 0}


def _px(instrument: Instrument, px: Px) -> str:
    return number(instrument.px_text(px))


def _margin_summary(view: AccountView) -> Json:
    return {
        "accountValue": render.usd(view.value_usd),
        "totalNtlPos": render.usd(view.notional_usd),
        "totalRawUsd": render.usd(view.raw_usd),
        "totalMarginUsed": render.usd(view.margin_used_usd),
    }


def _table_id(tiers: MarginTiers, known: dict[int, MarginTiers]) -> int:
    """The venue's id of the table (its leverage when it has one tier), else the next free one of ours."""
    if len(tiers) == 1 and tiers == single_tier(tiers[0].max_leverage):
        return tiers[0].max_leverage
    for table_id, table in (MAINNET_TABLES | known).items():
        if table == tiers:
            return table_id
    return max([OTHER_TABLE_ID - 1, *known]) + 1


def _margin_table(tiers: MarginTiers) -> Json:
    description = f"tiered {tiers[0].max_leverage}x" if len(tiers) > 1 else ""
    rows = [
        {"lowerBound": number(usd_to_str(tier.lower_bound_usd)), "maxLeverage": tier.max_leverage} for tier in tiers
    ]
    return {"description": description, "marginTiers": rows}


def fee_rate(rate_e9: int) -> str:
    """A fee rate x 10^-9 as a fraction."""
    return number(str_from_scaled(rate_e9, 9))
