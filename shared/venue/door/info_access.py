"""/info about what a user may do at all: legal checks, rank, account mode."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.core.dealings import Mode
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json


def legal_check(_: Desk, __: AboutUser, ___: Ns) -> Json:
    """`legalCheck`: everybody may trade here."""
    return {"acceptedTerms": True, "userAllowed": True, "restrictions": []}


def is_vip(_: Desk, __: AboutUser, ___: Ns) -> bool:
    """`isVip`: nobody is."""
    return False


def abstraction(desk: Desk, asked: AboutUser, _: Ns) -> str:
    """`userAbstraction`: how the account's money is kept; `default` if nobody chose."""
    return desk.exchange.mode_of(asked.user).value


def dex_abstraction(desk: Desk, asked: AboutUser, _: Ns) -> bool | None:
    """`userDexAbstraction`: null if nobody chose a mode."""
    mode = desk.exchange.mode_of(asked.user)
    return None if mode is Mode.DEFAULT else mode is Mode.DEX


TYPES: Final[dict[str, InfoType]] = {
    "legalCheck": (AboutUser, legal_check),
    "isVip": (AboutUser, is_vip),
    "userAbstraction": (AboutUser, abstraction),
    "userDexAbstraction": (AboutUser, dex_abstraction),
}
