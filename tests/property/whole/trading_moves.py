"""What users may do with orders and margin, each drawn from a chance that a law's search or a seed provides."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from shared.units import USD, Px, Sz
from shared.venue.core.commands import (
    BuilderTerms,
    CancelOrder,
    CancelOrders,
    Command,
    Grouping,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PlaceOrders,
    ResizeOrders,
    Tif,
    TopUpIsolatedMargin,
    TriggerSpec,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.exchange import Exchange
from tests.property.whole.ground import MID_PX, PAIRS, PERPS, TICK, USERS, spot_tick

_TIFS: Final = (Tif.GTC, Tif.GTC, Tif.GTC, Tif.ALO, Tif.IOC, Tif.FRONTEND_MARKET)
_MOST_ORDERS: Final = 3


def who(exchange: Exchange, chance: Random) -> str:
    """A user, now and then a sub-account or the vault."""
    users = exchange.users() if chance.randint(0, 9) == 0 else USERS
    return users[chance.randint(0, len(users) - 1)]


def near(exchange: Exchange, asset: int) -> int:
    """The price around which orders of an asset come, on a coarse tick."""
    if asset in PAIRS:
        return 1_000 * spot_tick(asset)
    return max((exchange.oracle(asset) or exchange.mark(asset) or MID_PX) // TICK, 10) * TICK


def step_of(asset: int) -> int:
    """A price step of the asset that is always on the tick."""
    return spot_tick(asset) if asset in PAIRS else TICK


def any_asset(chance: Random) -> int:
    """A perp mostly, else a pair."""
    return chance.choice((*PERPS, *PERPS, *PAIRS))


def size(asset: int, chance: Random) -> Sz:
    """Lots, mostly small."""
    lots = chance.choice((chance.randint(8, 60), chance.randint(50, 800), chance.randint(500, 9_000)))
    return Sz(max(lots * 10 ** PAIRS[asset].base.sz_decimals // 50, 1) if asset in PAIRS else lots)


def a_spec(exchange: Exchange, chance: Random, user: str) -> OrderSpec:
    """An order near the market of any asset; a few are wrong on purpose."""
    asset = any_asset(chance)
    px = max(near(exchange, asset) + chance.randint(-8, 8) * step_of(asset), step_of(asset))
    if chance.randint(0, 40) == 0:
        px = chance.choice((0, 7, 10 * px, px + 1))
    sz = Sz(chance.choice((0, -1, 1))) if chance.randint(0, 40) == 0 else size(asset, chance)
    is_reducing = asset not in PAIRS and chance.randint(0, 3) == 0
    builder = BuilderTerms(USERS[0], 10) if user != USERS[0] and chance.randint(0, 9) == 0 else None
    cloid = chance.choice((None, None, "0x1", "0x2"))
    return OrderSpec(asset, chance.random() < 0.5, Px(px), sz, is_reducing, chance.choice(_TIFS), cloid, builder)


def place(exchange: Exchange, chance: Random) -> list[Command]:
    """A batch of any orders."""
    user = who(exchange, chance)
    specs = tuple(a_spec(exchange, chance, user) for _ in range(chance.randint(1, _MOST_ORDERS)))
    grouping = Grouping.PRIORITY if chance.randint(0, 15) == 0 else Grouping.NA
    return [PlaceOrders(user, specs, grouping)]


def quote(exchange: Exchange, chance: Random) -> list[Command]:
    """A post-only order on either side."""
    asset, far = any_asset(chance), chance.randint(1, 6)
    mid, step, sz = near(exchange, asset), step_of(asset), size(asset, chance)
    pxs = ((True, Px(max(mid - far * step, step))), (False, Px(mid + far * step)))
    specs = tuple(OrderSpec(asset, is_buy, px, sz, False, Tif.ALO) for is_buy, px in pxs)
    return [PlaceOrders(who(exchange, chance), specs)]


def trade(exchange: Exchange, chance: Random) -> list[Command]:
    """Two users trade with each other at one price, if nobody comes between."""
    asset, is_buy = any_asset(chance), chance.random() < 0.5
    sz, px = size(asset, chance), Px(near(exchange, asset))
    first, second = chance.sample(USERS, 2)
    maker = OrderSpec(asset, is_buy, px, sz, False, Tif.GTC)
    taker = OrderSpec(asset, not is_buy, px, sz, False, Tif.IOC)
    return [PlaceOrders(first, (maker,)), PlaceOrders(second, (taker,))]


def close(exchange: Exchange, chance: Random) -> list[Command]:
    """A reduce-only order against a position, of any size, resting or not."""
    user = who(exchange, chance)
    positions = [one for dex in (0, 1) for one in exchange.account(user, dex).positions]
    if not positions:
        return []
    position = chance.choice(positions)
    is_buy, far = position.net_sz < 0, chance.randint(-3, 6)
    px = max(near(exchange, position.asset) + (-far if is_buy else far) * TICK, TICK)
    sz = Sz(max(abs(position.net_sz) * chance.randint(10, 200) // 100, 1))
    return [PlaceOrders(user, (OrderSpec(position.asset, is_buy, Px(px), sz, True, Tif.GTC),))]


def a_trigger(
    exchange: Exchange, chance: Random, asset: int, is_buy: bool, far: int, sz: Sz, is_tp: bool, reduce: bool = True
) -> OrderSpec:
    """A trigger `far` steps from the market whose limit reaches beyond it, market or limit."""
    px = max(near(exchange, asset) + far * TICK, 20 * TICK)
    limit, is_market = Px(px + (10 if is_buy else -10) * TICK), chance.random() < 0.5
    tif = Tif.IOC if is_market else Tif.GTC
    return OrderSpec(asset, is_buy, limit, sz, reduce, tif, trigger=TriggerSpec(Px(px), is_market, is_tp))


def wait_alone(exchange: Exchange, chance: Random) -> list[Command]:
    """A trigger that belongs to nobody."""
    asset, is_buy, is_tp = chance.choice(PERPS), chance.random() < 0.5, chance.random() < 0.5
    far = chance.randint(1, 8) * (-1 if is_buy == is_tp else 1)
    spec = a_trigger(exchange, chance, asset, is_buy, far, size(asset, chance), is_tp, chance.random() < 0.7)
    return [PlaceOrders(who(exchange, chance), (spec,))]


def bracket(exchange: Exchange, chance: Random) -> list[Command]:
    """A parent with a take-profit and a stop around it."""
    asset, is_buy = chance.choice(PERPS), chance.random() < 0.5
    sz, far, sign = size(asset, chance), chance.randint(1, 6), 1 if is_buy else -1
    px = Px(max(near(exchange, asset) + chance.randint(-3, 3) * TICK, TICK))
    parent = OrderSpec(asset, is_buy, px, sz, False, chance.choice((Tif.GTC, Tif.IOC, Tif.ALO)))
    take = a_trigger(exchange, chance, asset, not is_buy, 4 * sign + sign * far, sz, True)
    stop = a_trigger(exchange, chance, asset, not is_buy, -4 * sign - sign * far, sz, False)
    return [PlaceOrders(who(exchange, chance), (parent, take, stop), Grouping.NORMAL_TPSL)]


def protect(exchange: Exchange, chance: Random) -> list[Command]:
    """A take-profit and a stop for a position, or for a part of it."""
    user = who(exchange, chance)
    positions = [one for dex in (0, 1) for one in exchange.account(user, dex).positions]
    if not positions:
        return []
    position = chance.choice(positions)
    is_long, far = position.net_sz > 0, chance.randint(1, 6)
    sign, sz = 1 if is_long else -1, Sz(abs(position.net_sz) * chance.randint(0, 120) // 100)
    take = a_trigger(exchange, chance, position.asset, not is_long, sign * (far + 1), sz, True)
    stop = a_trigger(exchange, chance, position.asset, not is_long, -sign * (far + 1), sz, False)
    return [PlaceOrders(user, (take, stop), Grouping.POSITION_TPSL)]


def cancel(exchange: Exchange, chance: Random) -> list[Command]:
    """One or two open orders go, or an order that is not there."""
    user = who(exchange, chance)
    mine = exchange.open_orders(user)
    if not mine:
        return [CancelOrders(user, (CancelOrder(0, cloid="0x1"),))]
    picks = [mine[chance.randint(0, len(mine) - 1)] for _ in range(chance.randint(1, 2))]
    return [CancelOrders(user, tuple(CancelOrder(order.asset, order.oid) for order in picks))]


def modify(exchange: Exchange, chance: Random) -> list[Command]:
    """Open orders become others: of their own kind and asset, or anything at all."""
    user = who(exchange, chance)
    mine = exchange.open_orders(user)
    if not mine:
        return []
    modifies = []
    for _ in range(chance.randint(1, 2)):
        old = mine[chance.randint(0, len(mine) - 1)]
        if old.trigger is not None:
            new = a_trigger(
                exchange, chance, old.asset, old.is_buy, chance.randint(-8, 8), size(old.asset, chance),
                old.trigger.is_tp, old.reduce_only,
            )  # fmt: skip
        else:
            px = max(near(exchange, old.asset) + chance.randint(-5, 5) * step_of(old.asset), step_of(old.asset))
            is_buy = old.is_buy if chance.randint(0, 3) else not old.is_buy
            tif = chance.choice(_TIFS)
            new = OrderSpec(old.asset, is_buy, Px(px), size(old.asset, chance), old.reduce_only, tif, old.cloid)
        target = old.cloid if old.cloid is not None and chance.random() < 0.3 else old.oid
        modifies.append(ModifySpec(target, a_spec(exchange, chance, user) if chance.randint(0, 9) == 0 else new))
    return [ModifyOrders(user, tuple(modifies), chance.random() < 0.6)]


def resize(exchange: Exchange, chance: Random) -> list[Command]:
    """A resting order becomes smaller in its place."""
    user = who(exchange, chance)
    mine = [one for one in exchange.open_orders(user) if one.trigger is None or one.trigger.phase == "triggered"]
    if not mine:
        return []
    order = chance.choice(mine)
    return [ResizeOrders(user, ((order.oid, Sz(chance.randint(1, order.sz))),))]


def leverage(exchange: Exchange, chance: Random) -> list[Command]:
    """Somebody changes leverage or its kind."""
    return [UpdateLeverage(who(exchange, chance), any_asset(chance), chance.randint(1, 25), chance.random() < 0.5)]


def margin(exchange: Exchange, chance: Random) -> list[Command]:
    """Somebody moves isolated margin."""
    user, asset = who(exchange, chance), chance.choice(PERPS)
    if chance.random() < 0.5:
        return [UpdateIsolatedMargin(user, asset, chance.randint(-500 * USD, 500 * USD))]
    return [TopUpIsolatedMargin(user, asset, chance.randint(1, 20) * USD)]


TRADING: Final[tuple[Callable[[Exchange, Random], list[Command]], ...]] = (
    place, quote, trade, close, wait_alone, bracket, protect, cancel, modify, resize, leverage, margin,
)  # fmt: skip
"""All of them."""
