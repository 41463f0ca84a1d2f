"""/info about vaults and delegated stakes, which nobody can have here: truthfully empty."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door.actions import Address
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser, Nothing, Question
from shared.venue.door.render import Json


class AboutVault(Question, frozen=True):
    """Asks about one vault, as somebody may see it."""

    vault_address: Address
    user: Address | None = None


def vault_details(_: Desk, __: AboutVault, ___: Ns) -> None:
    """`vaultDetails`: null for an address that is no vault."""


def nothing(_: Desk, __: Question, ___: Ns) -> list[Json]:
    """No vault, no equity in one, no delegation and no reward."""
    return []


def delegator_summary(_: Desk, __: AboutUser, ___: Ns) -> Json:
    """`delegatorSummary`."""
    return {"delegated": "0.0", "undelegated": "0.0", "totalPendingWithdrawal": "0.0", "nPendingWithdrawals": 0}


TYPES: Final[dict[str, InfoType]] = {
    "vaultDetails": (AboutVault, vault_details),
    "vaultSummaries": (Nothing, nothing),
    "userVaultEquities": (AboutUser, nothing),
    "leadingVaults": (AboutUser, nothing),
    "delegations": (AboutUser, nothing),
    "delegatorSummary": (AboutUser, delegator_summary),
    "delegatorHistory": (AboutUser, nothing),
    "delegatorRewards": (AboutUser, nothing),
}
