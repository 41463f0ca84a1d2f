"""/info about TWAP orders; nobody has one yet."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json


def slice_fills(_: Desk, __: AboutUser, ___: Ns) -> list[Json]:
    """`userTwapSliceFills`."""
    return []


TYPES: Final[dict[str, InfoType]] = {
    "userTwapSliceFills": (AboutUser, slice_fills),
}
