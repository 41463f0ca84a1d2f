"""Orders placed together: a parent with its children, take-profit and stop of a position, and paid priority."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.units import Sz
from shared.venue.core import words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.commands import Grouping, OrderSpec, PlaceOrders, Tif
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.outcomes import Awaiting, Refused, Status
from shared.venue.core.placing import batch_fault
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.trigger import Family, Phase
from shared.venue.core.triggers import Terms
from shared.venue.core.world import World


def group_error(world: World, command: PlaceOrders) -> str | None:
    """Why the group as a whole is an error (`status: err`), or None."""
    if command.grouping is Grouping.PRIORITY:
        if world.policy.priority_grouping == "refused":
            return words.NO_PRIORITY
        are_iocs = all(spec.tif is Tif.IOC for spec in command.orders)
        are_makers = all(spec.tif is Tif.ALO and not spec.reduce_only for spec in command.orders)
        return None if are_iocs or are_makers else words.PRIORITY_TIF
    triggers = _children(command)
    kinds = [spec.trigger.is_tp for spec in triggers if spec.trigger is not None]
    is_odd = not kinds or len(kinds) != len(triggers) or len(set(kinds)) != len(kinds)
    has_no_parent = command.grouping is Grouping.NORMAL_TPSL and command.orders[0].trigger is not None
    is_mixed = len({spec.asset for spec in command.orders}) > 1
    return words.UNEXPECTED_TRIGGERS if is_odd or has_no_parent or is_mixed else None


def group_fault(world: World, command: PlaceOrders) -> str | None:
    """First fault of a group that the payload alone determines; a size of zero stands for the whole position."""
    specs = command.orders
    if command.grouping is Grouping.POSITION_TPSL:
        specs = tuple(msgspec.structs.replace(spec, sz=spec.sz or Sz(1)) for spec in specs)
    return batch_fault(world.markets, specs) or _tie_fault(command)


def _tie_fault(command: PlaceOrders) -> str | None:
    """What is wrong with how the orders of a group belong together."""
    if command.grouping is Grouping.PRIORITY:
        return None
    triggers = _children(command)
    if not all(spec.reduce_only for spec in triggers):
        return words.TPSL_REDUCE_ONLY
    sides = {spec.is_buy for spec in triggers}
    if command.grouping is Grouping.NORMAL_TPSL:
        sides.add(not command.orders[0].is_buy)
    return words.for_asset(words.REDUCE_ONLY, triggers[0].asset) if len(sides) > 1 else None


def place_group(world: World, command: PlaceOrders, account: Account, block: Block) -> tuple[Status, ...]:
    """Statuses of a group of one market that has no fault."""
    market = world.markets[command.orders[0].asset]
    account.holding(market.listing, market.prices)
    if command.grouping is Grouping.NORMAL_TPSL:
        return _place_with_children(world, command.orders, account, market, block)
    return _place_on_position(world, command.orders, account, market, block)


def replace_tied(
    world: World, spec: OrderSpec, old: Order, account: Account, market: Market, block: Block
) -> tuple[Order, Refused | None]:
    """A new waiting order in the place of `old`, which has just been cancelled: same family, tied to the same."""
    assert old.trigger is not None
    order = world.placing.make(spec, account, block)
    net = account.holdings[market.asset].position.net_sz
    family = old.family
    if family is not None:
        order.family = family
        if old.trigger.phase is Phase.PARENT and family.parent_oid:
            terms = _terms_beside(account.orders[family.parent_oid], world, market)
            return order, world.placing.hang(order, terms, account, market, block)
    if old.trigger.is_position:
        _tie(order, net, world.policy)
    return order, world.placing.hang(order, Terms(Phase.PRICE, market.prices.mark_px, net), account, market, block)


def _children(command: PlaceOrders) -> Sequence[OrderSpec]:
    """The orders that have to be triggers."""
    return command.orders[1:] if command.grouping is Grouping.NORMAL_TPSL else command.orders


def _place_with_children(
    world: World, specs: Sequence[OrderSpec], account: Account, market: Market, block: Block
) -> tuple[Status, ...]:
    """The parent, then its children: waiting for it, or for the mark if it filled at once, or not placed at all."""
    oid = world.placing.next_oid
    statuses = [world.placing.place(specs[0], account, market, block)]
    parent = account.orders[oid]
    has_filled = parent.status == "filled" or (parent.status == "marginCanceled" and parent.filled_sz > 0)
    family = Family(0, [])
    if has_filled:
        net = account.holdings[market.asset].position.net_sz
        terms = Terms(Phase.PRICE, market.prices.mark_px, net)
    elif parent.status == "open":
        family.parent_oid, parent.family = oid, family
        terms = _terms_beside(parent, world, market)
    else:
        return (*statuses, *(Refused(words.for_asset(words.NO_PARENT, market.asset)) for _ in specs[1:]))
    for spec in specs[1:]:
        child = world.placing.make(spec, account, block)
        child.family = family
        refused = world.placing.hang(child, terms, account, market, block)
        statuses.append(refused or Awaiting(child.oid, child.cloid, terms.phase.value))
    return tuple(statuses)


def _terms_beside(parent: Order, world: World, market: Market) -> Terms:
    """How a child waits for a resting parent: placed against what the parent brings, at the price it will trade at."""
    mark = market.prices.mark_px
    if world.policy.child_trigger_reference == "mark":
        reference = mark
    else:
        reference = min(mark, parent.px) if parent.is_buy else max(mark, parent.px)
    return Terms(Phase.PARENT, reference, parent.orig_sz if parent.is_buy else -parent.orig_sz)


def _place_on_position(
    world: World, specs: Sequence[OrderSpec], account: Account, market: Market, block: Block
) -> tuple[Status, ...]:
    """Take-profit and stop of the position as it is; one that covers it all follows its size."""
    family = Family(0, [])
    statuses: list[Status] = []
    for spec in specs:
        order = world.placing.make(spec, account, block)
        order.family = family
        net = account.holdings[market.asset].position.net_sz
        _tie(order, net, world.policy)
        terms = Terms(Phase.PRICE, market.prices.mark_px, net)
        refused = world.placing.hang(order, terms, account, market, block)
        statuses.append(refused or Awaiting(order.oid, order.cloid, terms.phase.value))
    return tuple(statuses)


def _tie(order: Order, net_sz: int, policy: VenuePolicy) -> None:
    """Make the order end with the position, and follow its size if it covers all of it."""
    assert order.trigger is not None
    order.trigger.is_position = True
    if order.sz == 0 or (policy.whole_position_size == "all" and order.sz >= abs(net_sz)):
        order.trigger.is_whole = True
        order.sz = order.orig_sz = Sz(0)
