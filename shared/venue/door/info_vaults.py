"""/info about vaults, which do not exist here: truthfully empty."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json


def vault_equities(_: Desk, __: AboutUser, ___: Ns) -> list[Json]:
    """`userVaultEquities`."""
    return []


TYPES: Final[dict[str, InfoType]] = {
    "userVaultEquities": (AboutUser, vault_equities),
}
