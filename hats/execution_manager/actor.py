"""Actor shell of the Automated Execution Manager; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from typing import ClassVar

from hats.execution_manager.logic import ExecutionManager
from hats.execution_manager.settings import Settings
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class ExecutionManagerActor(HatShell):
    """One Automated Execution Manager in a process of its own."""

    role: ClassVar[Role] = Role.EXECUTION_MANAGER

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return ExecutionManager(Settings.model_validate_json(spec.settings))
