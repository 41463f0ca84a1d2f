"""Actor shell of the Chief Quant Strategist; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from typing import ClassVar

from hats.quant_strategist.logic import QuantStrategist
from hats.quant_strategist.settings import Settings
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class QuantStrategistActor(HatShell):
    """One Chief Quant Strategist in a process of its own."""

    role: ClassVar[Role] = Role.QUANT_STRATEGIST

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return QuantStrategist(Settings.model_validate_json(spec.settings))
