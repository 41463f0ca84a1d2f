"""What the exchange shows of tokens and spot markets: frozen copies, amounts in wei."""

from __future__ import annotations

import msgspec

from shared.units import Px
from shared.venue.core.accounts import Account
from shared.venue.core.balances import Balance
from shared.venue.core.dealings import Mode
from shared.venue.core.market import Market
from shared.venue.core.pooling import spendable_wei
from shared.venue.core.tokens import USD_WEI, USDC_INDEX, Token
from shared.venue.core.views import mid_text
from shared.venue.core.world import World


class BalanceView(msgspec.Struct, frozen=True):
    """One user's amount of one token; `entry_e8` is what it cost, x 10^-8 of the quote."""

    token: Token
    total_wei: int
    hold_wei: int
    entry_e8: int


class SpotView(msgspec.Struct, frozen=True):
    """One pair's context. `mid_text` falls back to the last trade, then None; supplies are wei of the base token."""

    asset: int
    mark_px: Px
    mid_text: str | None
    circulating_wei: int


def balances(world: World, user: str) -> tuple[BalanceView, ...]:
    """The user's balances in order of token index; a token never held has none, one that was keeps its zeros."""
    account = world.accounts.get(user)
    if account is None:
        return ()
    rows = {
        index: BalanceView(world.tokens[index], one.total_wei, one.hold_wei, one.entry_e8)
        for index, one in sorted(account.spot.items())
    }
    if account.identity.mode is Mode.UNIFIED:
        rows = {USDC_INDEX: _unified(world, account)} | {index: row for index, row in rows.items() if index}
    return tuple(rows.values())


def _unified(world: World, account: Account) -> BalanceView:
    """All USDC of a unified account, whichever positions and orders need it; what none needs is not on hold."""
    house = account.house()
    pockets = [holding for holding in house.isolated.values() if holding.position.net_sz]
    usd = house.collateral_usd + sum(holding.pocket_usd for holding in pockets)
    if world.policy.unified_total == "with_unrealised":
        usd = house.value_usd() + sum(holding.equity_usd() for holding in pockets)
    spot = account.spot.get(USDC_INDEX) or Balance()
    total = spot.total_wei + usd * USD_WEI
    hold = max(total - spendable_wei(account, USDC_INDEX), 0)
    return BalanceView(world.tokens[USDC_INDEX], total, hold, spot.entry_e8)


def issued_wei(world: World, token: int) -> int:
    """How much of the token is in this exchange, fees included."""
    return world.accounts.treasury.issued_wei.get(token, 0)


def spot_view(world: World, market: Market) -> SpotView:
    """The pair's prices now."""
    pair = market.listing.spot
    assert pair is not None
    return SpotView(market.asset, market.prices.mark_px, mid_text(market), issued_wei(world, pair.base.index))
