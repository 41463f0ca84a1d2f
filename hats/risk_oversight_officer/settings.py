"""The Risk Oversight Officer's section of the configuration: every limit, with its unit."""

from __future__ import annotations

from pydantic import Field

from shared.config import Section


class Settings(Section):
    """What may be risked. Money is in whole USDC; a value equal to a limit passes, the next lot does not."""

    order_limit_usd: int = Field(25_000, gt=0, description="Largest notional of one order.")
    position_limit_usd: int = Field(
        50_000, gt=0, description="Largest position of one coin if every open order fills against us."
    )
    position_limits_usd: dict[str, int] = Field(
        default_factory=dict, description="The same for single coins, where it differs."
    )
    gross_limit_usd: int = Field(150_000, gt=0, description="Sum of the coins' worst positions.")
    leverage_limit_percent: int = Field(300, gt=0, description="Worst gross exposure over equity; 300 is threefold.")
    drawdown_limit_bps: int = Field(
        1_000, gt=0, le=10_000, description="Fall of equity from its peak beyond which trading is halted."
    )
    turbulent_scale_percent: int = Field(
        50, ge=0, le=100, description="Share of a position limit that holds while the coin's regime is turbulent."
    )
    price_collar_bps: int = Field(200, gt=0, description="Furthest a price may lie from our own mid.")
    oracle_collar_bps: int = Field(500, gt=0, description="Furthest a price may lie from the venue's oracle, if known.")
    data_age_limit_ms: int = Field(3_000, gt=0, description="Oldest book that an order may be decided on.")
    exit_data_age_limit_ms: int = Field(
        10_000, gt=0, description="Oldest book for closing everything, when waiting costs more than a rough price."
    )
    equity_age_limit_ms: int = Field(10_000, gt=0, description="Oldest equity that risk may be added on.")
    order_rate_limit: int = Field(50, gt=0, description="Most approvals within the window.")
    order_rate_window_ms: int = Field(1_000, gt=0, description="Window of the order rate.")
    open_orders_limit: int = Field(60, gt=0, description="Most orders that may be open at once, in doubt included.")
    approval_ttl_ms: int = Field(2_000, gt=0, description="An approval that was not sent by then is void.")
    release_grace_ms: int = Field(
        10_000, ge=0, description="A void approval that nobody mentioned stays reserved for so long."
    )
    report_every_ms: int = Field(1_000, ge=1, description="How often exposure is reported.")
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")
