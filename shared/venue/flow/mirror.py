"""Makes the house's orders on one coin equal to a recorded book, with as few commands as needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from shared.instrument import MIN_NOTIONAL_USD, Instrument
from shared.rules.limits import MAX_BATCH
from shared.units import Px, Sz
from shared.venue.core.commands import CancelOrder, CancelOrders, Command, OrderSpec, PlaceOrders, Tif
from shared.venue.core.events import OrderView

MOST_ORDERS_A_LEVEL: Final = 3
"""More size then joins the newest order, so that the house stays below its limit of open orders."""


def expressible(levels: Sequence[tuple[Px, Sz]]) -> dict[Px, Sz]:
    """The levels that are worth the venue's minimum order."""
    return {px: sz for px, sz in levels if px * sz >= MIN_NOTIONAL_USD}


def commands(
    user: str,
    instrument: Instrument,
    wanted: tuple[dict[Px, Sz], dict[Px, Sz]],
    resting: Sequence[OrderView],
) -> Iterator[Command]:
    """What turns the `resting` orders of `user` into `wanted` (bids, asks): cancels first, then orders.

    The oldest orders of a level stay and keep their place in the queue; more size joins behind, less is taken from the
    newest. Orders are GTC: where the recorded market moved through a user's order, they trade with it.
    """
    cancels: list[CancelOrder] = []
    places: list[OrderSpec] = []
    for is_buy, side in ((True, wanted[0]), (False, wanted[1])):
        held: dict[Px, list[OrderView]] = {}
        for order in resting:
            if order.is_buy is is_buy:
                held.setdefault(order.px, []).append(order)
        for px in held.keys() - side.keys():
            cancels += [CancelOrder(instrument.asset, order.oid) for order in held[px]]
        for px, sz in side.items():
            gone, missing = _level(px, sz, held.get(px, []))
            cancels += [CancelOrder(instrument.asset, order.oid) for order in gone]
            if missing:
                places.append(OrderSpec(instrument.asset, is_buy, px, Sz(missing), False, Tif.GTC))
    cancels.sort(key=lambda cancel: cancel.oid or 0)
    for start in range(0, len(cancels), MAX_BATCH):
        yield CancelOrders(user, tuple(cancels[start : start + MAX_BATCH]))
    for start in range(0, len(places), MAX_BATCH):
        yield PlaceOrders(user, tuple(places[start : start + MAX_BATCH]))


def _level(px: Px, sz: Sz, held: list[OrderView]) -> tuple[list[OrderView], int]:
    """(orders to cancel, lots to place) so that the level holds `sz`; what is placed is worth the minimum."""
    total: int = sum(order.sz for order in held)
    kept, gone = list(held), []
    while kept and total != sz:
        is_too_much, is_crowded = total > sz, len(kept) >= MOST_ORDERS_A_LEVEL
        if not (is_too_much or is_crowded or (sz - total) * px < MIN_NOTIONAL_USD):
            break
        newest = kept.pop()
        gone.append(newest)
        total -= newest.sz
    return gone, sz - total
