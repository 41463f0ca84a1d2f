"""What the exchange shows of tokens and spot markets: frozen copies, amounts in wei."""

from __future__ import annotations

import msgspec

from shared.units import Px
from shared.venue.core.market import Market
from shared.venue.core.tokens import Token
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
    return tuple(
        BalanceView(world.tokens[index], one.total_wei, one.hold_wei, one.entry_e8)
        for index, one in sorted(account.spot.items())
    )


def issued_wei(world: World, token: int) -> int:
    """How much of the token is in this exchange, fees included."""
    return world.accounts.treasury.issued_wei.get(token, 0)


def spot_view(world: World, market: Market) -> SpotView:
    """The pair's prices now."""
    pair = market.listing.spot
    assert pair is not None
    return SpotView(market.asset, market.prices.mark_px, mid_text(market), issued_wei(world, pair.base.index))
