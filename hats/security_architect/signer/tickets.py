"""The signer's own look at approvals: every order it signs stands on one genuine, unspent ticket that says the same.

The Security Architect has looked before; the signer believes neither it nor the way between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import UNSET

from hats.security_architect.actions import (
    Action,
    BatchModify,
    Limit,
    Order,
    OrderEntry,
    OrderType,
    TwapOrder,
    TwapTerms,
)
from shared.approval import ApprovalKey, Ticket, TriggerWords, TwapWords
from shared.order import Tif
from shared.units import MS

REMEMBERED: Final = 16_384
"""Spent ids that are kept; ids rise, so that what is below all of them is refused as too old."""
NOT_APPROVED: Final = "approval"
"""The signer's reasons that begin so say that an order has no approval to stand on."""


class Placed(NamedTuple):
    """One order of an action, and what it takes the place of (the venue's id or a cloid)."""

    entry: OrderEntry
    replaces: int | str | None


def placed_by(action: Action) -> tuple[Placed, ...]:
    """The orders that the action brings to the venue."""
    match action:
        case Order(orders=orders):
            return tuple(Placed(entry, None) for entry in orders)
        case BatchModify(modifies=modifies):
            return tuple(Placed(entry.order, entry.oid) for entry in modifies)
        case _:
            return ()


def judged_by(action: Action, tickets: Sequence[Ticket]) -> tuple[OrderEntry, ...]:
    """The orders of an action whose tickets hold, as their value is judged.

    The wire of a TWAP has no price and no cloid: its ticket's stand for them.
    """
    if not isinstance(action, TwapOrder):
        return tuple(placed.entry for placed in placed_by(action))
    twap = action.twap
    return tuple(
        OrderEntry(
            twap.asset, twap.is_buy, ticket.px, twap.sz, twap.reduce_only, OrderType(Limit(ticket.tif)), ticket.cloid
        )
        for ticket in tickets
    )


class TicketBook:
    """The key, and which approval ids were spent under it, oldest first."""

    def __init__(self, key: ApprovalKey, spent: Iterable[int] = (), remembered: int = REMEMBERED) -> None:
        self._key = key
        self._remembered = remembered
        self._floor = 0
        self._spent: dict[int, None] = {}
        for approval_id in spent:
            self.spend((approval_id,))
        if len(self._spent) == remembered:
            self._floor = max(self._floor, min(self._spent) - 1)  # what lies below may have been forgotten by the file

    @property
    def key_name(self) -> bytes:
        """Which key this is, without saying the key."""
        return self._key.name

    def fault_in(self, action: Action, tickets: Sequence[Ticket], expires_after_ms: int, now_ms: int) -> str | None:
        """Why the action's orders may not be signed on these tickets; None if they may, or if it places none."""
        orders: tuple[Placed | TwapTerms, ...] = (action.twap,) if isinstance(action, TwapOrder) else placed_by(action)
        if len(orders) != len(tickets):
            return f"{NOT_APPROVED}: {len(orders)} orders on {len(tickets)} tickets"
        if len({ticket.approval_id for ticket in tickets}) != len(tickets):
            return f"{NOT_APPROVED}: one ticket for two orders"
        for order, ticket in zip(orders, tickets, strict=True):
            fault = self._fault(order, ticket, expires_after_ms, now_ms)
            if fault is not None:
                return f"{NOT_APPROVED} {ticket.approval_id}: {fault}"
        return None

    def spend(self, approval_ids: Iterable[int]) -> None:
        """These are used up."""
        for approval_id in approval_ids:
            self._spent[approval_id] = None
            if len(self._spent) > self._remembered:
                oldest = next(iter(self._spent))
                del self._spent[oldest]
                self._floor = max(self._floor, oldest)

    def _fault(self, order: Placed | TwapTerms, ticket: Ticket, expires_after_ms: int, now_ms: int) -> str | None:
        if not self._key.is_genuine(ticket):
            return "not the Risk Officer's seal"
        if ticket.approval_id in self._spent:
            return "spent"
        if ticket.approval_id <= self._floor:
            return "older than everything remembered"
        if ticket.expires_ns <= now_ms * MS:
            return f"expired {now_ms - ticket.expires_ns // MS} ms ago"
        if not 0 < expires_after_ms * MS <= ticket.expires_ns:
            return "the order would outlive it"
        compared = _compared_twap(order, ticket) if isinstance(order, TwapTerms) else _compared(order, ticket)
        differing = [name for name, asked, given in compared if asked != given]
        return "differs in " + ", ".join(differing) if differing else None


def _compared(order: Placed, ticket: Ticket) -> Iterable[tuple[str, object, object]]:
    entry = order.entry
    return (
        ("asset", entry.asset, ticket.asset),
        ("side", entry.is_buy, ticket.is_buy),
        ("px", entry.px, ticket.px),
        ("sz", entry.sz, ticket.sz),
        ("tif", _tif(entry.kind), ticket.tif),
        ("how", _how(entry.kind), ticket.how),
        ("reduce_only", entry.reduce_only, ticket.reduce_only),
        ("cloid", entry.cloid, ticket.cloid),
        ("replaces", order.replaces, ticket.replaces),
    )


def _compared_twap(twap: TwapTerms, ticket: Ticket) -> Iterable[tuple[str, object, object]]:
    return (
        ("asset", twap.asset, ticket.asset),
        ("side", twap.is_buy, ticket.is_buy),
        ("sz", twap.sz, ticket.sz),
        ("reduce_only", twap.reduce_only, ticket.reduce_only),
        ("how", TwapWords(twap.minutes, twap.randomize), ticket.how),
        ("replaces", None, ticket.replaces),
    )


def _tif(kind: OrderType) -> Tif | None:
    """What becomes of the order once it meets the book, in the ticket's word; None for no kind at all."""
    if kind.limit is not UNSET:
        return kind.limit.tif
    if kind.trigger is not UNSET:
        return Tif.IOC if kind.trigger.is_market else Tif.GTC
    return None


def _how(kind: OrderType) -> TriggerWords | None:
    return None if kind.trigger is UNSET else TriggerWords(kind.trigger.trigger_px, kind.trigger.tpsl)
