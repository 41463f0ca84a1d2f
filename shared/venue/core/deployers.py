"""What happens on dexs that others deployed: their deployers set prices, and users move collateral there and back."""

from __future__ import annotations

from shared.errors import UnitError
from shared.venue.core import words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.other_marks import ORACLE_GAP_NS
from shared.venue.core.purses import money_of
from shared.venue.core.rulings import SetOracle
from shared.venue.core.world import Answer, World


def set_oracle(world: World, command: SetOracle, block: Block) -> Answer:
    """The deployer spoke: oracles, and marks where given, moved as far as one update may move them.

    UnitError for an asset of another dex, a price that is not positive, or more than two lists of marks.
    """
    if len(command.mark_pxs) > 2:
        raise UnitError(f"expected at most two lists of marks, got {len(command.mark_pxs)}")
    lists = (command.oracle_pxs, *command.mark_pxs, command.external_pxs)
    for asset, px in (pair for pairs in lists for pair in pairs):
        market = world.markets.get(asset)
        if px <= 0 or market is None or not market.listing.dex or market.listing.dex != command.dex:
            raise UnitError(f"expected a positive price of an asset of dex {command.dex}, got {px} of {asset}")
    heard = world.oracle_heard_ns.get(command.dex)
    if heard is not None and block.now_ns - heard < ORACLE_GAP_NS:
        return words.ORACLE_TOO_SOON
    world.oracle_heard_ns[command.dex] = block.now_ns
    marks, externals = [dict(pairs) for pairs in command.mark_pxs], dict(command.external_pxs)
    for asset, px in command.oracle_pxs:
        given = tuple(one[asset] for one in marks if asset in one)
        world.markets[asset].hear_deployer(given, externals.get(asset))
        world.markets[asset].reprice(block, px)
    return ()


def move_collateral(world: World, account: Account, from_dex: int, to_dex: int, usd: int) -> str | None:
    """None and the money moved, or why it stays: an unknown dex, another token, nothing asked, more than may leave.

    UnitError for a negative amount. Dex 0 is the validators'.
    """
    if usd < 0:
        raise UnitError(f"expected an amount, got {usd}")
    if not (0 <= from_dex <= len(world.dexs) and 0 <= to_dex <= len(world.dexs)):
        return words.INVALID_DEX
    if from_dex == to_dex or money_of(world, from_dex) != money_of(world, to_dex):
        return words.INVALID_SEND
    if usd == 0:
        return words.ZERO_SEND
    if usd > account.house(from_dex).withdrawable_usd():
        return words.TOO_MUCH_SENT
    account.house(from_dex).collateral_usd -= usd
    account.house(to_dex).collateral_usd += usd
    for dex, change in ((from_dex, -usd), (to_dex, usd)):
        world.net_deposits_usd[dex] = world.net_deposits_usd.get(dex, 0) + change
    return None
