"""What moves money, prices and the venue itself, each drawn from a chance that a law's search or a seed provides."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from shared.units import USD, Px, Usd, str_from_scaled
from shared.venue.core.commands import Command, Deposit, IssueToken, PlaceOrders, SetPrices
from shared.venue.core.dealings import (
    ApproveBuilderFee,
    ClaimRewards,
    CreateSubAccount,
    CreateVault,
    DistributeVault,
    Mode,
    ModifyVault,
    MoveClass,
    MoveSubToken,
    MoveSubUsd,
    MoveVaultUsd,
    RegisterReferrer,
    RenameSubAccount,
    SendAsset,
    SendToken,
    SendUsd,
    SetMode,
    SetReferrer,
    SetStake,
    Withdraw,
)
from shared.venue.core.exchange import Exchange
from shared.venue.core.rulings import ChangeListing, Delist, Halt, Liquidate, OverridePremium, SetOracle, SetPostOnly
from tests.property.whole.ground import CODES, DEPLOYED, PERPS, PRE, TICK, TOKENS, USERS, DexMove
from tests.property.whole.trading_moves import a_spec, near, who

_JUMPS: Final = (-450, -300, -150, -80, -45, -20, 20, 45, 80, 150, 300, 450)
_HIGHEST: Final = 9_000
_NONCE: Final = 1_700_000_000_000


def usd_text(chance: Random, most: int = 5_000) -> str:
    """An amount of USDC as users spell it, to the micro-USDC."""
    return str_from_scaled(chance.randint(1, most * USD), 6)


def deposit(exchange: Exchange, chance: Random) -> list[Command]:
    """Collateral comes."""
    return [Deposit(who(exchange, chance), Usd(chance.randint(1, 2_000 * USD)))]


def issue(exchange: Exchange, chance: Random) -> list[Command]:
    """Tokens come from outside."""
    token = chance.choice(TOKENS)
    return [IssueToken(who(exchange, chance), token.index, chance.randint(1, 500 * 10**token.wei_decimals))]


def send(exchange: Exchange, chance: Random) -> list[Command]:
    """Money goes to another user, to spot or back, or out; sometimes to somebody new."""
    user, other = who(exchange, chance), who(exchange, chance)
    if chance.randint(0, 15) == 0:
        other = f"0x{chance.randint(100, 103):040x}"
    token = chance.choice(TOKENS)
    places = ("", "spot", "xyz")
    made: Command = chance.choice(
        (
            SendUsd(user, other, usd_text(chance)),
            Withdraw(user, usd_text(chance, 50), _NONCE),
            MoveClass(user, usd_text(chance), chance.random() < 0.5),
            SendToken(user, other, token.wire_name, usd_text(chance, 50), _NONCE),
            SendAsset(user, other, chance.choice(places), chance.choice(places), "USDC", usd_text(chance), _NONCE),
        )
    )
    return [made]


def move_dex(exchange: Exchange, chance: Random) -> list[DexMove]:
    """Collateral goes to the other dex or back."""
    ways = (0, 1) if chance.random() < 0.7 else (1, 0)
    return [DexMove(who(exchange, chance), *ways, chance.randint(1, 20_000 * USD))]


def family(exchange: Exchange, chance: Random) -> list[Command]:
    """Sub-accounts are opened, named, fed and emptied."""
    user = chance.choice(USERS[:3])
    subs = exchange.sub_accounts(user)
    if not subs or (len(subs) < 2 and chance.randint(0, 5) == 0):
        return [CreateSubAccount(user, f"sub {len(subs)}")]
    sub, is_in = chance.choice(subs), chance.random() < 0.7
    made: Command = chance.choice(
        (
            MoveSubUsd(user, sub, is_in, chance.randint(1, 3_000 * USD)),
            MoveSubToken(user, sub, is_in, chance.choice(TOKENS).wire_name, usd_text(chance, 50)),
            RenameSubAccount(user, sub, chance.choice(("a", "b", ""))),
            MoveClass(user, usd_text(chance), chance.random() < 0.5, sub),
        )
    )
    return [made]


def identity(exchange: Exchange, chance: Random) -> list[Command]:
    """Stakes, codes, builders and rewards."""
    user = who(exchange, chance)
    made: Command = chance.choice(
        (
            SetStake(user, chance.randint(0, 10**6) * 10**8),
            RegisterReferrer(user, chance.choice(CODES)),
            SetReferrer(user, chance.choice(CODES)),
            ApproveBuilderFee(user, USERS[0], chance.choice((0, 10, 50, 100))),
            ClaimRewards(user),
        )
    )
    return [made]


def mode(exchange: Exchange, chance: Random) -> list[Command]:
    """An account's money is kept in another way, its own or a sub-account's."""
    user = who(exchange, chance)
    owner = chance.choice((user, *exchange.sub_accounts(user)))
    return [SetMode(user, owner, chance.choice((Mode.UNIFIED, Mode.UNIFIED, Mode.DEX, Mode.DISABLED)))]


def vault(exchange: Exchange, chance: Random) -> list[Command]:
    """A vault is opened, fed, traded for, emptied, closed, or its terms change."""
    user, known = who(exchange, chance), exchange.vaults()
    if not known or (len(known) < 3 and chance.randint(0, 8) == 0):
        return [CreateVault(user, "vault", "a vault of the laws", 100 * USD + chance.randint(0, 900 * USD), lock_ms=0)]
    address = chance.choice(known)
    leader = exchange.leader_of(address) or user
    made: Command = chance.choice(
        (
            MoveVaultUsd(user, address, True, chance.randint(1, 500 * USD)),
            MoveVaultUsd(user, address, False, chance.randint(1, 500 * USD)),
            MoveVaultUsd(leader, address, False, chance.randint(1, 200 * USD)),
            DistributeVault(leader, address, chance.choice((0, chance.randint(1, 50 * USD)))),
            ModifyVault(leader, address, chance.choice((True, True, False, None)), None),
            PlaceOrders(address, (a_spec(exchange, chance, address),)),
        )
    )
    return [made]


def oracle(exchange: Exchange, chance: Random) -> list[Command]:
    """A price moves by a little, or so violently that margin gives out."""
    asset = chance.choice(PERPS)
    change = chance.randint(-10, 10) if chance.random() < 0.6 else chance.choice(_JUMPS)
    px = Px(min(max(near(exchange, asset) * (1_000 + change) // 1_000 // TICK, 10), _HIGHEST) * TICK)
    if asset in DEPLOYED:
        marks = (((asset, px),),) if chance.random() < 0.5 else ()
        return [SetOracle(1, ((asset, px),), marks)]
    if asset == PRE:
        return [SetPrices(asset, Px(0), px if chance.random() < 0.5 else None)]
    return [SetPrices(asset, px, px if chance.random() < 0.3 else None)]


def halt(exchange: Exchange, chance: Random) -> list[Command]:
    """An asset is halted or resumed; more often resumed."""
    return [Halt(chance.choice(PERPS), chance.randint(0, 3) == 0)]


def delist(exchange: Exchange, chance: Random) -> list[Command]:
    """An asset ends, or is listed again."""
    asset = chance.choice(PERPS)
    if exchange.listings[asset].instrument.is_delisted:
        return [ChangeListing(asset, is_delisted=False)]
    return [Delist(asset)] if chance.randint(0, 3) == 0 else []


def terms(exchange: Exchange, chance: Random) -> list[Command]:
    """Margin, caps, funding or the upgrade change."""
    asset = chance.choice(PERPS)
    made: Command = chance.choice(
        (
            ChangeListing(asset, max_leverage=chance.choice((3, 10, 25))),
            ChangeListing(asset, tiers=((0, 20), (20_000 * USD, 5))),
            ChangeListing(asset, oi_cap_usd=chance.choice((-1, 5_000 * USD, 100_000 * USD))),
            ChangeListing(asset, margin_mode=chance.choice(("normal", "normal", "noCross", "strictIsolated"))),
            OverridePremium(asset, chance.choice((None, None, 10**9, -(10**9)))),
            SetPostOnly(chance.randint(0, 3) == 0),
        )
    )
    return [made]


def liquidate(exchange: Exchange, chance: Random) -> list[Command]:
    """Somebody's positions are taken from them."""
    return [Liquidate(who(exchange, chance), chance.choice(("market", "backstop", "adl")))]


MONEY: Final[tuple[Callable[[Exchange, Random], list[Command] | list[DexMove]], ...]] = (
    deposit, issue, send, move_dex, family, identity, mode, vault,
)  # fmt: skip
"""What moves money between people and places."""

OWNERS: Final[tuple[Callable[[Exchange, Random], list[Command]], ...]] = (oracle, halt, delist, terms, liquidate)
"""What only the owners of the venue and its oracles do."""
