"""/info about vaults, and about delegated stakes, which nobody can have here: truthfully empty."""

from __future__ import annotations

from typing import Final

from shared.units import MS, USD, Ns
from shared.venue.core.vault_views import PartView, VaultView
from shared.venue.door import render
from shared.venue.door.actions import Address, canonical_address
from shared.venue.door.agents import DAY_MS
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.info_portfolio import portfolio
from shared.venue.door.questions import AboutUser, Nothing, Question
from shared.venue.door.render import Json

_PERCENT: Final = 100


class AboutVault(Question, frozen=True):
    """Asks about one vault, as somebody may see it."""

    vault_address: Address
    user: Address | None = None


def vault_details(desk: Desk, asked: AboutVault, now: Ns) -> Json | None:
    """`vaultDetails`: null for an address that is no vault. No yearly rate is worked out: it is 0 here."""
    vault = desk.exchange.vault(canonical_address(asked.vault_address))
    if vault is None:
        return None
    parts = {part.user: part for part in vault.parts}
    mine = None if asked.user is None else parts.get(canonical_address(asked.user))
    leads = parts.get(vault.leader)
    free = vault.free_usd / USD
    return {
        "name": vault.name,
        "vaultAddress": vault.address,
        "leader": vault.leader,
        "description": vault.description,
        "portfolio": portfolio(desk, AboutUser(vault.address), now),
        "apr": 0.0,
        "followerState": None if mine is None else _part(mine, mine.user, now),
        "leaderFraction": leads.equity_usd / vault.value_usd if leads is not None and vault.value_usd > 0 else 0.0,
        "leaderCommission": vault.profit_share_percent / _PERCENT,
        "followers": [_part(part, "Leader" if part is leads else part.user, now) for part in vault.parts],
        "maxDistributable": free,
        "maxWithdrawable": free if mine is None else min(free, mine.equity_usd / USD),
        "isClosed": vault.is_closed,
        "relationship": {"type": "normal"},
        "allowDeposits": vault.takes_deposits,
        "alwaysCloseOnWithdraw": vault.always_closes,
    }


def vault_summaries(desk: Desk, _: Nothing, __: Ns) -> list[Json]:
    """`vaultSummaries`: all vaults; the venue itself answers with none."""
    return [
        {
            "name": vault.name,
            "vaultAddress": vault.address,
            "leader": vault.leader,
            "tvl": render.usd(vault.value_usd),
            "isClosed": vault.is_closed,
            "relationship": {"type": "normal"},
            "createTimeMillis": vault.created_ms,
        }
        for vault in _all(desk)
    ]


def user_vault_equities(desk: Desk, asked: AboutUser, _: Ns) -> list[Json]:
    """`userVaultEquities`: what the user has in which vault."""
    return [
        {
            "vaultAddress": vault.address,
            "equity": render.usd(part.equity_usd),
            "lockedUntilTimestamp": part.locked_until_ms,
        }
        for vault in _all(desk)
        for part in vault.parts
        if part.user == asked.user
    ]


def leading_vaults(desk: Desk, asked: AboutUser, _: Ns) -> list[Json]:
    """`leadingVaults`: which the user leads."""
    return [{"address": one.address, "name": one.name} for one in _all(desk) if one.leader == asked.user]


def nothing(_: Desk, __: Question, ___: Ns) -> list[Json]:
    """No delegation and no reward."""
    return []


def delegator_summary(_: Desk, __: AboutUser, ___: Ns) -> Json:
    """`delegatorSummary`."""
    return {"delegated": "0.0", "undelegated": "0.0", "totalPendingWithdrawal": "0.0", "nPendingWithdrawals": 0}


def _all(desk: Desk) -> list[VaultView]:
    """Every vault, oldest first."""
    views = (desk.exchange.vault(address) for address in desk.exchange.vaults())
    return [view for view in views if view is not None]


def _part(part: PartView, shown_as: str, now: Ns) -> Json:
    """One owner's part."""
    return {
        "user": shown_as,
        "vaultEquity": render.usd(part.equity_usd),
        "pnl": render.usd(part.pnl_usd),
        "allTimePnl": render.usd(part.all_pnl_usd),
        "daysFollowing": (now // MS - part.entered_ms) // DAY_MS,
        "vaultEntryTime": part.entered_ms,
        "lockupUntil": part.locked_until_ms,
    }


TYPES: Final[dict[str, InfoType]] = {
    "vaultDetails": (AboutVault, vault_details),
    "vaultSummaries": (Nothing, vault_summaries),
    "userVaultEquities": (AboutUser, user_vault_equities),
    "leadingVaults": (AboutUser, leading_vaults),
    "delegations": (AboutUser, nothing),
    "delegatorSummary": (AboutUser, delegator_summary),
    "delegatorHistory": (AboutUser, nothing),
    "delegatorRewards": (AboutUser, nothing),
}
