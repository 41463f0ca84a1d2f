"""Feeds about markets: mids, books, trades, candles, contexts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import UNSET, UnsetType, structs

from shared.rules.intervals import INTERVALS_NS
from shared.units import DAY, MS, Ns
from shared.venue.core.events import Event, TradeHappened
from shared.venue.door import render, spot_shapes
from shared.venue.door.answers import BOOK_DEPTH, FAST_DEPTH
from shared.venue.door.coarse import Grain
from shared.venue.door.desk import Desk
from shared.venue.door.feed import EventFeed, Feed, Message, Pace, StateFeed, Subscription
from shared.venue.door.questions import DexName
from shared.venue.door.settings import DoorSettings
from shared.venue.door.subscribing import NoSubscription
from shared.venue.door.topics import Topic

EMPTY_CANDLE_MS: Final = 1_000
"""How often intervals are looked at that may have begun without a print."""


class AllMids(Subscription, frozen=True, tag="allMids"):
    """Every mid."""

    dex: DexName | UnsetType = UNSET


class L2Book(Subscription, frozen=True, tag="l2Book"):
    """One book: 20 levels a side, or 5 when `fast`."""

    coin: str
    n_sig_figs: int | None = None
    mantissa: int | None = None
    fast: bool | UnsetType = UNSET


class Bbo(Subscription, frozen=True, tag="bbo"):
    """Best bid and ask, when they change."""

    coin: str


class Trades(Subscription, frozen=True, tag="trades"):
    """Public prints."""

    coin: str


class CandleFeed(Subscription, frozen=True, tag="candle"):
    """The open candle of one interval."""

    coin: str
    interval: str


class ActiveAssetCtx(Subscription, frozen=True, tag="activeAssetCtx"):
    """Prices, funding and volumes of one asset."""

    coin: str


# --- mids and books


def mids(desk: Desk, asked: AllMids, _: Ns) -> Message:
    """`allMids`; only a deployed dex is named."""
    if asked.dex is UNSET:
        return "allMids", {"mids": desk.answers.all_mids()}
    return "allMids", {"mids": desk.answers.all_mids(desk.dex(asked.dex)), "dex": asked.dex}


def book(desk: Desk, asked: L2Book, now: Ns) -> Message:
    """`l2Book`."""
    is_fast = asked.fast is True
    depth, grain = FAST_DEPTH if is_fast else BOOK_DEPTH, Grain(asked.n_sig_figs, asked.mantissa)
    shown = desk.answers.l2_book(desk.asset(asked.coin), now, depth, grain)
    return "l2Book", shown | ({"fast": True} if is_fast else {})


def best(desk: Desk, asked: Bbo, now: Ns) -> Message:
    """`bbo`."""
    return "bbo", desk.answers.bbo(desk.asset(asked.coin), now)


def other_best(before: Any, after: Any) -> Any:
    """The new best, if it is another one."""
    return None if before["bbo"] == after["bbo"] else after


def normal_book(asked: L2Book) -> L2Book:
    """The request, without `fast` if that is false; NoSubscription for a coarseness that is not served."""
    if not Grain(asked.n_sig_figs, asked.mantissa).is_served:
        raise NoSubscription("no such aggregation")
    return structs.replace(asked, fast=UNSET) if asked.fast is False else asked


def book_pace(settings: DoorSettings, asked: L2Book) -> Pace:
    """How often a book is sent."""
    interval_ms = settings.l2_fast_interval_ms if asked.fast is True else settings.l2_interval_ms
    return Pace(interval_ms, settings.l2_refresh_ms)


def of_book(asked: Any) -> tuple[Topic, ...]:
    """Changes of the coin's book."""
    return (("book", asked.coin),)


# --- trades and candles


def of_trades(asked: Any) -> tuple[Topic, ...]:
    """Prints of the coin."""
    return (("trades", asked.coin),)


def prints(desk: Desk, asked: Trades, events: Sequence[Event], _: Ns) -> Iterable[Message]:
    """`trades`: the prints of one block."""
    instrument = desk.instruments[desk.asset(asked.coin)]
    yield "trades", [render.trade(instrument, event) for event in events if isinstance(event, TradeHappened)]


def recent_prints(desk: Desk, asked: Trades, _: Ns) -> Iterable[Message]:
    """The batch that `trades` begins with, newest first."""
    yield "trades", desk.answers.trades(desk.asset(asked.coin), desk.settings.snapshot_trades)


def last_candle(desk: Desk, asked: CandleFeed, now: Ns) -> Message:
    """`candle`: the current one, or the last that there was; None before the first print.

    A flat one of an interval without trades if the settings say so.
    """
    asset = desk.asset(asked.coin)
    if desk.settings.has_empty_candles:
        rows = desk.answers.all_candles(asset, asked.interval, now // MS, now // MS)
    else:
        rows = desk.answers.candles(asset, asked.interval, (now - DAY) // MS, None)
    return "candle", rows[-1] if rows else None


def candle_pace(settings: DoorSettings, _: CandleFeed) -> Pace:
    """With every print, and with every interval if those without a print count too."""
    return Pace(0, EMPTY_CANDLE_MS if settings.has_empty_candles else None)


def other_candle(before: Any, now: Any) -> Any:
    """The candle, unless it was sent."""
    return None if now == before else now


def known_interval(asked: CandleFeed) -> CandleFeed:
    """The request; NoSubscription for an interval that does not exist."""
    if asked.interval not in INTERVALS_NS:
        raise NoSubscription(f"unknown interval {asked.interval}")
    return asked


# --- contexts


def asset_ctx(desk: Desk, asked: ActiveAssetCtx, now: Ns) -> Message:
    """`activeAssetCtx`, or `activeSpotAssetCtx` of a pair."""
    if desk.asset(asked.coin) not in desk.answers.perps:
        ctx = spot_shapes.spot_ctx(desk.answers, desk.asset(asked.coin), now)
        return "activeSpotAssetCtx", {"coin": asked.coin, "ctx": ctx}
    return "activeAssetCtx", {"coin": asked.coin, "ctx": desk.answers.asset_ctx(desk.asset(asked.coin), now)}


FEEDS: Final[dict[str, Feed]] = {
    "allMids": StateFeed(
        AllMids,
        mids,
        lambda settings, _: Pace(settings.mids_interval_ms),
        lambda _: (("book", ""),),
        normal=lambda asked: structs.replace(asked, dex=asked.dex or UNSET),
    ),
    "l2Book": StateFeed(L2Book, book, book_pace, of_book, normal=normal_book),
    "bbo": StateFeed(Bbo, best, lambda _, __: Pace(0), of_book, change=other_best),
    "trades": EventFeed(Trades, of_trades, prints, recent_prints),
    "candle": StateFeed(CandleFeed, last_candle, candle_pace, of_trades, change=other_candle, normal=known_interval),
    "activeAssetCtx": StateFeed(
        ActiveAssetCtx,
        asset_ctx,
        lambda settings, _: Pace(settings.ctx_interval_ms),
        lambda asked: (("book", asked.coin), ("prices", asked.coin)),
    ),
}
