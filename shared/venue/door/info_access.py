"""/info about what a user may do at all: legal checks, rank, account mode."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json


def legal_check(_: Desk, __: AboutUser, ___: Ns) -> Json:
    """`legalCheck`: everybody may trade here."""
    return {"acceptedTerms": True, "userAllowed": True, "restrictions": []}


def is_vip(_: Desk, __: AboutUser, ___: Ns) -> bool:
    """`isVip`: nobody is."""
    return False


def abstraction(_: Desk, __: AboutUser, ___: Ns) -> str:
    """`userAbstraction`: every account keeps its perps and its tokens apart."""
    return "disabled"


def dex_abstraction(_: Desk, __: AboutUser, ___: Ns) -> None:
    """`userDexAbstraction`: nobody chose."""


TYPES: Final[dict[str, InfoType]] = {
    "legalCheck": (AboutUser, legal_check),
    "isVip": (AboutUser, is_vip),
    "userAbstraction": (AboutUser, abstraction),
    "userDexAbstraction": (AboutUser, dex_abstraction),
}
