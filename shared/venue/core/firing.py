"""The moment when the mark reaches a waiting order: it becomes an ordinary one, under the same id."""

from __future__ import annotations

from shared.units import Sz
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.trigger import Phase
from shared.venue.core.world import World


def fire(world: World, block: Block) -> None:
    """Everything that the marks of this block have reached, in the order in which the marks passed it."""
    reached, block.reached = block.reached, None
    for asset in reached or ():
        market = world.markets[asset]
        while market.is_open and (order := market.waiting.take(market.prices.mark_px)) is not None:
            _fire_one(world, order, world.accounts.by_user[order.user], market, block)


def _fire_one(world: World, order: Order, account: Account, market: Market, block: Block) -> None:
    """The order triggered, then whatever becomes of it on the book."""
    trigger = order.trigger
    assert trigger is not None
    trigger.phase = Phase.FIRED
    trigger.hides_condition = world.policy.fired_condition == "triggered"
    world.matching.unlist(order, account)
    if trigger.is_whole:
        order.sz = order.orig_sz = Sz(abs(account.holdings[order.asset].position.net_sz))
    world.matching.tell(order, "triggered", account, block)
    world.placing.enter(order, account, market, block)
