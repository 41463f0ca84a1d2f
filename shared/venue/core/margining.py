"""The commands about margin: leverage and its kind, and the money that an isolated position keeps."""

from __future__ import annotations

from shared.rules.margin import transfer_floor_usd
from shared.units import USD
from shared.venue.core import words
from shared.venue.core.block import Block
from shared.venue.core.clearing import Holding
from shared.venue.core.commands import TopUpIsolatedMargin, UpdateIsolatedMargin, UpdateLeverage
from shared.venue.core.listing import MarginMode
from shared.venue.core.world import Answer, World


def update_leverage(world: World, command: UpdateLeverage, _: Block) -> Answer:
    """Nothing to report, or why the leverage or its kind stays as it is."""
    holding = _holding(world, command.user, command.asset)
    if isinstance(holding, str):
        return holding
    if not 1 <= command.leverage <= holding.listing.instrument.max_leverage:
        return words.INVALID_LEVERAGE
    if command.is_cross and holding.listing.margin_mode is not MarginMode.NORMAL:
        return words.NO_CROSS
    if command.is_cross != holding.is_cross:
        if holding.position.net_sz:
            return words.LEVERAGE_TYPE
        if not _affords(holding, command.leverage):
            return words.LEVERAGE_MARGIN
        holding.is_cross = command.is_cross
        holding.house.add(holding)
    elif not _affords(holding, command.leverage):
        return words.LEVERAGE_MARGIN if holding.is_cross else words.ISOLATED_LEVERAGE_MARGIN
    holding.leverage = command.leverage
    return ()


def _affords(holding: Holding, leverage: int) -> bool:
    """Does the margin cover what the lower leverage asks for? A higher one is always covered.

    Cross covers cross positions and all resting orders; an isolated position must cover itself.
    """
    if leverage >= holding.leverage:
        return True
    house, own = holding.house, 0
    if not holding.is_cross:
        own = holding.margin_usd(abs(holding.position.net_sz), leverage)
        if holding.position.net_sz and holding.equity_usd() < own:
            return False
    before = holding.reserved_usd()
    after = holding.margin_usd(holding.worst_sz(), leverage) - own
    return after <= before or house.value_usd() >= house.reserved_usd() - before + after


def update_isolated_margin(world: World, command: UpdateIsolatedMargin, _: Block) -> Answer:
    """Margin moved between cross and the position, or why not."""
    holding = _holding(world, command.user, command.asset)
    if isinstance(holding, str):
        return holding
    if command.usd == 0:
        return words.ZERO_MARGIN
    return _isolated_fault(holding) or _move(holding, command.usd)


def top_up(world: World, command: TopUpIsolatedMargin, _: Block) -> Answer:
    """Margin added until the position is worth no more than `leverage_e6` times it, or why not."""
    holding = _holding(world, command.user, command.asset)
    if isinstance(holding, str):
        return holding
    fault = _isolated_fault(holding)
    if fault is not None:
        return fault
    if command.leverage_e6 <= 0:
        return words.INVALID_LEVERAGE
    wanted = -(-holding.notional_usd() * USD // command.leverage_e6)
    usd = wanted - holding.equity_usd()
    if usd <= 0:
        return words.ZERO_MARGIN
    return _move(holding, usd)


def _isolated_fault(holding: Holding) -> str | None:
    """Why there is no isolated position to speak of."""
    if holding.is_cross:
        return words.NOT_ISOLATED
    return None if holding.position.net_sz else words.EMPTY_POSITION


def _move(holding: Holding, usd: int) -> Answer:
    """Move the money if both sides stay covered; what leaves either obeys the rule for transfers."""
    if usd > 0:
        if usd > holding.house.withdrawable_usd():
            return words.NO_INCREASE
    else:
        if holding.listing.margin_mode is MarginMode.STRICT_ISOLATED:
            return words.NO_REMOVAL
        if holding.equity_usd() + usd < transfer_floor_usd(holding.used_usd(), holding.notional_usd()):
            return words.NO_REDUCTION
    holding.move_to_pocket(usd)
    return ()


def _holding(world: World, user: str, asset: int) -> Holding | str:
    """The user's holding of a perp, or the error for the action."""
    account = world.accounts.get(user)
    if account is None:
        return words.must_deposit(user)
    market = world.markets.get(asset)
    if market is None or market.listing.spot is not None:
        return words.for_asset(words.UNKNOWN_ASSET, asset)
    return account.holding(market.listing, market.prices)
