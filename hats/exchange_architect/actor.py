"""Actor shell of the Exchange Architect, with the only door to the venue; made a Ray actor at launch."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hats.exchange_architect.captured_edge import CapturedEdge
from hats.exchange_architect.logic import ExchangeArchitect
from hats.exchange_architect.settings import Settings
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
        """Feed and gateway, and the log of what they hear."""
        settings = Settings.model_validate_json(spec.settings)
        return CapturedEdge(settings, WallClock(), Path(spec.run_dir), spec.run)
