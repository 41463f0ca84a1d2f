"""The Performance Quant Analyst's section of the configuration."""

from __future__ import annotations

from pydantic import Field

from shared.config import Section


class Settings(Section):
    """How often the ledger speaks and how it is compared with the venue's."""

    report_interval_ms: int = Field(500, gt=0, description="A LedgerReport at least this often.")
    fill_report_interval_ms: int = Field(50, gt=0, description="After a fill at once, but not more often than this.")
    sample_interval_ms: int = Field(1000, gt=0, description="Step of the equity curve.")
    measures_every_ms: int = Field(1000, gt=0, description="How often raw measures are reported.")
    sharpe_min_returns: int = Field(60, ge=2, description="Returns needed before a Sharpe ratio is shown.")
    settle_ms: int = Field(
        1500,
        ge=0,
        description="How long fills that a snapshot contains may still be on their way before it is compared.",
    )
    equity_tolerance_bps: float = Field(
        50.0, ge=0.0, description="Of gross notional: how far equities may differ because marks are of other moments."
    )
    funding_grace_ms: int = Field(60_000, gt=0, description="How late after the hour a funding payment may be booked.")
