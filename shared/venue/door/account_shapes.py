"""The venue's JSON of a user's standing: margin summaries, positions, what may still be traded."""

from __future__ import annotations

from shared.units import MS, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.core.views import AccountView, PositionView
from shared.venue.door import render
from shared.venue.door.render import Json, number


def clearinghouse_state(exchange: Exchange, user: str, now: Ns) -> Json:
    """`clearinghouseState`; zeros for a stranger. Everything is cross here."""
    view = exchange.account(user)
    summary = margin_summary(view)
    return {
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": render.usd(view.maintenance_usd),
        "withdrawable": render.usd(view.withdrawable_usd),
        "assetPositions": [{"type": "oneWay", "position": position(exchange, one)} for one in view.positions],
        "time": now // MS,
    }


def active_asset_data(exchange: Exchange, user: str, asset: int) -> Json:
    """`activeAssetData`: what the user could still trade, the same on both sides."""
    instrument, mark = exchange.listings[asset].instrument, exchange.mark(asset)
    leverage, available = exchange.leverage(user, asset), exchange.account(user).available_usd
    sz = number(instrument.sz_text(available * leverage // mark if mark else 0))
    return {
        "user": user,
        "coin": instrument.coin,
        "leverage": {"type": "cross", "value": leverage},
        "maxTradeSzs": [sz, sz],
        "availableToTrade": [render.usd(available)] * 2,
        "markPx": number(instrument.px_text(mark)),
    }


def position(exchange: Exchange, shown: PositionView) -> Json:
    """One position."""
    instrument = exchange.listings[shown.asset].instrument
    liquidation = shown.liquidation_px_text
    return {
        "coin": instrument.coin,
        "szi": number(instrument.sz_text(shown.net_sz)),
        "leverage": {"type": "cross", "value": shown.leverage},
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


def margin_summary(view: AccountView) -> Json:
    """One margin summary."""
    return {
        "accountValue": render.usd(view.value_usd),
        "totalNtlPos": render.usd(view.notional_usd),
        "totalRawUsd": render.usd(view.raw_usd),
        "totalMarginUsed": render.usd(view.margin_used_usd),
    }
