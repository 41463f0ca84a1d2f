"""/info about a user's orders."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door import render
from shared.venue.door.actions import canonical_cloid
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutOrder, AboutUser
from shared.venue.door.render import Json


def open_orders(desk: Desk, asked: AboutUser, _: Ns) -> list[Json]:
    """`openOrders`."""
    return desk.answers.open_orders(asked.user, desk.dex(asked.dex))


def full_open_orders(desk: Desk, asked: AboutUser, _: Ns) -> list[Json]:
    """`frontendOpenOrders`."""
    return desk.answers.full_open_orders(asked.user, desk.dex(asked.dex))


def order_status(desk: Desk, asked: AboutOrder, _: Ns) -> Json:
    """`orderStatus` by oid or cloid."""
    if isinstance(asked.oid, int):
        return desk.answers.order_status(desk.exchange.order_by_oid(asked.user, asked.oid))
    cloid = canonical_cloid(asked.oid)
    assert cloid is not None
    return desk.answers.order_status(desk.exchange.order_by_cloid(asked.user, cloid))


def historical_orders(desk: Desk, asked: AboutUser, _: Ns) -> list[Json]:
    """`historicalOrders`, newest first."""
    changes = desk.exchange.order_history(asked.user)
    return [render.order_record(desk.instruments[change.order.asset], change) for change in changes]


TYPES: Final[dict[str, InfoType]] = {
    "openOrders": (AboutUser, open_orders),
    "frontendOpenOrders": (AboutUser, full_open_orders),
    "orderStatus": (AboutOrder, order_status),
    "historicalOrders": (AboutUser, historical_orders),
}
