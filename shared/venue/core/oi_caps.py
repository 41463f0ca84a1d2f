"""Open-interest caps: how much more may be opened, which orders that refuses, and which resting ones it cancels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from shared.units import Usd
from shared.venue.core import words
from shared.venue.core.block import Block
from shared.venue.core.clearing import Holding
from shared.venue.core.commands import Tif
from shared.venue.core.order import Order

if TYPE_CHECKING:
    from shared.venue.core.market import Market
    from shared.venue.core.world import World

_TAKERS: Final = (Tif.IOC, Tif.FRONTEND_MARKET)


class OpenInterestCap:
    """Caps of one asset: its own notional, its own lots, and the notional of its whole dex. None: no such cap."""

    __slots__ = ("dex_usd", "siblings", "sz", "usd")

    def __init__(self, usd: Usd | None, sz: int | None, dex_usd: Usd | None, siblings: Sequence[Market]) -> None:
        self.usd = usd
        self.sz = sz
        self.dex_usd = dex_usd
        self.siblings = siblings

    def room_sz(self, market: Market) -> int:
        """Lots by which open interest may grow at the mark; negative when the mark has carried it past the cap.

        Open interest is one side's, as the venue shows it.
        """
        mark, held = max(market.prices.mark_px, 1), market.open_interest_sz
        rooms = []
        if self.sz is not None:
            rooms.append(self.sz - held)
        if self.usd is not None:
            rooms.append(self.usd // mark - held)
        if self.dex_usd is not None:
            total = sum(one.open_interest_sz * one.prices.mark_px for one in self.siblings)
            rooms.append((self.dex_usd - total) // mark)
        return min(rooms)


def cap_markets(world: World) -> None:
    """Every market with the caps that its listing and its dex give it; what is capped is in `world.capped`."""
    world.capped = []
    for market in world.markets.values():
        listing = market.listing
        dex = world.dexs[listing.dex - 1] if listing.dex else None
        sz = None if dex is None else dex.oi_cap_per_perp * 10**listing.instrument.sz_decimals
        dex_usd = None if dex is None else dex.total_oi_cap_usd
        if listing.oi_cap_usd is None and sz is None and dex_usd is None:
            market.oi_cap = None
            continue
        siblings = [one for one in world.markets.values() if one.listing.dex == listing.dex]
        market.oi_cap = OpenInterestCap(listing.oi_cap_usd, sz, dex_usd, siblings)
        world.capped.append(market)


def opened_sz(order: Order, net_sz: int) -> int:
    """Lots of the order that would add to the position of `net_sz` lots, on either side of zero."""
    if order.reduce_only:
        return 0
    same_side = net_sz >= 0 if order.is_buy else net_sz <= 0
    return order.sz if same_side else max(order.sz - abs(net_sz), 0)


def refusal(order: Order, holding: Holding, market: Market) -> tuple[str, str] | None:
    """(text, status) of why a cap forbids the order, or None.

    At the cap nobody may open against the book, nor rest an opening order that is more aggressive than the oracle.
    Below it no single order may leap over it, which the venue calls growing too quickly: the words are the venue's, the
    measure is ours. So entering orders never carry open interest past the cap; the mark may.
    """
    net = holding.position.net_sz
    opened = opened_sz(order, net)
    if not opened or market.oi_cap is None:
        return None
    room = market.oi_cap.room_sz(market)
    meets_book = order.tif in _TAKERS or (order.tif is not Tif.ALO and market.book.crosses(order.is_buy, order.px))
    if room > 0:
        return (words.OI_TOO_QUICK, "openInterestIncreaseRejected") if meets_book and opened > room else None
    if meets_book:
        change = "Flip" if net and opened < order.sz else "Increase"
        return words.OI_CAPPED, f"position{change}AtOpenInterestCapRejected"
    if is_aggressive(order, market.prices.oracle_px):
        return words.OI_AGGRESSIVE, "tooAggressiveAtOpenInterestCapRejected"
    return None


def is_aggressive(order: Order, oracle_px: int) -> bool:
    """Would the order trade at a price worse for itself than the oracle?"""
    return order.px > oracle_px if order.is_buy else order.px < oracle_px


def sweep(world: World, block: Block) -> None:
    """Cancel what a reached cap does not let rest: opening orders beyond the oracle, or all that open, by policy."""
    if world.policy.oi_cap_cancels == "none":
        return
    for market in world.capped:
        cap = market.oi_cap
        if cap is not None and cap.room_sz(market) <= 0:
            for order in _doomed(world, market):
                account = world.accounts.by_user[order.user]
                world.matching.cancel(order, "openInterestCapCanceled", account, market, block)


def _doomed(world: World, market: Market) -> list[Order]:
    """Resting orders that a reached cap cancels, bids first, best first."""
    only_aggressive = world.policy.oi_cap_cancels == "too_aggressive"
    doomed = []
    for side in (market.book.bids, market.book.asks):
        for order in side.orders():
            if only_aggressive and not is_aggressive(order, market.prices.oracle_px):
                break
            holding = world.accounts.by_user[order.user].holdings[order.asset]
            if opened_sz(order, holding.position.net_sz):
                doomed.append(order)
    return doomed
