"""What the exchange shows to those who ask: frozen copies, money in micro-USDC."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.rules.margin import liquidation_px
from shared.units import Px, Rounding, Usd, round_ratio, str_from_scaled, truncate_ratio
from shared.venue.core.accounts import Account
from shared.venue.core.clearing import Clearinghouse, Holding
from shared.venue.core.events import OrderView
from shared.venue.core.market import Market
from shared.venue.core.order import Order

_RATIO_DECIMALS: Final = 8


class OrderRecord(msgspec.Struct, frozen=True):
    """An order with its latest status."""

    order: OrderView
    status: str
    status_ms: int


class PositionView(msgspec.Struct, frozen=True):
    """One position. `funding_*` > 0 was received; `return_on_equity_text` is unrealised / margin at entry.

    `raw_usd` is an isolated position's own cash leg.
    """

    asset: int
    net_sz: int
    cost_usd: int
    entry_px_text: str
    leverage: int
    max_leverage: int
    value_usd: Usd
    unrealised_usd: Usd
    margin_used_usd: Usd
    maintenance_usd: Usd
    return_on_equity_text: str
    liquidation_px_text: str | None
    funding_all_usd: int
    funding_since_open_usd: int
    funding_since_change_usd: int
    is_cross: bool = True
    raw_usd: int = 0


class AccountView(msgspec.Struct, frozen=True):
    """One user's standing. What is named cross, and what may still be used or leave, counts no isolated position.

    `margin_used_usd` is initial margin of cross positions with the own margin of isolated ones; `maintenance_usd` is
    of cross positions; `reserved_usd` is cross margin in use, resting orders included.
    """

    user: str
    collateral_usd: int = 0
    raw_usd: int = 0
    value_usd: int = 0
    notional_usd: int = 0
    margin_used_usd: int = 0
    maintenance_usd: int = 0
    reserved_usd: int = 0
    available_usd: int = 0
    withdrawable_usd: int = 0
    fees_usd: int = 0
    funding_usd: int = 0
    volume_usd: int = 0
    positions: tuple[PositionView, ...] = ()
    cross_raw_usd: int = 0
    cross_value_usd: int = 0
    cross_notional_usd: int = 0
    cross_margin_used_usd: int = 0


class TradeView(msgspec.Struct, frozen=True):
    """What a user could still trade of one asset; pairs are (buying, selling). `raw_usd` as in PositionView."""

    is_cross: bool
    leverage: int
    raw_usd: int
    available_usd: tuple[int, int]
    max_szs: tuple[int, int]


class HouseView(msgspec.Struct, frozen=True):
    """All deposits so far, fees kept, and what truncated funding left over (negative: what it cost).

    `rewards_usd` belongs to users who did not claim it yet, `gas_usd` was taken of withdrawals and activations,
    `withdrawn_usd` left the exchange, and `spot_usd` is what went over to spot balances (less what came back).
    """

    deposits_usd: int
    fees_usd: int
    funding_usd: int
    rewards_usd: int = 0
    gas_usd: int = 0
    withdrawn_usd: int = 0
    spot_usd: int = 0


class AssetView(msgspec.Struct, frozen=True):
    """One asset's context. `mid_text` falls back to the last trade, then None; rates and premium are x 10^10."""

    asset: int
    mark_px: Px
    oracle_px: Px
    mid_text: str | None
    last_px: Px | None
    open_interest_sz: int
    premium_e10: int | None
    rate_e10: int
    impact_pxs: tuple[Px, Px] | None


def order_view(order: Order, account: Account) -> OrderView:
    """The order as others may see it now, with the children that wait for it."""
    view, family = order.view(), order.family
    if family is None or family.parent_oid != order.oid:
        return view
    children = tuple(account.orders[oid].view() for oid in family.child_oids)
    return msgspec.structs.replace(view, children=children)


def record_of(order: Order, account: Account) -> OrderRecord:
    """The order and what became of it."""
    return OrderRecord(order_view(order, account), order.status, order.status_ms)


def asset_view(market: Market) -> AssetView:
    """The asset's prices and funding now."""
    return AssetView(
        market.asset,
        market.prices.mark_px,
        market.prices.oracle_px,
        mid_text(market),
        market.last_px,
        market.open_interest_sz,
        market.premium_e10(),
        market.running_rate_e10(),
        market.impact_pxs(),
    )


def mid_text(market: Market) -> str | None:
    """Exact mid in plain notation; the last trade's price if a side is empty; None if there never was one."""
    bid, ask = market.book.bids.best_px(), market.book.asks.best_px()
    decimals = market.instrument.px_decimals
    if bid is not None and ask is not None:
        return str_from_scaled((bid + ask) * 5, decimals + 1)
    return None if market.last_px is None else str_from_scaled(market.last_px, decimals)


