"""Feeds about one user: orders, fills, funding, standing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from shared.units import Ns
from shared.venue.core.events import Event, FillHappened, FundingPaid, Liquidated, OrderChanged, TwapChanged
from shared.venue.door import account_shapes, render, twap_shapes
from shared.venue.door.actions import Address
from shared.venue.door.desk import Desk
from shared.venue.door.feed import EventFeed, Feed, Message, Pace, StateFeed, Subscription
from shared.venue.door.info_fills import shown_fills
from shared.venue.door.questions import MOST_ROWS, DexName
from shared.venue.door.render import Json
from shared.venue.door.settings import DoorSettings
from shared.venue.door.topics import Topic, of_user

HOUSE_CANCELS: Final = frozenset(
    {
        "marginCanceled",
        "openInterestCapCanceled",
        "selfTradeCanceled",
        "delistedCanceled",
        "liquidatedCanceled",
        "internalCancel",
    }
)
"""Cancels that the user did not cause; those of reduce-only orders are not told as such (measured)."""


class OrderUpdates(Subscription, frozen=True, tag="orderUpdates"):
    """Statuses of one user's orders."""

    user: Address


class UserEvents(Subscription, frozen=True, tag="userEvents"):
    """Fills, funding, liquidations and the house's cancels of one user, on the channel `user`."""

    user: Address


class UserHistoricalOrders(Subscription, frozen=True, tag="userHistoricalOrders"):
    """Statuses of one user's orders in full, with a snapshot first."""

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

    user: Address
    dex: DexName = ""


class ClearinghouseState(Subscription, frozen=True, tag="clearinghouseState"):
    """One user's standing."""

    user: Address
    dex: DexName = ""


class ActiveAssetData(Subscription, frozen=True, tag="activeAssetData"):
    """What one user could trade of one asset."""

    user: Address
    coin: str


# --- events


def order_updates(desk: Desk, _: OrderUpdates, events: Sequence[Event], __: Ns) -> Iterable[Message]:
    """`orderUpdates`."""
    changes = [event for event in events if isinstance(event, OrderChanged)]
    yield "orderUpdates", [render.order_update(desk.instruments[event.order.asset], event) for event in changes]


def _fills(desk: Desk, events: Sequence[Event], is_merged: bool = False) -> list[Json]:
    return shown_fills(desk, [event for event in events if isinstance(event, FillHappened)], is_merged)


def streamed(desk: Desk, data: Json) -> Json:
    """The data of a message that is no snapshot, and says so if the settings want it said."""
    return data | {"isSnapshot": False} if desk.settings.is_snapshot_false else data


def _fundings(desk: Desk, events: Sequence[Event]) -> list[Json]:
    paid = [event for event in events if isinstance(event, FundingPaid)]
    return [render.funding_event(desk.instruments[one.asset], one) for one in paid]


def _twaps(desk: Desk, events: Sequence[Event]) -> Iterable[Message]:
    """What suborders traded and what became of their orders, on the channel `user`."""
    traded = [event for event in events if isinstance(event, FillHappened) and event.twap_id is not None]
    if traded:
        yield "user", {"twapSliceFills": [twap_shapes.slice_fill(desk.instruments, fill) for fill in traded]}
    changes = [event for event in events if isinstance(event, TwapChanged)]
    if changes:
        yield "user", {"twapHistory": [twap_shapes.record(desk.instruments, changed) for changed in changes]}


def user_events(desk: Desk, _: UserEvents, events: Sequence[Event], __: Ns) -> Iterable[Message]:
    """Channel `user`: fills of one block together, each funding payment and liquidation alone, cancels by the house."""
    fills = _fills(desk, events)
    if fills:
        yield "user", {"fills": fills}
    for paid in _fundings(desk, events):
        yield "user", {"funding": paid}
    for event in events:
        if isinstance(event, Liquidated):
            yield "user", {"liquidation": render.liquidation(event)}
    yield from _twaps(desk, events)
    cancels = [event.order for event in events if isinstance(event, OrderChanged) and event.status in HOUSE_CANCELS]
    if cancels:
        shown = [{"coin": desk.instruments[order.asset].coin, "oid": order.oid} for order in cancels]
        yield "user", {"nonUserCancel": shown}


def new_fills(desk: Desk, asked: UserFills, events: Sequence[Event], _: Ns) -> Iterable[Message]:
    """`userFills`: those of one block."""
    fills = _fills(desk, events, asked.aggregate_by_time)
    yield "userFills", streamed(desk, {"user": asked.user, "fills": fills})


