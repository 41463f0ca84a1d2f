"""Actor shell of the Risk Oversight Officer; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hats.risk_oversight_officer.logic import RiskOversightOfficer
from hats.risk_oversight_officer.settings import Settings
from shared.approval_file import key_path, read_key
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class RiskOversightOfficerActor(HatShell):
    """One Risk Oversight Officer in a process of its own."""

    role: ClassVar[Role] = Role.RISK_OVERSIGHT_OFFICER

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings and the run's approval key."""
        return RiskOversightOfficer(Settings.model_validate_json(spec.settings), read_key(key_path(Path(spec.run_dir))))
