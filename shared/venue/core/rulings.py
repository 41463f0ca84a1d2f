"""What the owners of the venue and of its dexs may order: prices of a dex, halts, delistings, terms, the upgrade."""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.units import Px


class SetOracle(msgspec.Struct, frozen=True, tag=True):
    """What the deployer of a dex says of its assets: oracles, at most two marks each, other venues' perps.

    Pairs are (asset, price).
    """

    dex: int
    oracle_pxs: tuple[tuple[int, Px], ...]
    mark_pxs: tuple[tuple[tuple[int, Px], ...], ...] = ()
    external_pxs: tuple[tuple[int, Px], ...] = ()


class OverridePremium(msgspec.Struct, frozen=True, tag=True):
    """From now on premium samples of the asset are this x 10^10, whatever its book says; None: its book's again."""

    asset: int
    premium_e10: int | None


class Delist(msgspec.Struct, frozen=True, tag=True):
    """End an asset: orders go, positions are settled at the oracle's mean of the last hour, its slot stays."""

    asset: int


class Halt(msgspec.Struct, frozen=True, tag=True):
    """Stop or resume trading of one asset."""

    asset: int
    is_halted: bool


class ChangeListing(msgspec.Struct, frozen=True, tag=True):
    """Change what `meta` says of an asset; None leaves as it is. Size decimals can't change.

    `tiers` are (lower bound in micro-USDC, leverage), lowest first. `is_delisted` False lists a delisted asset again.
    `oi_cap_usd` -1 lifts the cap.
    """

    asset: int
    max_leverage: int | None = None
    tiers: tuple[tuple[int, int], ...] | None = None
    oi_cap_usd: int | None = None
    margin_mode: Literal["normal", "noCross", "strictIsolated"] | None = None
    is_delisted: Literal[False] | None = None


class SetPostOnly(msgspec.Struct, frozen=True, tag=True):
    """Begin or end the time after a network upgrade in which only post-only orders are taken."""

    is_on: bool


class Liquidate(msgspec.Struct, frozen=True, tag=True):
    """Take a user's positions from them now, whatever their margin: to the book, to the vault, or against the winners.

    Not the venue's: for those who test what comes of it.
    """

    user: str
    method: Literal["market", "backstop", "adl"]


Ruling = Liquidate | SetOracle | OverridePremium | Delist | Halt | ChangeListing | SetPostOnly
