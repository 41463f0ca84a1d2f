"""The exchange's numbers and records in Hyperliquid's JSON: shapes, key order and spelling as the venue sends them.

Dicts are used here and nowhere deeper: they are JSON objects on their way out, never read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.book import Level
from shared.instrument import Instrument
from shared.rules.intervals import end_ms_of
from shared.units import SPOT_PX_DECIMALS, str_from_scaled, usd_to_str
from shared.venue.core.candles import Candle
from shared.venue.core.commands import Tif
from shared.venue.core.events import (
    FillHappened,
    FundingPaid,
    Liquidated,
    LiquidationMark,
    OrderChanged,
    OrderView,
    SpotLeg,
    TradeHappened,
    TriggerView,
)
from shared.venue.core.market import FundingPoint

Json = dict[str, Any]
RATE_DECIMALS: Final = 10
_MARKET: Final = (Tif.FRONTEND_MARKET, Tif.LIQUIDATION_MARKET)
NO_HASH: Final = "0x" + "0" * 64


def number(text: str) -> str:
    """`text` with at least one decimal, as the venue answers: "5" becomes "5.0"."""
    return text if "." in text else f"{text}.0"


def usd(value: int) -> str:
    """Money."""
    return number(usd_to_str(value))


def rate(value_e10: int) -> str:
    """A rate x 10^10 as a fraction."""
    return number(str_from_scaled(value_e10, RATE_DECIMALS))


def side(is_buy: bool) -> str:
    """B for a bid or a buy, A for an ask or a sell."""
    return "B" if is_buy else "A"


def levels(instrument: Instrument, entries: Sequence[Level]) -> list[Json]:
    """One side of a book."""
    return [
        {"px": number(instrument.px_text(level.px)), "sz": number(instrument.sz_text(level.sz)), "n": level.n}
        for level in entries
    ]


def l2_book(instrument: Instrument, sides: tuple[Sequence[Level], Sequence[Level]], time_ms: int) -> Json:
    """`l2Book`: bids and asks, best first."""
    both = [levels(instrument, entries) for entries in sides]
    return {"coin": instrument.coin, "time": time_ms, "levels": both}


def bbo(instrument: Instrument, sides: tuple[Sequence[Level], Sequence[Level]], time_ms: int) -> Json:
    """`bbo`: the best level of each side, null where nobody rests."""
    best = [entries[0] if entries else None for entries in (levels(instrument, side[:1]) for side in sides)]
    return {"coin": instrument.coin, "time": time_ms, "bbo": best}


def trade(instrument: Instrument, event: TradeHappened) -> Json:
    """One public print; the side is the aggressor's."""
    return {
        "coin": instrument.coin,
        "side": side(event.is_buy),
        "px": number(instrument.px_text(event.px)),
        "sz": number(instrument.sz_text(event.sz)),
        "time": event.time_ms,
        "hash": event.hash,
        "tid": event.tid,
        "users": list(event.users),
    }


def fill(instrument: Instrument, event: FillHappened) -> Json:
    """One side of a trade, as `userFills` tells it."""
    shown: Json = {
        "coin": instrument.coin,
        "px": number(instrument.px_text(event.px)),
        "sz": number(instrument.sz_text(event.sz)),
        "side": side(event.is_buy),
        "time": event.time_ms,
        "startPosition": number(instrument.sz_text(event.start_position)),
        "dir": _direction(event),
        "closedPnl": usd(event.closed_pnl),
        "hash": event.hash,
        "oid": event.oid,
        "crossed": event.crossed,
        "fee": usd(event.fee),
        "tid": event.tid,
    }
    if event.cloid is not None:
        shown["cloid"] = event.cloid
    if event.builder_fee:
        shown["builderFee"] = usd(event.builder_fee)
    shown |= {"feeToken": event.fee_token, "twapId": event.twap_id}
    if event.liquidation is not None:
        shown["liquidation"] = _liquidation_of(instrument, event.liquidation)
    return shown if event.spot is None else shown | spot_leg(event.spot, event.is_buy)


def _liquidation_of(instrument: Instrument, mark: LiquidationMark) -> Json:
    """What a fill says of the liquidation that it is part of, on both sides; auto-deleveraging counts as backstop."""
    method = "market" if mark.method == "market" else "backstop"
    return {"liquidatedUser": mark.user, "markPx": number(instrument.px_text(mark.mark_px)), "method": method}


def _direction(event: FillHappened) -> str:
    """What the fill did to its user's position; a backstop names the side that was liquidated, on both sides."""
    mark = event.liquidation
    change = event.sz if event.is_buy else -event.sz
    if event.direction is not None:
        return event.direction
    if mark is None or mark.method == "market":
        return direction(event.start_position, change)
    if mark.method == "adl":
        return "Auto-Deleveraging"
    is_long = event.is_buy != (event.user == mark.user)
    return f"Liquidated {'Cross' if mark.is_cross else 'Isolated'} {'Long' if is_long else 'Short'}"


def spot_leg(leg: SpotLeg, is_buy: bool) -> Json:
    """What a spot fill says in the units of its tokens, in the place of what a perp's says."""
    return {
        "startPosition": number(str_from_scaled(leg.start_wei, leg.base_decimals)),
        "dir": "Buy" if is_buy else "Sell",
        "closedPnl": number(str_from_scaled(leg.closed_pnl_e8, SPOT_PX_DECIMALS)),
        "fee": number(str_from_scaled(leg.fee_wei, leg.fee_decimals)),
        "feeToken": leg.fee_token,
    }


