"""What happens to orders that wait, and to their families: hanging, taking down, waking children, ending siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.trigger import Family, Phase

if TYPE_CHECKING:
    from shared.venue.core.matching import Matching


def hang(order: Order, phase: Phase, account: Account, market: Market, matching: Matching, block: Block) -> None:
    """List a trigger order among the user's open orders, waiting for its parent or for the mark."""
    assert order.trigger is not None
    order.trigger.phase = phase
    account.open_orders[order.oid] = order
    if order.family is not None:
        order.family.child_oids.append(order.oid)
    if phase is Phase.PRICE:
        _watch(order, account, market, matching)
    matching.tell(order, "open", account, block)


def take_down(order: Order, status: str, account: Account, market: Market, matching: Matching, block: Block) -> None:
    """End a waiting order; nothing if it ended already, with its family perhaps."""
    if order.oid not in account.open_orders:
        return
    market.waiting.remove(order)
    matching.unlist(order, account)
    matching.end(order, status, account, block)


def note_end(order: Order, family: Family, status: str, account: Account, matching: Matching, block: Block) -> None:
    """The end of a parent wakes its children or ends them; that of a child is only remembered.

    They wake if the parent filled in full, or in part before it was cancelled for want of margin.
    """
    if order.oid != family.parent_oid:
        if order.oid in family.child_oids:
            family.child_oids.remove(order.oid)
        return
    family.parent_oid = 0
    market = matching.markets[order.asset]
    is_live = status == "filled" or (status == "marginCanceled" and order.filled_sz > 0)
    for oid in tuple(family.child_oids):
        child = account.open_orders[oid]
        if is_live:
            assert child.trigger is not None
            child.trigger.phase = Phase.PRICE
            _watch(child, account, market, matching)
        else:
            take_down(child, "canceled", account, market, matching, block)


def orphaned(order: Order, is_buy: bool, policy: VenuePolicy) -> Family | None:
    """The family that outlives the modify of its parent, taken from it; None if there is none, or it is to end.

    It ends in any case if the new order is on the other side.
    """
    family = order.family
    if family is None or family.parent_oid != order.oid:
        return None
    if policy.modified_parent == "ends" or is_buy != order.is_buy:
        return None
    order.family = None
    return family


def adopt(parent: Order, family: Family, account: Account, matching: Matching, block: Block) -> None:
    """Let the children of a modified parent wait for the new one, or do what its end asks for."""
    parent.family, family.parent_oid = family, parent.oid
    if parent.oid not in account.open_orders:
        note_end(parent, family, parent.status, account, matching, block)


def note_fill(order: Order, family: Family, account: Account, matching: Matching, block: Block) -> None:
    """A child that begins to fill ends its siblings: one cancels the other."""
    if order.oid not in family.child_oids:
        return
    market = matching.markets[order.asset]
    for oid in tuple(family.child_oids):
        sibling = account.open_orders.get(oid)
        if sibling is not None and oid != order.oid:
            matching.cancel(sibling, "siblingFilledCanceled", account, market, block)


def _watch(order: Order, account: Account, market: Market, matching: Matching) -> None:
    """Let the order wait for the mark, and for the end of the position if it is to end with it."""
    market.waiting.add(order)
    assert order.trigger is not None
    ends_with_position = order.trigger.is_position or matching.policy.closed_position_triggers == "all_reduce_only"
    if order.reduce_only and ends_with_position:
        account.holdings[order.asset].reduce_only[order.oid] = order
