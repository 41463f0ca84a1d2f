"""Actor shell of the Market Microstructure Analyst; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from typing import ClassVar

from hats.microstructure_analyst.logic import MicrostructureAnalyst
from hats.microstructure_analyst.settings import Settings
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class MicrostructureAnalystActor(HatShell):
    """One Market Microstructure Analyst in a process of its own."""

    role: ClassVar[Role] = Role.MICROSTRUCTURE_ANALYST

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return MicrostructureAnalyst(Settings.model_validate_json(spec.settings))
