"""The venue's JSON of a user's standing: margin summaries, positions, what may still be traded."""

from __future__ import annotations

from shared.units import MS, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.core.views import PositionView
from shared.venue.door import render
from shared.venue.door.render import Json, number


def clearinghouse_state(exchange: Exchange, user: str, now: Ns, dex: int = 0) -> Json:
    """`clearinghouseState`; zeros for a stranger."""
    view = exchange.perp_state(user, dex)
    cross = view.cross_value_usd, view.cross_notional_usd, view.cross_raw_usd, view.cross_margin_used_usd
    return {
        "marginSummary": margin_summary(view.value_usd, view.notional_usd, view.raw_usd, view.margin_used_usd),
        "crossMarginSummary": margin_summary(*cross),
        "crossMaintenanceMarginUsed": render.usd(view.maintenance_usd),
        "withdrawable": render.usd(view.withdrawable_usd),
        "assetPositions": [{"type": "oneWay", "position": position(exchange, one)} for one in view.positions],
        "time": now // MS,
    }


def active_asset_data(exchange: Exchange, user: str, asset: int) -> Json:
    """`activeAssetData`: what the user could still buy and sell."""
    instrument, view = exchange.listings[asset].instrument, exchange.trade_view(user, asset)
    return {
        "user": user,
        "coin": instrument.coin,
        "leverage": leverage(view.is_cross, view.leverage, view.raw_usd),
        "maxTradeSzs": [number(instrument.sz_text(sz)) for sz in view.max_szs],
        "availableToTrade": [render.usd(usd) for usd in view.available_usd],
        "markPx": number(instrument.px_text(exchange.mark(asset))),
    }


def position(exchange: Exchange, shown: PositionView) -> Json:
    """One position."""
    instrument = exchange.listings[shown.asset].instrument
    liquidation = shown.liquidation_px_text
    return {
        "coin": instrument.coin,
        "szi": number(instrument.sz_text(shown.net_sz)),
        "leverage": leverage(shown.is_cross, shown.leverage, shown.raw_usd),
        "entryPx": number(shown.entry_px_text),
        "positionValue": render.usd(shown.value_usd),
        "unrealizedPnl": render.usd(shown.unrealised_usd),
        "returnOnEquity": number(shown.return_on_equity_text),
        "liquidationPx": None if liquidation is None else number(liquidation),
        "marginUsed": render.usd(shown.margin_used_usd),
        "maxLeverage": shown.max_leverage,
        "cumFunding": {
            "allTime": render.usd(-shown.funding_all_usd),
            "sinceOpen": render.usd(-shown.funding_since_open_usd),
            "sinceChange": render.usd(-shown.funding_since_change_usd),
        },
    }


def leverage(is_cross: bool, value: int, raw_usd: int) -> Json:
    """Leverage with its kind; the cash leg only if isolated."""
    if is_cross:
        return {"type": "cross", "value": value}
    return {"type": "isolated", "value": value, "rawUsd": render.usd(raw_usd)}


def margin_summary(value_usd: int, notional_usd: int, raw_usd: int, used_usd: int) -> Json:
    """One margin summary."""
    return {
        "accountValue": render.usd(value_usd),
        "totalNtlPos": render.usd(notional_usd),
        "totalRawUsd": render.usd(raw_usd),
        "totalMarginUsed": render.usd(used_usd),
    }
