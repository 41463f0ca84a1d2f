"""Feeds of whole pages: all contexts, a user's web data, tokens, notifications."""

from __future__ import annotations

import base64
import zlib
from typing import Any, Final

import msgspec

from shared.units import Ns
from shared.venue.door import info_dexs, info_spot, info_webdata
from shared.venue.door.actions import Address
from shared.venue.door.desk import Desk
from shared.venue.door.feed import EventFeed, Feed, Message, Pace, StateFeed, Subscription
from shared.venue.door.questions import AboutDex, AboutUser, DexName
from shared.venue.door.render import Json
from shared.venue.door.settings import DoorSettings
from shared.venue.door.topics import of_user

_RAW_DEFLATE: Final = -15
_ENCODE: Final = msgspec.json.Encoder().encode
_FAST_KEYS: Final = ("markPx", "midPx")


class AssetCtxs(Subscription, frozen=True, tag="assetCtxs"):
    """Contexts of all assets of a dex."""

    dex: DexName = ""


class FastAssetCtxs(Subscription, frozen=True, tag="fastAssetCtxs"):
    """Mark and mid of all assets, packed; after the first message only what changed."""


class WebData3(Subscription, frozen=True, tag="webData3"):
    """What the venue's own page shows of a user."""

    user: Address


class SpotState(Subscription, frozen=True, tag="spotState"):
    """A user's tokens."""

    user: Address
    ignore_portfolio_margin: bool | msgspec.UnsetType = msgspec.UNSET


class Notification(Subscription, frozen=True, tag="notification"):
    """Words for a user."""

    user: Address


def asset_ctxs(desk: Desk, asked: AssetCtxs, now: Ns) -> Message:
    """`assetCtxs`."""
    _, ctxs = info_dexs.meta_and_ctxs(desk, AboutDex(asked.dex), now)
    return "assetCtxs", {"dex": asked.dex, "ctxs": ctxs}


def fast_ctxs(desk: Desk, _: FastAssetCtxs, now: Ns) -> Message:
    """`fastAssetCtxs` before packing: prices by coin."""
    shown = {}
    for asset, instrument in desk.instruments.items():
        ctx = desk.answers.asset_ctx(asset, now)
        shown[instrument.coin] = {key: ctx[key] for key in _FAST_KEYS if ctx.get(key) is not None}
    return "fastAssetCtxs", shown


def changed_ctxs(before: dict[str, Json], after: dict[str, Json]) -> dict[str, Json] | None:
    """Coins and prices of `after` that are not those of `before`; None if all are."""
    changed = {}
    for coin, prices in after.items():
        known = before.get(coin, {})
        moved = {key: px for key, px in prices.items() if known.get(key) != px}
        if moved:
            changed[coin] = moved
    return changed or None


def packed(shown: Any) -> str:
    """JSON as raw DEFLATE in base64."""
    packer = zlib.compressobj(wbits=_RAW_DEFLATE)
    return base64.b64encode(packer.compress(_ENCODE(shown)) + packer.flush()).decode()


def web_data(desk: Desk, asked: WebData3, now: Ns) -> Message:
    """`webData3`."""
    return "webData3", info_webdata.web_data_3(desk, asked.user, now)


def spot_state(desk: Desk, asked: SpotState, now: Ns) -> Message:
    """`spotState`."""
    state = info_spot.spot_state(desk, AboutUser(asked.user), now)
    return "spotState", {"user": asked.user, "spotState": state}


def ctxs_pace(settings: DoorSettings, _: Any) -> Pace:
    """All contexts come at their interval, changed or not."""
    return Pace(settings.ctxs_interval_ms, settings.ctxs_interval_ms)


def web_data_pace(settings: DoorSettings, _: Any) -> Pace:
    """Web data comes at its interval, changed or not."""
    return Pace(settings.web_data_interval_ms, settings.web_data_interval_ms)


FEEDS: Final[dict[str, Feed]] = {
    "assetCtxs": StateFeed(AssetCtxs, asset_ctxs, ctxs_pace),
    "fastAssetCtxs": StateFeed(FastAssetCtxs, fast_ctxs, ctxs_pace, change=changed_ctxs, spelled=packed),
    "webData3": StateFeed(WebData3, web_data, web_data_pace),
    "spotState": StateFeed(
        SpotState,
        spot_state,
        lambda settings, _: Pace(settings.state_interval_ms),
        lambda asked: of_user(asked.user),
    ),
    "notification": EventFeed(Notification, lambda asked: (("notification", asked.user),), lambda *_: ()),
}
