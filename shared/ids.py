"""Who speaks, and the deterministic ids of orders and actions."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType

from shared.errors import UnitError

Seq = NewType("Seq", int)
"""Position of a message in the journal; 1 is the first. 0 means: nothing before it."""
Cloid = NewType("Cloid", str)
"""Our 128-bit order id: 0x and 32 lower-case hex digits."""
StrategyId = NewType("StrategyId", str)
"""Short name of a strategy as configured, e.g. "mm_btc"."""


class Role(StrEnum):
    """Everyone who may say something: the nine Hats, the orchestrator and the operator."""

    EXCHANGE_ARCHITECT = "exchange_architect"
    QUANT_STRATEGIST = "quant_strategist"
    MICROSTRUCTURE_ANALYST = "microstructure_analyst"
    LOW_LATENCY_ENGINEER = "low_latency_engineer"
    EXECUTION_MANAGER = "execution_manager"
    RISK_OVERSIGHT_OFFICER = "risk_oversight_officer"
    SECURITY_ARCHITECT = "security_architect"
    PERFORMANCE_QUANT_ANALYST = "performance_quant_analyst"
    ML_RESEARCH_SCIENTIST = "ml_research_scientist"
    ORCHESTRATOR = "orchestrator"
    OPERATOR = "operator"


HATS: Final[tuple[Role, ...]] = tuple(role for role in Role if role not in (Role.ORCHESTRATOR, Role.OPERATOR))
"""The nine, in the order in which they start."""

TITLES: Final[dict[Role, str]] = {
    Role.EXCHANGE_ARCHITECT: "Exchange Architect",
    Role.QUANT_STRATEGIST: "Chief Quant Strategist",
    Role.MICROSTRUCTURE_ANALYST: "Market Microstructure Analyst",
    Role.LOW_LATENCY_ENGINEER: "Low-Latency Engineer",
    Role.EXECUTION_MANAGER: "Automated Execution Manager",
    Role.RISK_OVERSIGHT_OFFICER: "Risk Oversight Officer",
    Role.SECURITY_ARCHITECT: "Cryptographic Security Architect",
    Role.PERFORMANCE_QUANT_ANALYST: "Performance Quant Analyst",
    Role.ML_RESEARCH_SCIENTIST: "ML Research Scientist",
    Role.ORCHESTRATOR: "Orchestrator",
    Role.OPERATOR: "Operator",
}
"""Names as people read them (and as Ray's dashboard shows them)."""

FLATTEN: Final = StrategyId("flatten")
"""The strategy name of orders that close positions on a kill or at the end of a run."""
FLATTEN_NUMBER: Final = 0xFFFF
"""Its number within a cloid; configured strategies count from zero."""
PROTECT: Final = StrategyId("protect")
"""The strategy name of the stops and take-profits that the house keeps at the venue for every position."""
PROTECT_NUMBER: Final = 0xFFFD
"""Its number within a cloid."""
LEFT_TWAP_NUMBER: Final = 0xFFFC
"""The number within a cloid of the venue's own TWAPs that an earlier run left: they have none there, but an id."""
HOUSE: Final = frozenset({FLATTEN, PROTECT})
"""Whose orders only close what the strategies hold: a fill of them is shared out among those."""
WATCHDOG_NUMBER: Final = 0xFFFE
"""The number within a cloid of the watchdog's orders."""
OPERATOR: Final = StrategyId("operator")
"""The strategy name of the operator's own parent orders."""
OPERATOR_NUMBER: Final = 0x7FF0
"""Its number within a cloid."""
_CHILD_BIT: Final = 0x8000
FOREIGN: Final = StrategyId("foreign")
"""The strategy name of orders and fills that no strategy of this run made."""

_PREFIX: Final = 0x4A75
_RUN_BITS: Final = 48
_STRATEGY_BITS: Final = 16
_INTENT_BITS: Final = 48
INTENTS: Final = 1 << _INTENT_BITS
"""How many intents of one strategy a run has numbers for."""


def cloid_for(run: int, strategy: int, intent: int) -> Cloid:
    """The id of one intent: our prefix, the run, the strategy and the intent's number, so that it repeats on replay.

    UnitError if a part does not fit (48, 16 and 48 bits).
    """
    for part, bits in ((run, _RUN_BITS), (strategy, _STRATEGY_BITS), (intent, _INTENT_BITS)):
        if not 0 <= part < 1 << bits:
            raise UnitError(f"expected a number of {bits} bits, got {part}")
    packed = ((_PREFIX << _RUN_BITS | run) << _STRATEGY_BITS | strategy) << _INTENT_BITS | intent
    return Cloid(f"0x{packed:032x}")


def child_number(strategy: int) -> int:
    """The number within a cloid of the child orders that are made for a strategy's parent orders."""
    return strategy | _CHILD_BIT


def is_child(cloid: Cloid) -> bool:
    """Is this a child of a parent order, and so no intent of a strategy itself?"""
    number = strategy_number_of(cloid)
    return bool(number & _CHILD_BIT) and number < LEFT_TWAP_NUMBER


def is_cloid(text: str) -> bool:
    """Is this 0x and 32 lower-case hex digits?"""
    return len(text) == 34 and text.startswith("0x") and not text[2:].strip("0123456789abcdef")


def is_ours(cloid: str | None) -> bool:
    """Was this order made by this product (any run of it)?"""
    return cloid is not None and cloid.startswith(f"0x{_PREFIX:04x}") and is_cloid(cloid)


def run_of(cloid: Cloid) -> int:
    """The run that made the order."""
    return int(cloid[6:18], 16)


def strategy_number_of(cloid: Cloid) -> int:
    """The number of the strategy that wanted the order."""
    return int(cloid[18:22], 16)


def intent_number_of(cloid: Cloid) -> int:
    """The number of the intent within its run and strategy."""
    return int(cloid[22:], 16)
