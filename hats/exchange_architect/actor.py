"""Actor shell of the Exchange Architect, with the only door to the venue; made a Ray actor at launch."""

from __future__ import annotations

from typing import ClassVar

from hats.exchange_architect.logic import ExchangeArchitect
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.venue_edge import VenueEdge
from shared.clock import WallClock
from shared.edge import Edge
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class ExchangeArchitectActor(HatShell):
    """One Exchange Architect in a process of its own."""

    role: ClassVar[Role] = Role.EXCHANGE_ARCHITECT

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return ExchangeArchitect(Settings.model_validate_json(spec.settings))

    def make_edge(self, spec: LaunchSpec) -> Edge | None:
        """Feed and gateway."""
        return VenueEdge(Settings.model_validate_json(spec.settings), WallClock())
