"""Actor shell of the Low-Latency Engineer; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from typing import ClassVar

from hats.low_latency_engineer.logic import LowLatencyEngineer
from hats.low_latency_engineer.settings import Settings
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class LowLatencyEngineerActor(HatShell):
    """One Low-Latency Engineer in a process of its own."""

    role: ClassVar[Role] = Role.LOW_LATENCY_ENGINEER

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return LowLatencyEngineer(Settings.model_validate_json(spec.settings))