def direction(start: int, change: int) -> str:
    """What a fill of `change` signed lots did to a position of `start`."""
    end = start + change
    if start * change >= 0:
        return "Open Long" if change > 0 else "Open Short"
    if start * end >= 0:
        return "Close Long" if start > 0 else "Close Short"
    return "Long > Short" if start > 0 else "Short > Long"


def brief_order(instrument: Instrument, order: OrderView) -> Json:
    """An order as `openOrders` and `orderUpdates` tell it."""
    shown: Json = {
        "coin": instrument.coin,
        "side": side(order.is_buy),
        "limitPx": number(instrument.px_text(order.px)),
        "sz": number(instrument.sz_text(order.sz)),
        "oid": order.oid,
        "timestamp": order.placed_ms,
        "origSz": number(instrument.sz_text(order.orig_sz)),
    }
    if order.cloid is not None:
        shown["cloid"] = order.cloid
    if order.reduce_only:
        shown["reduceOnly"] = True
    return shown


def full_order(instrument: Instrument, order: OrderView) -> Json:
    """An order as `frontendOpenOrders`, `orderStatus` and `historicalOrders` tell it."""
    trigger = order.trigger
    return {
        "coin": instrument.coin,
        "side": side(order.is_buy),
        "limitPx": number(instrument.px_text(order.px)),
        "sz": number(instrument.sz_text(order.sz)),
        "oid": order.oid,
        "timestamp": order.placed_ms,
        "triggerCondition": "N/A" if trigger is None else _condition(instrument, trigger),
        "isTrigger": trigger is not None,
        "triggerPx": "0.0" if trigger is None else number(instrument.px_text(trigger.px)),
        "children": [full_order(instrument, child) for child in order.children],
        "isPositionTpsl": trigger is not None and trigger.is_position,
        "reduceOnly": order.reduce_only,
        "orderType": order_type(order),
        "origSz": number(instrument.sz_text(order.orig_sz)),
        "tif": order.tif.value if trigger is None else None,
        "cloid": order.cloid,
    }


def order_type(order: OrderView) -> str:
    """What the venue calls the order."""
    trigger = order.trigger
    if order.twap_id is not None:
        return "Twap Slice"
    if trigger is None:
        return "Market" if order.tif in _MARKET else "Limit"
    return f"{'Take Profit' if trigger.is_tp else 'Stop'} {'Market' if trigger.is_market else 'Limit'}"


def _condition(instrument: Instrument, trigger: TriggerView) -> str:
    """When the order fires, in the venue's words; after it fired a switch says whether that is told on."""
    if trigger.hides_condition:
        return "Triggered"
    return f"Price {'above' if trigger.fires_above else 'below'} {instrument.px_text(trigger.px)}"


def order_update(instrument: Instrument, event: OrderChanged) -> Json:
    """One element of an `orderUpdates` message."""
    shown = brief_order(instrument, event.order)
    return {"order": shown, "status": event.status, "statusTimestamp": event.time_ms}


def order_record(instrument: Instrument, event: OrderChanged) -> Json:
    """One element of `historicalOrders`, and the inside of `orderStatus`."""
    shown = full_order(instrument, event.order)
    return {"order": shown, "status": event.status, "statusTimestamp": event.time_ms}


def candle(instrument: Instrument, interval: str, row: Candle) -> Json:
    """One candle; its close time is the last millisecond in it."""
    px = {"o": row.open_px, "c": row.close_px, "h": row.high_px, "l": row.low_px}
    shown: Json = {"t": row.open_ms, "T": end_ms_of(interval, row.open_ms) - 1, "s": instrument.coin, "i": interval}
    shown.update((key, number(instrument.px_text(value))) for key, value in px.items())
    return shown | {"v": number(instrument.sz_text(row.sz)), "n": row.n}


def funding_point(instrument: Instrument, point: FundingPoint) -> Json:
    """One settled hour of `fundingHistory`."""
    return {
        "coin": instrument.coin,
        "fundingRate": rate(point.rate_e10),
        "premium": rate(point.premium_e10),
        "time": point.time_ms,
    }


def funding_event(instrument: Instrument, paid: FundingPaid) -> Json:
    """One payment as the WebSocket tells it; positive was received."""
    return {
        "time": paid.time_ms,
        "coin": instrument.coin,
        "usdc": usd(paid.usd),
        "szi": number(instrument.sz_text(paid.net_sz)),
        "fundingRate": rate(paid.rate_e10),
        "nSamples": None,
    }


def funding_record(instrument: Instrument, paid: FundingPaid) -> Json:
    """One payment as `userFunding` tells it."""
    event = funding_event(instrument, paid)
    time_ms = event.pop("time")
    return {"time": time_ms, "hash": NO_HASH, "delta": {"type": "funding", **event}}


def liquidation(event: Liquidated) -> Json:
    """A liquidation as its user hears of it on the channel `user`."""
    return {
        "lid": event.number,
        "liquidator": event.liquidator,
        "liquidated_user": event.user,
        "liquidated_ntl_pos": usd(event.notional_usd),
        "liquidated_account_value": usd(event.value_usd),
    }


def mids(texts: Mapping[str, str]) -> Json:
    """The data of the `allMids` channel."""
    return {"mids": dict(texts)}