def past_fills(desk: Desk, asked: UserFills, _: Ns) -> Iterable[Message]:
    """The snapshot of `userFills`, newest first."""
    fills = shown_fills(desk, desk.exchange.fills(asked.user), asked.aggregate_by_time, newest_first=True)
    yield "userFills", {"user": asked.user, "fills": fills, "isSnapshot": True}


def new_orders(desk: Desk, asked: UserHistoricalOrders, events: Sequence[Event], _: Ns) -> Iterable[Message]:
    """`userHistoricalOrders`: the changes of one block."""
    yield "userHistoricalOrders", streamed(desk, {"user": asked.user, "orderHistory": _orders(desk, events)})


def past_orders(desk: Desk, asked: UserHistoricalOrders, _: Ns) -> Iterable[Message]:
    """The snapshot of `userHistoricalOrders`, newest first."""
    history = _orders(desk, desk.exchange.order_history(asked.user))
    yield "userHistoricalOrders", {"user": asked.user, "orderHistory": history, "isSnapshot": True}


def _orders(desk: Desk, events: Sequence[Event]) -> list[Json]:
    changes = [event for event in events if isinstance(event, OrderChanged)]
    return [render.order_record(desk.instruments[event.order.asset], event) for event in changes]


def new_fundings(desk: Desk, asked: UserFundings, events: Sequence[Event], _: Ns) -> Iterable[Message]:
    """`userFundings`: those of one block."""
    yield "userFundings", streamed(desk, {"user": asked.user, "fundings": _fundings(desk, events)})


def past_fundings(desk: Desk, asked: UserFundings, _: Ns) -> Iterable[Message]:
    """The snapshot of `userFundings`, oldest first."""
    paid = desk.exchange.fundings(asked.user)[-MOST_ROWS:]
    yield "userFundings", {"user": asked.user, "fundings": _fundings(desk, paid), "isSnapshot": True}


# --- states


def open_orders(desk: Desk, asked: OpenOrders, _: Ns) -> Message:
    """`openOrders`."""
    orders = desk.answers.full_open_orders(asked.user, desk.dex(asked.dex))
    return "openOrders", {"dex": asked.dex, "user": asked.user, "orders": orders}


def clearinghouse_state(desk: Desk, asked: ClearinghouseState, now: Ns) -> Message:
    """`clearinghouseState`."""
    state = account_shapes.clearinghouse_state(desk.exchange, asked.user, now, desk.dex(asked.dex))
    return "clearinghouseState", {"dex": asked.dex, "user": asked.user, "clearinghouseState": state}


def active_asset_data(desk: Desk, asked: ActiveAssetData, _: Ns) -> Message:
    """`activeAssetData`."""
    return "activeAssetData", account_shapes.active_asset_data(desk.exchange, asked.user, desk.asset(asked.coin))


def state_pace(settings: DoorSettings, _: Any) -> Pace:
    """How often a standing is sent; marks move it without events."""
    return Pace(settings.state_interval_ms, settings.state_refresh_ms)


def _about(subject: str, asked: Any) -> tuple[Topic, ...]:
    return ((subject, asked.user),)


FEEDS: Final[dict[str, Feed]] = {
    "orderUpdates": EventFeed(OrderUpdates, lambda asked: _about("orders", asked), order_updates),
    "userEvents": EventFeed(
        UserEvents,
        lambda asked: tuple(
            (subject, asked.user) for subject in ("orders", "fills", "fundings", "liquidations", "twaps")
        ),
        user_events,
    ),
    "userHistoricalOrders": EventFeed(
        UserHistoricalOrders, lambda asked: _about("orders", asked), new_orders, past_orders
    ),
    "userFills": EventFeed(UserFills, lambda asked: _about("fills", asked), new_fills, past_fills),
    "userFundings": EventFeed(UserFundings, lambda asked: _about("fundings", asked), new_fundings, past_fundings),
    "openOrders": StateFeed(
        OpenOrders,
        open_orders,
        lambda settings, _: Pace(settings.state_interval_ms),
        lambda asked: of_user(asked.user),
    ),
    "clearinghouseState": StateFeed(
        ClearinghouseState, clearinghouse_state, state_pace, lambda asked: of_user(asked.user)
    ),
    "activeAssetData": StateFeed(ActiveAssetData, active_asset_data, state_pace, lambda asked: of_user(asked.user)),
}
