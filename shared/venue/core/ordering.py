"""The commands about orders: place, cancel, modify."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.rules.limits import MAX_BATCH
from shared.venue.core import families, words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Grouping,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PlaceOrders,
    Tif,
)
from shared.venue.core.fee_commands import builder_fault
from shared.venue.core.grouping import group_error, group_fault, place_group, replace_tied
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.outcomes import Cancelled, Refused, Resting, Status
from shared.venue.core.placing import action_fault, batch_fault
from shared.venue.core.trigger import Phase
from shared.venue.core.world import Answer, World

_ALONE: Final = Grouping.NA
"""Bound once, because finding a member in its enum takes longer than the comparison."""


def place(world: World, command: PlaceOrders, block: Block) -> Answer:
    """Each order at its turn; a fault of the payload refuses the batch before anything happens."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    specs = command.orders
    if not specs:
        return (Refused(words.ORDERS_EMPTY),)
    error = action_fault(world.markets, specs, len(specs))
    if error is not None:
        return error
    grouping = command.grouping
    if grouping is not _ALONE:
        error = group_error(world, command)
        if error is not None:
            return error
        fault = group_fault(world, command)
    else:
        fault = batch_fault(world.markets, specs)
    if fault is None and world.post_only and any(spec.tif is not Tif.ALO for spec in specs):
        fault = words.POST_ONLY
    if fault is not None:
        return (Refused(fault),)
    if specs[0].builder is not None:
        is_spot = all(world.markets[spec.asset].is_spot for spec in specs)
        fault = builder_fault(world, account, specs[0].builder, is_spot)
        if fault is not None:
            return (Refused(fault),) if world.policy.builder_refusal == "status" else fault
    if grouping is not _ALONE and grouping is not Grouping.PRIORITY:
        return place_group(world, command, account, block)
    statuses = []
    for spec in specs:
        market = world.markets[spec.asset]
        if not market.is_spot:
            account.holding(market.listing, market.prices)
        statuses.append(world.placing.place(spec, account, market, block))
    return tuple(statuses)


def cancel(world: World, command: CancelOrders, block: Block) -> Answer:
    """Each cancel at its turn."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    if len(command.cancels) > MAX_BATCH:
        return words.OVER_WEIGHT
    return tuple(_cancel_one(world, one, account, block) for one in command.cancels)


def _cancel_one(world: World, asked: CancelOrder, account: Account, block: Block) -> Status:
    """The order gone from the book, or the venue's word that there is none."""
    target = asked.oid if asked.oid is not None else asked.cloid
    order = _open_order(account, target, asked.asset)
    if order is None:
        return Refused(words.for_asset(words.MISSING, asked.asset))
    world.matching.cancel(order, "canceled", account, world.markets[order.asset], block)
    return Cancelled()


def modify(world: World, command: ModifyOrders, block: Block) -> Answer:
    """Each modify at its turn; a fault of the payload refuses the batch before anything happens."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    specs = [modify.order for modify in command.modifies]
    if not specs:
        return (Refused(words.ORDERS_EMPTY),)
    error = action_fault(world.markets, specs, len(specs))
    if error is not None:
        return error
    is_strict = not command.always_place and world.policy.modify_without_a == "alo_only"
    fault = batch_fault(world.markets, specs)
    if fault is None and world.post_only and any(spec.tif is not Tif.ALO for spec in specs):
        fault = words.POST_ONLY
    if fault is None and is_strict and not all(_may_replace(spec) for spec in specs):
        fault = words.MODIFY_TIF
    if fault is not None:
        return (Refused(fault),)
    return tuple(_modify_one(world, one, command.always_place, account, block) for one in command.modifies)


def _may_replace(spec: OrderSpec) -> bool:
    """May this order replace another without being forced to?"""
    return spec.trigger is None and spec.tif in (Tif.ALO, Tif.GTC)


def _modify_one(world: World, asked: ModifySpec, always_place: bool, account: Account, block: Block) -> Status:
    """Status of the replacement. Its events come before the cancel's, as seen live."""
    spec = asked.order
    old = _open_order(account, asked.target, spec.asset)
    if old is None and not always_place:
        return Refused(words.MODIFY_MISSING)
    market = world.markets[spec.asset]
    if not market.is_spot:
        account.holding(market.listing, market.prices)
    start, oid = len(block.events), world.placing.next_oid
    family = None
    if old is not None:
        family = families.orphaned(old, spec.is_buy, world.policy)
        world.matching.cancel(old, "canceled", account, market, block)
    cancelled = block.events[start:]
    del block.events[start:]
    if not always_place and world.policy.modify_without_a == "alo_only":
        spec = msgspec.structs.replace(spec, tif=Tif.ALO)
    status = _place_for(world, spec, old, account, market, block)
    block.events += cancelled
    if family is not None:
        families.adopt(account.orders[oid], family, account, world.matching, block)
    if old is not None and isinstance(status, Refused):
        return Refused(words.modify_failed(status.error))
    return status


def _place_for(
    world: World, spec: OrderSpec, old: Order | None, account: Account, market: Market, block: Block
) -> Status:
    """Status of the replacement; a waiting order is replaced within its family."""
    if spec.trigger is not None and old is not None and old.trigger is not None:
        is_alike = (spec.is_buy, spec.reduce_only) == (old.is_buy, old.reduce_only)
        if is_alike and old.trigger.phase is not Phase.FIRED:
            order, refused = replace_tied(world, spec, old, account, market, block)
            return refused or Resting(order.oid, order.cloid)
    return world.placing.place(spec, account, market, block)


def _open_order(account: Account, target: int | str | None, asset: int) -> Order | None:
    """The user's resting or waiting order of this asset under a venue or client id."""
    if isinstance(target, str):
        named = account.by_cloid.get(target)
        order = None if named is None else account.open_orders.get(named.oid)
    else:
        order = None if target is None else account.open_orders.get(target)
    return order if order is not None and order.asset == asset else None
