"""Actor shell of the ML Research Scientist; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from typing import ClassVar

from hats.ml_research_scientist.logic import MlResearchScientist
from hats.ml_research_scientist.settings import Settings
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class MlResearchScientistActor(HatShell):
    """One ML Research Scientist in a process of its own."""

    role: ClassVar[Role] = Role.ML_RESEARCH_SCIENTIST

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return MlResearchScientist(Settings.model_validate_json(spec.settings))
