"""What the answering functions of /info and of the feeds read: the exchange's shapes, agents, budgets, settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from shared.instrument import Instrument
from shared.units import Ns
from shared.venue.core.exchange import Exchange
from shared.venue.door.agents import AgentBook
from shared.venue.door.answers import Answers
from shared.venue.door.bodies import BAD_SHAPE, BodyRefused
from shared.venue.door.budgets import AddressBudgets
from shared.venue.door.questions import Question
from shared.venue.door.settings import DoorSettings


class Desk(msgspec.Struct, frozen=True):
    """Everything that may be read to answer somebody; nothing is changed through it."""

    answers: Answers
    agents: AgentBook
    budgets: AddressBudgets
    settings: DoorSettings

    @property
    def exchange(self) -> Exchange:
        """The exchange itself."""
        return self.answers.exchange

    @property
    def instruments(self) -> dict[int, Instrument]:
        """Instruments by asset id."""
        return self.answers.instruments

    def asset(self, coin: str) -> int:
        """The asset id of a coin; BodyRefused 500 `null` for an unknown one, where the venue fails too."""
        asset = self.answers.assets.get(coin)
        if asset is None:
            raise BodyRefused(500, "null")
        return asset

    def dex(self, name: str | None) -> int:
        """The number of a dex, 0 for the first, whose name is empty; BodyRefused for an unknown one."""
        number = self.answers.dexs.get(name or "")
        if number is None and self.settings.unknown_dex == "unprocessable":
            raise BodyRefused(422, BAD_SHAPE)
        if number is None:
            raise BodyRefused(500, "null")
        return number


InfoType = tuple[type[Question], Callable[[Desk, Any, Ns], Any]]
"""One /info type: how it is asked, and the function that answers it."""


def is_within(time_ms: int, start_ms: int, end_ms: int | None) -> bool:
    """Does the time lie in the span, both ends included?"""
    return start_ms <= time_ms and (end_ms is None or time_ms <= end_ms)
