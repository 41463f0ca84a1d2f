"""The ML Research Scientist's section of the configuration."""

from __future__ import annotations

from pydantic import Field

from shared.config import Section


class Settings(Section):
    """The bars that are built and how fast the volatility model learns and forgets."""

    coins: tuple[str, ...] = Field(("BTC", "ETH"), description="Coins whose prints are expected; coverage is measured.")
    bar_ms: int = Field(1_000, ge=1, description="Length of a bar; 60000 for slow strategies.")
    grace_ms: int = Field(250, ge=0, description="How long after a bar's end late prints are waited for.")
    gap_max_bars: int = Field(60, ge=1, description="Silence longer than this ends the series; it starts afresh after.")
    warmup_bars: int = Field(20, ge=2, description="Returns seen before the first regime is published.")
    dwell_bars: float = Field(50.0, gt=1, description="Expected stay in a regime, before anything was learned.")
    memory_bars: float = Field(500.0, ge=10, description="Bars over which the learned parameters forget.")
    sigma_min_bps: float = Field(0.05, gt=0, description="No regime is thought calmer than this per bar.")
    covered_bars: int = Field(30, ge=1, description="A coin is covered if it printed within this many bars.")
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")
