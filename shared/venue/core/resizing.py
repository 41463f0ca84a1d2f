"""The hand of a recording: resting orders take a new size in place, which no client can ask for."""

from __future__ import annotations

from shared.errors import UnitError
from shared.venue.core.block import Block
from shared.venue.core.commands import ResizeOrders
from shared.venue.core.trigger import Phase
from shared.venue.core.world import Answer, World


def resize(world: World, command: ResizeOrders, block: Block) -> Answer:
    """The orders are as large as asked; UnitError for one that does not rest or a size that is not positive."""
    account = world.accounts.get(command.user)
    for oid, sz in command.sizes:
        order = None if account is None else account.open_orders.get(oid)
        is_waiting = order is not None and order.trigger is not None and order.trigger.phase is not Phase.FIRED
        if account is None or order is None or is_waiting or sz <= 0:
            raise UnitError(f"expected a resting order and a positive size, got oid {oid} and {sz} lots")
        if sz != order.sz:
            world.matching.resize(order, sz, account, world.markets[order.asset], block)
    return ()
