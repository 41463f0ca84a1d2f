"""The only module that names the concrete nine: their classes, actors, settings and what is measured of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from hats.exchange_architect.logic import ExchangeArchitect
from hats.exchange_architect.measures import MEASURES as EXCHANGE_ARCHITECT
from hats.execution_manager.logic import ExecutionManager
from hats.execution_manager.measures import MEASURES as EXECUTION_MANAGER
from hats.low_latency_engineer.logic import LowLatencyEngineer
from hats.low_latency_engineer.measures import MEASURES as LOW_LATENCY_ENGINEER
from hats.microstructure_analyst.logic import MicrostructureAnalyst
from hats.microstructure_analyst.measures import MEASURES as MICROSTRUCTURE_ANALYST
from hats.ml_research_scientist.logic import MlResearchScientist
from hats.ml_research_scientist.measures import MEASURES as ML_RESEARCH_SCIENTIST
from hats.performance_quant_analyst.logic import PerformanceQuantAnalyst
from hats.performance_quant_analyst.measures import MEASURES as PERFORMANCE_QUANT_ANALYST
from hats.quant_strategist.logic import QuantStrategist
from hats.quant_strategist.measures import MEASURES as QUANT_STRATEGIST
from hats.risk_oversight_officer.logic import RiskOversightOfficer
from hats.risk_oversight_officer.measures import MEASURES as RISK_OVERSIGHT_OFFICER
from hats.security_architect.logic import SecurityArchitect
from hats.security_architect.measures import MEASURES as SECURITY_ARCHITECT
from orchestrator import routes
from orchestrator.settings import Settings
from shared.approval import ApprovalKey
from shared.hat import Hat
from shared.ids import HATS, Role
from shared.messages import MESSAGE_TYPES
from shared.scorecard import Measure
from shared.shell import HatShell

HAT_CLASSES: Final[Mapping[Role, Callable[[Any], Hat]]] = {
    Role.EXCHANGE_ARCHITECT: ExchangeArchitect,
    Role.QUANT_STRATEGIST: QuantStrategist,
    Role.MICROSTRUCTURE_ANALYST: MicrostructureAnalyst,
    Role.LOW_LATENCY_ENGINEER: LowLatencyEngineer,
    Role.EXECUTION_MANAGER: ExecutionManager,
    Role.RISK_OVERSIGHT_OFFICER: RiskOversightOfficer,
    Role.SECURITY_ARCHITECT: SecurityArchitect,
    Role.PERFORMANCE_QUANT_ANALYST: PerformanceQuantAnalyst,
    Role.ML_RESEARCH_SCIENTIST: MlResearchScientist,
}
"""How each Hat is made from its section of the settings."""

CATALOGUE: Final[Mapping[Role, Sequence[Measure]]] = {
    Role.EXCHANGE_ARCHITECT: EXCHANGE_ARCHITECT,
    Role.QUANT_STRATEGIST: QUANT_STRATEGIST,
    Role.MICROSTRUCTURE_ANALYST: MICROSTRUCTURE_ANALYST,
    Role.LOW_LATENCY_ENGINEER: LOW_LATENCY_ENGINEER,
    Role.EXECUTION_MANAGER: EXECUTION_MANAGER,
    Role.RISK_OVERSIGHT_OFFICER: RISK_OVERSIGHT_OFFICER,
    Role.SECURITY_ARCHITECT: SECURITY_ARCHITECT,
    Role.PERFORMANCE_QUANT_ANALYST: PERFORMANCE_QUANT_ANALYST,
    Role.ML_RESEARCH_SCIENTIST: ML_RESEARCH_SCIENTIST,
}
"""What is measured of each Hat, besides what the hub measures of all."""


def make_hat(settings: Settings, role: Role, approval_key: ApprovalKey | None = None) -> Hat:
    """A fresh Hat. Only the Risk Oversight Officer is given the run's approval key."""
    section = getattr(settings.hats, role)
    if role is Role.RISK_OVERSIGHT_OFFICER:
        return RiskOversightOfficer(section, approval_key)
    return HAT_CLASSES[role](section)


def check_wiring(settings: Settings) -> None:
    """Nothing if the route table and the nine agree; ConfigError with every disagreement otherwise."""
    routes.check((make_hat(settings, role) for role in HATS), MESSAGE_TYPES.values())


def hat_settings(settings: Settings, role: Role) -> bytes:
    """The Hat's section as JSON, for its process."""
    section = getattr(settings.hats, role)
    return bytes(section.model_dump_json().encode())


def settings_from_json(data: bytes) -> Settings:
    """The settings that another process of ours wrote."""
    return Settings.model_validate_json(data)


def actor_class(role: Role) -> type[HatShell]:
    """The Hat's actor, imported by its name, so that Ray sends it by reference."""
    module = import_module(f"hats.{role}.actor")
    kind: type[HatShell] = getattr(module, "".join(part.capitalize() for part in role.split("_")) + "Actor")
    return kind
