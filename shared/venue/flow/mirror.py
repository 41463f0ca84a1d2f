"""Makes the house's orders on one coin equal to a recorded book, with as few commands as needed.

A recording says how large each level is, not who stands where in it. Users' orders stand among the house's: the house's
orders at a level are the recorded volume ahead of them, between them and behind them. What the recording adds joins
behind everybody. What it takes away without a trade was cancelled somewhere in the queue; `Queue` says where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

from shared.instrument import MIN_NOTIONAL_USD, Instrument
from shared.rules.limits import MAX_BATCH
from shared.units import Px, Sz
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    OrderSpec,
    PlaceOrders,
    ResizeOrders,
    Tif,
)
from shared.venue.core.events import OrderView

Levels = dict[Px, Sz]
QueueOf = Callable[[bool, Px], Sequence[OrderView]]
"""(is_bid, price) -> everybody's orders there, oldest first."""


class Queue(StrEnum):
    """Whose size a recorded cancel takes: behind us first, in proportion everywhere, or ahead of us first.

    The first makes users' orders fill latest and never flatters; the last makes them fill soonest. Source of the
    question: hftbacktest, "Probability queue models".
    """

    NEWEST = "newest"
    PROPORTIONAL = "proportional"
    OLDEST = "oldest"


class Plan(msgspec.Struct):
    """Commands that move the house to what is wanted, and what it then shows, by level."""

    commands: list[Command]
    shown: tuple[dict[Px, int], dict[Px, int]]


def expressible(levels: Sequence[tuple[Px, Sz]]) -> Levels:
    """The levels that are worth the venue's minimum order."""
    return {px: sz for px, sz in levels if px * sz >= MIN_NOTIONAL_USD}


def plan(
    user: str,
    instrument: Instrument,
    wanted: tuple[Levels, Levels],
    resting: Sequence[OrderView],
    queue_of: QueueOf,
    policy: Queue = Queue.PROPORTIONAL,
) -> Plan:
    """What turns the `resting` orders of `user` into `wanted` (bids, asks): cancels first, then sizes, then orders.

    Orders are GTC: where the recorded market moved through a user's order, they trade with it. Size below the venue's
    minimum waits while somebody else stands at the end of its queue.
    """
    cancels: list[CancelOrder] = []
    sizes: list[tuple[int, Sz]] = []
    places: list[OrderSpec] = []
    shown: tuple[dict[Px, int], dict[Px, int]] = ({}, {})
    for is_buy, side, shows in ((True, wanted[0], shown[0]), (False, wanted[1], shown[1])):
        held: dict[Px, list[OrderView]] = {}
        for order in resting:
            if order.is_buy is is_buy:
                held.setdefault(order.px, []).append(order)
        for px in held.keys() - side.keys():
            cancels += [CancelOrder(instrument.asset, order.oid) for order in held[px]]
        for px, sz in side.items():
            orders = held.get(px, [])
            more = sz - sum(order.sz for order in orders)
            shows[px] = sz
            if more < 0:
                for order, left in zip(orders, shrunk([order.sz for order in orders], -more, policy), strict=True):
                    if not left:
                        cancels.append(CancelOrder(instrument.asset, order.oid))
                    elif left != order.sz:
                        sizes.append((order.oid, Sz(left)))
            elif more and orders and queue_of(is_buy, px)[-1].oid == orders[-1].oid:
                sizes.append((orders[-1].oid, Sz(orders[-1].sz + more)))
            elif more * px >= MIN_NOTIONAL_USD:
                places.append(OrderSpec(instrument.asset, is_buy, px, Sz(more), False, Tif.GTC))
            else:
                shows[px] = sz - more
    return Plan(list(_commands(user, cancels, sizes, places)), shown)


def shrunk(sizes: Sequence[int], lots: int, policy: Queue) -> list[int]:
    """The sizes of a queue, oldest first, after `lots` of it were cancelled where the policy says."""
    left = list(sizes)
    if policy is Queue.PROPORTIONAL:
        total = sum(sizes)
        # rounded down, so that a few lots remain for the newest to lose
        left = [sz - sz * lots // total for sz in sizes]
        lots -= total - sum(left)
    order = range(len(left)) if policy is Queue.OLDEST else reversed(range(len(left)))
    for index in order:
        taken = min(left[index], lots)
        left[index] -= taken
        lots -= taken
    return left


def _commands(
    user: str, cancels: list[CancelOrder], sizes: list[tuple[int, Sz]], places: list[OrderSpec]
) -> Sequence[Command]:
    cancels.sort(key=lambda cancel: cancel.oid or 0)
    result: list[Command] = [
        CancelOrders(user, tuple(cancels[start : start + MAX_BATCH])) for start in range(0, len(cancels), MAX_BATCH)
    ]
    if sizes:
        result.append(ResizeOrders(user, tuple(sizes)))
    result += [
        PlaceOrders(user, tuple(places[start : start + MAX_BATCH])) for start in range(0, len(places), MAX_BATCH)
    ]
    return result
