"""/info about outcome markets, of which none is listed here."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import Nothing
from shared.venue.door.render import Json


def outcome_meta(_: Desk, __: Nothing, ___: Ns) -> Json:
    """`outcomeMeta`."""
    return {"outcomes": [], "questions": []}


TYPES: Final[dict[str, InfoType]] = {
    "outcomeMeta": (Nothing, outcome_meta),
}
