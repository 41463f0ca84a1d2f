"""The Microstructure Analyst's section of the configuration."""

from __future__ import annotations

from pydantic import Field

from shared.config import Section


class Settings(Section):
    """What the analyst measures, over which windows, and how quickly its fitted microprice forgets."""

    coins: tuple[str, ...] = Field(("BTC", "ETH"), description="Coins whose books are expected; coverage is measured.")
    depth_band_bps: float = Field(10.0, gt=0, description="Depth is summed within this distance of the mid.")
    imbalance_levels: int = Field(5, ge=1, le=20, description="Levels of each side in the size imbalance.")
    flow_window_ms: int = Field(10_000, ge=1, description="Window of the order-flow imbalance.")
    probe_usd: float = Field(10_000.0, gt=0, description="Notional whose cost of taking is forecast.")
    fit_every_ms: int = Field(5_000, ge=1, description="How often the microprice is solved for anew.")
    fit_half_life_s: float = Field(1_800.0, gt=0, description="Age at which a book transition counts half in the fit.")
    fit_min_transitions: int = Field(200, ge=1, description="Fewest transitions to fit from; weighted mid until then.")
    transition_max_ms: int = Field(5_000, ge=1, description="Books further apart than this are not one transition.")
    skill_horizon_ms: int = Field(2_000, ge=1, description="The microprice is judged by the mid this much later.")
    stale_ms: int = Field(3_000, ge=1, description="A book older than this does not count as covered.")
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")
