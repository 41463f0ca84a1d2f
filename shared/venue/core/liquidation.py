"""Who can no longer hold their positions, and what becomes of these: the book, the vault, or those who won."""

from __future__ import annotations

from shared.rules.fees import RATE_SCALE
from shared.rules.liquidation import COOLDOWN_NS, bankruptcy_px, is_for_backstop, is_liquidatable, liquidation_sz
from shared.units import Px, Rounding, Sz, on_tick, round_ratio
from shared.venue.core import words
from shared.venue.core.accounts import Account
from shared.venue.core.backstop import cover, deleverage, hand_over, tell
from shared.venue.core.block import Block
from shared.venue.core.clearing import Holding
from shared.venue.core.commands import Tif
from shared.venue.core.estate import Estate, estates_of
from shared.venue.core.events import LiquidationMark
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.rulings import Liquidate
from shared.venue.core.world import Answer, World


def sweep(world: World, block: Block) -> None:
    """Look at everybody who was shaken until nobody is; each goes to the book at most once a block.

    It ends because whoever is looked at again has lost positions since, and these only get fewer.
    """
    while block.shaken:
        user = next(iter(block.shaken))
        del block.shaken[user]
        account = world.accounts.by_user[user]
        for dex, house in account.distinct_houses():
            if not house.is_sound():
                _judge(world, Estate(account, dex, house), block)
            for alone in list(house.isolated.values()):
                _judge(world, Estate(account, dex, house, alone), block)


def _judge(world: World, estate: Estate, block: Block) -> None:
    """Nothing if the margin holds; else one stage after the other until it does or nothing is left.

    A debt without positions, which a settlement may leave, is the vault's to bear.
    """
    if not is_liquidatable(estate.equity_usd(), estate.maintenance_usd()):
        return
    if not estate.held():
        cover(world, estate)
        return
    user = estate.account.user
    if user == world.policy.liquidator:
        if estate.equity_usd() < 0:
            deleverage(world, estate, block)
        return
    _cancel_orders(world, estate, block)
    key = user, estate.dex, -1 if estate.alone is None else estate.alone.listing.instrument.asset
    if key not in block.sent and not _is_lost(estate):
        block.sent[key] = None
        _to_book(world, estate, block)
    if not estate.held():
        cover(world, estate)
    elif _is_lost(estate) and (estate.equity_usd() < 0 or not hand_over(world, estate, block)):
        deleverage(world, estate, block)


def _is_short(estate: Estate) -> bool:
    """Does the margin no longer hold the positions?"""
    return is_liquidatable(estate.equity_usd(), estate.maintenance_usd()) and bool(estate.held())


def _is_lost(estate: Estate) -> bool:
    """Is the book no longer the place for it?"""
    return is_for_backstop(estate.equity_usd(), estate.maintenance_usd()) and bool(estate.held())


def _to_book(world: World, estate: Estate, block: Block, *, is_forced: bool = False) -> None:
    """Send liquidation orders, one position after the other, until the margin holds what is left, or all if forced."""
    before, equity, marks = estate.nets(), estate.equity_usd(), _marks(estate)
    is_partial = False
    for holding in _in_order(world, estate):
        if not is_forced and not _is_short(estate):
            break
        filled = _send(world, estate, holding, block)
        is_partial |= bool(filled and holding.position.net_sz)
    if is_partial:
        estate.account.partial_ns = block.now_ns
    tell(world, estate, "market", before, marks, equity, 0, block)


def liquidate(world: World, command: Liquidate, block: Block) -> Answer:
    """Every estate of the user through the stage asked for; the venue's word for a stranger."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    for estate in [one for one in estates_of(account) if one.held()]:
        _cancel_orders(world, estate, block)
        if command.method == "market":
            _to_book(world, estate, block, is_forced=True)
        elif command.method == "adl" or not hand_over(world, estate, block):
            deleverage(world, estate, block)
    return ()


def _cancel_orders(world: World, estate: Estate, block: Block) -> None:
    """None of the orders that rest on this margin is left."""
    for order in list(estate.account.open_orders.values()):
        if estate.owns(order.asset) and order.oid in estate.account.open_orders:
            world.matching.cancel(order, "liquidatedCanceled", estate.account, world.markets[order.asset], block)


def _marks(estate: Estate) -> dict[int, int]:
    return {holding.listing.instrument.asset: holding.prices.mark_px for holding in estate.held()}


def _in_order(world: World, estate: Estate) -> list[Holding]:
    """Positions in the order in which they go."""
    held = estate.held()
    match world.policy.liquidation_first:
        case "largest":
            return sorted(held, key=lambda holding: -holding.notional_usd())
        case "worst":
            return sorted(held, key=lambda holding: holding.unrealised_usd())
        case "listed":
            return sorted(held, key=lambda holding: holding.listing.instrument.asset)


def _send(world: World, estate: Estate, holding: Holding, block: Block) -> int:
    """Lots that one liquidation order closed; it is not even sent when nobody would take it."""
    account, net = estate.account, holding.position.net_sz
    market = world.markets[holding.listing.instrument.asset]
    is_buy, px = net < 0, _limit_px(world, estate, holding, market)
    if not market.book.crosses(is_buy, px):
        return 0
    sz = liquidation_sz(
        abs(net), holding.notional_usd(), world.policy.liquidation_partial_above_usd, _is_cooling(account, block)
    )
    order = Order(
        account.user, market.asset, is_buy, px, Sz(sz), Sz(sz), world.placing.next_oid, None, True,
        Tif.LIQUIDATION_MARKET, block.now_ms, status_ms=block.now_ms,
    )  # fmt: skip
    world.placing.next_oid += 1
    account.remember(order)
    block.liquidation = LiquidationMark(account.user, market.prices.mark_px, "market", estate.is_cross)
    matched = world.matching.match(order, account, market, block)
    block.liquidation = None
    world.matching.end(order, "canceled" if order.sz else "filled", account, block)
    return matched.sz


def _is_cooling(account: Account, block: Block) -> bool:
    """Was a position of the user liquidated in part less than 30 s ago, in an earlier block?"""
    return account.partial_ns is not None and account.partial_ns < block.now_ns < account.partial_ns + COOLDOWN_NS


def _limit_px(world: World, estate: Estate, holding: Holding, market: Market) -> Px:
    """Worst price of a liquidation order: where nothing of the equity would be left, or anywhere."""
    net, decimals = holding.position.net_sz, market.instrument.sz_decimals
    if world.policy.liquidation_px == "anywhere":
        px = 1 if net > 0 else 10 * market.prices.mark_px
        return on_tick(px, decimals, Rounding.UP)
    fees = holding.listing.fees
    rates = estate.account.rates if fees is None else estate.account.rates_on(fees)
    fee_e9 = max(min(rates.taker_e9, RATE_SCALE // 2), 0)
    exact = bankruptcy_px(net, market.prices.mark_px, estate.equity_usd(), fee_e9)
    rounding = Rounding.UP if net > 0 else Rounding.DOWN
    px = max(round_ratio(exact.numerator, exact.denominator, rounding), 1)
    return Px(max(on_tick(px, decimals, rounding), 1))
