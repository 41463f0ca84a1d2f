"""Actor shell of the Performance Quant Analyst; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from typing import ClassVar

from hats.performance_quant_analyst.logic import PerformanceQuantAnalyst
from hats.performance_quant_analyst.settings import Settings
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class PerformanceQuantAnalystActor(HatShell):
    """One Performance Quant Analyst in a process of its own."""

    role: ClassVar[Role] = Role.PERFORMANCE_QUANT_ANALYST

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return PerformanceQuantAnalyst(Settings.model_validate_json(spec.settings))
