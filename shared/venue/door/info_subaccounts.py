"""/info about sub-accounts; nobody has one yet."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser


def sub_accounts(_: Desk, __: AboutUser, ___: Ns) -> None:
    """`subAccounts`: null for somebody without any."""


TYPES: Final[dict[str, InfoType]] = {
    "subAccounts": (AboutUser, sub_accounts),
}
