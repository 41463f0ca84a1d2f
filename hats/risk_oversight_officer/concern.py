"""What the officer remembers of causes that hold: since when, and whether the operator was told and knows."""

from __future__ import annotations

import msgspec

from shared.units import Ns


class Concern(msgspec.Struct):
    """A cause that holds: since when, when the operator was told (0: not yet), and whether they said that they know."""

    since_ns: Ns
    told_ns: Ns = Ns(0)
    is_acknowledged: bool = False


class Vigil(msgspec.Struct):
    """The causes that hold now, by name."""

    concerns: dict[str, Concern] = {}

    def acknowledge(self, name: str) -> bool:
        """True if there was such an alert and it was not acknowledged before."""
        concern = self.concerns.get(name)
        if concern is None or not concern.told_ns or concern.is_acknowledged:
            return False
        concern.is_acknowledged = True
        return True
