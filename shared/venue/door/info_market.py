"""/info about markets: mids, books, trades, candles and funding."""

from __future__ import annotations

from typing import Any, Final

from shared.rules.intervals import INTERVALS_NS, KEPT_CANDLES
from shared.units import HOUR, MS, Ns
from shared.venue.door import render
from shared.venue.door.bodies import BAD_SHAPE, BodyRefused
from shared.venue.door.coarse import Grain
from shared.venue.door.desk import Desk, InfoType, is_within
from shared.venue.door.questions import (
    MOST_ROWS,
    AboutBook,
    AboutCandles,
    AboutCoin,
    AboutCoinSpan,
    AboutDex,
    Nothing,
)
from shared.venue.door.render import Json


def all_mids(desk: Desk, asked: AboutDex, _: Ns) -> dict[str, str]:
    """`allMids`."""
    return desk.answers.all_mids(desk.dex(asked.dex))


def predicted_fundings(desk: Desk, _: Nothing, now: Ns) -> list[Any]:
    """`predictedFundings` of the first dex; other venues' are not known here."""
    next_ms = (now // HOUR + 1) * HOUR // MS
    rows = []
    for asset in desk.answers.universe():
        rate = render.rate(desk.exchange.asset_view(asset).rate_e10)
        row = {"fundingRate": rate, "nextFundingTime": next_ms, "fundingIntervalHours": 1}
        rows.append([desk.instruments[asset].coin, [["BinPerp", None], ["HlPerp", row], ["BybitPerp", None]]])
    return rows


def l2_book(desk: Desk, asked: AboutBook, now: Ns) -> Json | None:
    """`l2Book`; null for an unknown coin, BodyRefused 500 for a coarseness that the venue fails on."""
    grain = Grain(asked.n_sig_figs, asked.mantissa)
    if not grain.is_served:
        raise BodyRefused(500, "null")
    asset = desk.answers.assets.get(asked.coin)
    return None if asset is None else desk.answers.l2_book(asset, now, grain=grain)


def recent_trades(desk: Desk, asked: AboutCoin, _: Ns) -> list[Json]:
    """`recentTrades`, newest first."""
    return desk.answers.trades(desk.asset(asked.coin), desk.settings.recent_trades)


def candles(desk: Desk, asked: AboutCandles, now: Ns) -> list[Json]:
    """`candleSnapshot`, oldest first; intervals without trades have one if the settings say so."""
    span = asked.req
    if span.interval not in INTERVALS_NS:
        raise BodyRefused(422, BAD_SHAPE)
    asset = desk.asset(span.coin)
    if desk.settings.has_empty_candles:
        end_ms = now // MS if span.end_time is None else min(span.end_time, now // MS)
        return desk.answers.all_candles(asset, span.interval, span.start_time, end_ms)
    return desk.answers.candles(asset, span.interval, span.start_time, span.end_time)[-KEPT_CANDLES:]


def funding_history(desk: Desk, asked: AboutCoinSpan, _: Ns) -> list[Json]:
    """`fundingHistory`, oldest first."""
    asset = desk.asset(asked.coin)
    points = desk.exchange.funding_history(asset)
    inside = [point for point in points if is_within(point.time_ms, asked.start_time, asked.end_time)]
    return [render.funding_point(desk.instruments[asset], point) for point in inside[:MOST_ROWS]]


TYPES: Final[dict[str, InfoType]] = {
    "allMids": (AboutDex, all_mids),
    "predictedFundings": (Nothing, predicted_fundings),
    "l2Book": (AboutBook, l2_book),
    "recentTrades": (AboutCoin, recent_trades),
    "candleSnapshot": (AboutCandles, candles),
    "fundingHistory": (AboutCoinSpan, funding_history),
}
