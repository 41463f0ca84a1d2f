"""Orders and cancels that were asked for together, as few actions: what may share one, and what it says.

The venue runs an action with one order that may take after all cancels and after what only adds liquidity (fact sheet
4.5), so the sorts are kept apart: post-only orders, those that may trade at once, stops, and what only reduces, which
goes before what enters when there is little budget left. So is what expires much later: it would lose that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from hats.security_architect.actions import (
    Action,
    BatchModify,
    CancelByCloid,
    Order,
    TwapCancel,
    TwapOrder,
    cancel_entry,
    kind_of,
    modify_entry,
    order_entry,
    twap_terms,
)
from shared.approval import Ticket
from shared.ids import Cloid
from shared.messages.order import ActionKind, CancelOrder, SubmitOrder
from shared.order import Tif, VenueTwap
from shared.units import MS, Ns

DEADLINES_APART_NS: Final = 250 * MS
"""An action expires with the first of its pieces, so that none may outlive it by more than twice as long."""


class Piece(msgspec.Struct, frozen=True):
    """One order or cancel that may be signed. `index` is its place in the batch, `ticket` the approval it stands on."""

    index: int
    asked: SubmitOrder | CancelOrder
    ticket: Ticket | None = None

    @property
    def kind(self) -> ActionKind:
        """What its action does."""
        if isinstance(self.asked, SubmitOrder):
            return kind_of(self.asked)
        return ActionKind.CANCEL if self.asked.twap_id is None else ActionKind.TWAP_CANCEL

    @property
    def sort(self) -> tuple[object, ...]:
        """Pieces that share an action agree in this."""
        if self.kind in (ActionKind.TWAP, ActionKind.TWAP_CANCEL):
            return self.kind, self.index  # the venue takes these one by one
        if isinstance(self.asked, CancelOrder):
            return (self.kind,)
        return self.kind, self.asked.tif is Tif.ALO, self.asked.reduce_only, self.asked.how is not None


class Pack(msgspec.Struct, frozen=True):
    """The pieces of one action, at least one, in the order in which they were asked for."""

    pieces: tuple[Piece, ...]

    @property
    def cloids(self) -> tuple[Cloid, ...]:
        """Whose orders."""
        return tuple(piece.asked.cloid for piece in self.pieces)

    @property
    def expires_ns(self) -> Ns:
        """The action may not outlive any of them."""
        return min(piece.asked.expires_ns for piece in self.pieces)

    @property
    def tickets(self) -> tuple[Ticket, ...]:
        """The approvals that it stands on, one an order."""
        return tuple(piece.ticket for piece in self.pieces if piece.ticket is not None)


def packs(pieces: Iterable[Piece], entries_max: int) -> list[Pack]:
    """As few packs as the sorts, the deadlines and the size allow, in the order of their first pieces."""
    filled: list[list[Piece]] = []
    for piece in pieces:
        fit = (pack for pack in filled if len(pack) < entries_max and _go_together(pack[0], piece))
        pack = next(fit, None)
        if pack is None:
            filled.append([piece])
        else:
            pack.append(piece)
    return [Pack(tuple(pack)) for pack in filled]


def _go_together(one: Piece, other: Piece) -> bool:
    return one.sort == other.sort and abs(one.asked.expires_ns - other.asked.expires_ns) <= DEADLINES_APART_NS


def action_of(pack: Pack) -> Action:
    """What is signed."""
    asked = [piece.asked for piece in pack.pieces]
    first = asked[0]
    if isinstance(first, SubmitOrder) and isinstance(first.how, VenueTwap):
        return TwapOrder(twap_terms(first, first.how))
    if isinstance(first, CancelOrder) and first.twap_id is not None:
        return TwapCancel(first.asset, first.twap_id)
    cancels = [cancel for cancel in asked if isinstance(cancel, CancelOrder)]
    if cancels:
        return CancelByCloid(tuple(cancel_entry(cancel) for cancel in cancels))
    return _placing([order for order in asked if isinstance(order, SubmitOrder)])


def _placing(orders: Sequence[SubmitOrder]) -> Action:
    if orders[0].replaces is None:
        return Order(tuple(order_entry(order) for order in orders), "na")
    return BatchModify(tuple(modify_entry(order) for order in orders))