def account_view(account: Account, dex: int = 0) -> AccountView:
    """The account on one dex, valued at the marks; fees, funding and volume are the user's on all."""
    house = account.houses.get(dex) or Clearinghouse()
    return _view(account, house, house.value_usd(), house.maintenance_usd())


def held_view(account: Account, dex: int) -> AccountView:
    """As `account_view`, where dexs share one margin: a dex shows what its own positions hold of it and nothing free.

    Source: several clients report so of unified accounts; the money itself is told with spot.
    """
    shared, shown = account.houses.get(dex) or Clearinghouse(), Clearinghouse()
    for holding in account.holdings.values():
        if holding.listing.dex == dex and holding.position.net_sz:
            shown.add(holding)
    shown.collateral_usd = shown.used_usd() - sum(one.unrealised_usd() for one in shown.holdings.values())
    view = _view(account, shown, shared.value_usd(), shared.maintenance_usd())
    return msgspec.structs.replace(view, available_usd=0, withdrawable_usd=0)


def _view(account: Account, house: Clearinghouse, answering_usd: int, all_maintenance_usd: int) -> AccountView:
    """What stands in the house; `answering_usd` is the value that answers for its cross positions."""
    isolated = [holding for holding in house.isolated.values() if holding.position.net_sz]
    own = sum(holding.equity_usd() for holding in isolated)
    raw, value, notional, used = house.raw_usd(), house.value_usd(), house.notional_usd(), house.used_usd()
    reserved = house.reserved_usd()
    inside = house.holdings.keys() | house.isolated.keys()
    held = [one for asset, one in account.holdings.items() if asset in inside and one.position.net_sz]
    return AccountView(
        account.user,
        house.collateral_usd + sum(holding.pocket_usd for holding in isolated),
        raw + sum(holding.own_raw_usd() for holding in isolated),
        value + own,
        notional + sum(holding.notional_usd() for holding in isolated),
        used + own,
        house.maintenance_usd(),
        reserved,
        max(value - reserved, 0),
        house.withdrawable_usd(),
        account.fees_usd,
        account.funding_usd,
        account.volume_usd,
        tuple(_position_view(holding, answering_usd, all_maintenance_usd) for holding in held),
        raw,
        value,
        notional,
        used,
    )


def trade_view(account: Account | None, market: Market) -> TradeView:
    """What may still be traded: what is free, and on the side that lessens the worst case also what that frees."""
    listing, mark = market.listing, market.prices.mark_px
    house = (account and account.houses.get(listing.dex)) or Clearinghouse()
    holding = (account and account.holdings.get(market.asset)) or Holding(listing, market.prices, house)
    free = max(house.value_usd() - house.reserved_usd(), 0)
    net, worst = holding.position.net_sz, holding.worst_sz()
    rooms = worst - net - holding.open_buy_sz, worst + net - holding.open_sell_sz
    buying, selling = (free + room * mark // holding.leverage for room in rooms)
    raw = 0 if holding.is_cross else holding.own_raw_usd()
    szs = [usd * holding.leverage // mark if mark else 0 for usd in (buying, selling)]
    return TradeView(holding.is_cross, holding.leverage, raw, (buying, selling), (szs[0], szs[1]))


def _position_view(holding: Holding, account_value_usd: int, maintenance_usd: int) -> PositionView:
    """One position; cross is liquidated where the account's value meets all its maintenance, isolated by itself."""
    position, instrument, mark = holding.position, holding.listing.instrument, holding.prices.mark_px
    unrealised = position.unrealised_usd(mark)
    own = holding.maintenance_usd()
    equity, others = account_value_usd, maintenance_usd - own
    if not holding.is_cross:
        equity, others = holding.equity_usd(), 0
    liquidation = liquidation_px(holding.listing.tiers, position.net_sz, mark, equity, others)
    px_decimals = instrument.px_decimals
    return PositionView(
        instrument.asset,
        position.net_sz,
        position.cost_usd,
        str_from_scaled(round_ratio(abs(position.cost_usd), abs(position.net_sz), Rounding.NEAREST), px_decimals),
        holding.leverage,
        instrument.max_leverage,
        holding.notional_usd(),
        unrealised,
        holding.used_usd() if holding.is_cross else Usd(equity),
        own,
        _ratio_text(unrealised * holding.leverage, abs(position.cost_usd)),
        None if liquidation is None else _ratio_text(liquidation.numerator, liquidation.denominator * 10**px_decimals),
        holding.funding_all_usd,
        holding.funding_since_open_usd,
        holding.funding_since_change_usd,
        holding.is_cross,
        0 if holding.is_cross else holding.own_raw_usd(),
    )


def _ratio_text(numerator: int, denominator: int) -> str:
    """The quotient truncated to eight decimals, in plain notation; "0" over zero."""
    if not denominator:
        return "0"
    return str_from_scaled(truncate_ratio(numerator * 10**_RATIO_DECIMALS, denominator), _RATIO_DECIMALS)
