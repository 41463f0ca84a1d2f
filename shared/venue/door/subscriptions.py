"""The WebSocket door's registry of every subscription that is served, and its reader.

A new kind is one more entry in the `FEEDS` of its subject's module, a new subject one more line in `FEEDS` here.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

import msgspec
from msgspec import UNSET

from shared.venue.door import feeds_dexs, feeds_ledger, feeds_market, feeds_pages, feeds_spot, feeds_twap, feeds_user
from shared.venue.door.actions import canonical_address
from shared.venue.door.feed import Feed, Subscription
from shared.venue.door.subscribing import NoSubscription

FEEDS: Final[dict[str, Feed]] = {
    **feeds_market.FEEDS,
    **feeds_user.FEEDS,
    **feeds_pages.FEEDS,
    **feeds_spot.FEEDS,
    **feeds_dexs.FEEDS,
    **feeds_ledger.FEEDS,
    **feeds_twap.FEEDS,
}
_BY_SCHEMA: Final[dict[type, Feed]] = {feed.schema: feed for feed in FEEDS.values()}


def feed_of(asked: Subscription) -> Feed:
    """How the subscription is served."""
    return _BY_SCHEMA[type(asked)]


def read_subscription(value: Any, coins: Container[str], dexs: Container[str]) -> Subscription:
    """The feed asked for, in normal form; NoSubscription for what is not served."""
    kind = value.get("type") if isinstance(value, dict) else None
    feed = FEEDS.get(kind) if isinstance(kind, str) else None
    if feed is None:
        raise NoSubscription(f"unknown type {kind!r}")
    try:
        asked = msgspec.convert(value, feed.schema)
    except msgspec.ValidationError as error:
        raise NoSubscription(str(error)) from error
    coin, user = getattr(asked, "coin", None), getattr(asked, "user", None)
    if coin is not None and coin not in coins:
        raise NoSubscription(f"unknown coin {coin}")
    if (getattr(asked, "dex", UNSET) or "") not in dexs:
        raise NoSubscription(f"unknown dex in {asked}")
    if user is not None:
        asked = msgspec.structs.replace(asked, user=canonical_address(user))
    normal: Subscription = feed.normal(asked)
    return normal
