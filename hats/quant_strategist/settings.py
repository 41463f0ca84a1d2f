"""The Quant Strategist's section of the configuration."""

from __future__ import annotations

from pydantic import Field

from shared.config import Section


class Settings(Section):
    """How often the Quant Strategist reports."""

    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")
