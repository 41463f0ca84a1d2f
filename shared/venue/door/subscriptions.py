"""The WebSocket subscriptions that this exchange serves, in the venue's normal form, which is also its echo."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from shared.errors import VenueError
from shared.venue.core.candles import INTERVALS_NS
from shared.venue.door.actions import Address, canonical_address
from shared.venue.door.questions import FirstDex


class NoSubscription(VenueError):  # noqa: N818 - a door's answer, named as such
    """Answer `Invalid subscription`: nothing of that kind is served here."""


class Subscription(Struct, frozen=True, tag_field="type", rename="camel"):
    """One feed. Equal subscriptions are the same feed; `is_paced` ones are sent at intervals, whole each time."""

    is_paced: ClassVar[bool] = False


class AllMids(Subscription, frozen=True, tag="allMids"):
    """Every mid."""

    is_paced: ClassVar[bool] = True

    dex: FirstDex | msgspec.UnsetType = msgspec.UNSET


class L2Book(Subscription, frozen=True, tag="l2Book"):
    """One book: 20 levels a side, or 5 when `fast`. Aggregated books are not served."""

    is_paced: ClassVar[bool] = True

    coin: str
    n_sig_figs: None = None
    mantissa: None = None
    fast: bool | msgspec.UnsetType = msgspec.UNSET


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

    is_paced: ClassVar[bool] = True

    coin: str


class OrderUpdates(Subscription, frozen=True, tag="orderUpdates"):
    """Statuses of one user's orders."""

    user: Address


class UserEvents(Subscription, frozen=True, tag="userEvents"):
    """Fills and funding of one user, on the channel `user`."""

    user: Address


class UserFills(Subscription, frozen=True, tag="userFills"):
    """Fills of one user, with a snapshot first."""

    user: Address
    aggregate_by_time: bool = False


class UserFundings(Subscription, frozen=True, tag="userFundings"):
    """Funding payments of one user, with a snapshot first."""

    user: Address


class OpenOrders(Subscription, frozen=True, tag="openOrders"):
    """All resting orders of one user."""

    is_paced: ClassVar[bool] = True

    user: Address
    dex: FirstDex = ""


class ClearinghouseState(Subscription, frozen=True, tag="clearinghouseState"):
    """One user's standing."""

    is_paced: ClassVar[bool] = True

    user: Address
    dex: FirstDex = ""


class ActiveAssetData(Subscription, frozen=True, tag="activeAssetData"):
    """What one user could trade of one asset."""

    is_paced: ClassVar[bool] = True

    user: Address
    coin: str


AnySubscription = (
    AllMids
    | L2Book
    | Bbo
    | Trades
    | CandleFeed
    | ActiveAssetCtx
    | OrderUpdates
    | UserEvents
    | UserFills
    | UserFundings
    | OpenOrders
    | ClearinghouseState
    | ActiveAssetData
)


def read_subscription(value: Any, coins: Container[str]) -> AnySubscription:
    """The feed asked for, in normal form; NoSubscription for what is not served."""
    try:
        asked: AnySubscription = msgspec.convert(value, AnySubscription)
    except msgspec.ValidationError as error:
        raise NoSubscription(str(error)) from error
    coin, user = getattr(asked, "coin", None), getattr(asked, "user", None)
    if coin is not None and coin not in coins:
        raise NoSubscription(f"unknown coin {coin}")
    if isinstance(asked, CandleFeed) and asked.interval not in INTERVALS_NS:
        raise NoSubscription(f"unknown interval {asked.interval}")
    if isinstance(asked, UserFills) and asked.aggregate_by_time:
        raise NoSubscription("merged fills are not served")
    if isinstance(asked, L2Book) and asked.fast is False:
        asked = L2Book(asked.coin)
    if isinstance(asked, AllMids):
        asked = AllMids()
    return asked if user is None else msgspec.structs.replace(asked, user=canonical_address(user))
