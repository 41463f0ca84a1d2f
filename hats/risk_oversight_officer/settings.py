"""The Risk Oversight Officer's section of the configuration: every limit, with its unit."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from shared.config import Section
from shared.messages.risk import RiskModel
from shared.rules.intervals import INTERVALS_NS
from shared.units import MS

TailModel = Literal[RiskModel.HISTORICAL, RiskModel.FILTERED, RiskModel.MONTE_CARLO, RiskModel.CORNISH_FISHER]


class Settings(Section):
    """What may be risked. Money is in whole USDC; a value equal to a limit passes, the next lot does not."""

    ASCENDING: ClassVar = (("var_samples_min", "var_samples"), ("var_horizon_samples", "var_samples"))

    # one order
    order_limit_usd: int = Field(25_000, gt=0, description="Largest notional of one order.")
    fat_finger_limit_usd: int = Field(
        50_000, gt=0, description="Largest value of one order at our mid and at the venue's oracle, whatever its price."
    )
    depth_limit_percent: int = Field(
        1_000, gt=0, description="Largest order over what the book shows on the side that it would take."
    )
    price_collar_bps: int = Field(200, gt=0, description="Furthest a price may lie from our own mid.")
    oracle_collar_bps: int = Field(500, gt=0, description="Furthest a price may lie from the venue's oracle.")
    exit_collar_bps: int = Field(
        1_500, gt=0, description="Both collars for orders by which the house closes a position, where this is further."
    )
    drift_collar_bps: int = Field(
        1_000, gt=0, description="Furthest a price may lie beyond the mids of the drift window."
    )
    drift_window_ms: int = Field(60_000, ge=1_000, description="Window of the drift collar.")
    trigger_limit_bps: int = Field(2_000, gt=0, description="Furthest a trigger's price may lie from our own mid.")
    trigger_reach_bps: int = Field(
        1_000, gt=0, description="Furthest a trigger's limit price may lie from the price that wakes it."
    )
    spread_limit_bps: int = Field(200, gt=0, description="Widest book that an order may be decided on.")
    price_gap_limit_bps: int = Field(
        500, gt=0, description="Furthest our mid and the venue's oracle may lie apart: one of them is wrong."
    )
    # positions
    position_limit_usd: int = Field(
        50_000, gt=0, description="Largest position of one coin if every open order fills against us."
    )
    position_limits_usd: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="The same for single coins, where it differs."
    )
    turbulent_scale_percent: int = Field(
        50,
        ge=0,
        le=100,
        description="Share of a position limit that holds while the coin's regime is turbulent or unknown.",
    )
    gross_limit_usd: int = Field(150_000, gt=0, description="Sum of the coins' worst positions.")
    net_limit_usd: int = Field(100_000, gt=0, description="Worst sum of the positions with their signs.")
    clusters: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Coins that fall together, by name; the rest are the cluster `others`."
    )
    cluster_limit_usd: int = Field(120_000, gt=0, description="Sum of the worst positions of one cluster.")
    strategy_limit_usd: int = Field(100_000, gt=0, description="What one strategy holds and has open, all coins.")
    concentration_limit_percent: int = Field(100, gt=0, description="One coin's worst position over equity.")
    # money
    leverage_limit_percent: int = Field(300, gt=0, description="Worst gross exposure over equity; 300 is threefold.")
    margin_use_limit_percent: int = Field(
        50, gt=0, le=100, description="Maintenance margin of the worst positions over equity."
    )
    liquidation_distance_bps: int = Field(
        1_000, gt=0, description="Nearest that a coin's liquidation price may come to its price."
    )
    drawdown_limit_bps: int = Field(
        1_000, gt=0, le=10_000, description="Fall of equity from its peak beyond which trading is halted."
    )
    daily_loss_limit_bps: int = Field(
        500,
        gt=0,
        le=10_000,
        description="Fall of equity since the UTC day began beyond which only reducing is allowed.",
    )
    daily_volume_limit_usd: int = Field(50_000_000, gt=0, description="Notional approved within a UTC day.")
    funding_limit_bps: int = Field(
        10, gt=0, description="Highest funding that a position may pay per hour and still be added to."
    )
    equity_age_limit_ms: int = Field(10_000, gt=0, description="Oldest equity that risk may be added on.")
    cash_gap_limit_usd: int = Field(
        1, ge=0, description="Cash that may differ between the venue and the ledger, unexplained, twice in a row."
    )
    # data
    data_age_limit_ms: int = Field(3_000, gt=0, description="Oldest book that an order may be decided on.")
    exit_data_age_limit_ms: int = Field(
        10_000, gt=0, description="Oldest book for closing everything, when waiting costs more than a rough price."
    )
    context_age_limit_ms: int = Field(60_000, gt=0, description="Oldest word on mark, oracle and funding.")
    regime_age_limit_ms: int = Field(
        300_000, gt=0, description="How long after the next bar's end a regime holds; then it is unknown."
    )
    clock_offset_limit_ms: int = Field(
        5_000,
        gt=0,
        description="Furthest our clock may be from the venue's, or this machine's from when the run began.",
    )
    # pace
    order_rate_limit: int = Field(50, gt=0, description="Most approvals within the window.")
    strategy_rate_limit: int = Field(40, gt=0, description="Most approvals of one strategy within the window.")
    order_rate_window_ms: int = Field(1_000, gt=0, description="Window of the order rates.")
    open_orders_limit: int = Field(60, gt=0, description="Most orders that may be open at once, in doubt included.")
    coin_orders_limit: int = Field(30, gt=0, description="The same within one coin.")
    in_doubt_limit: int = Field(20, gt=0, description="Orders in doubt from which on nothing is added.")
    repeated_fills_limit: int = Field(
        300,
        gt=0,
        description="Fills of a strategy one way in one coin, within the window, beyond which it is disabled.",
    )
    repeated_window_ms: int = Field(60_000, gt=0, description="Window of the repeated fills.")
    # sizing
    sizing_fraction_percent: float = Field(
        0.0, ge=0, description="Largest position of one coin over equity; 0: no such rule."
    )
    sizing_volatility_bps: float = Field(
        500.0, ge=0, description="Largest daily standard deviation of one coin's position over equity; 0: no such rule."
    )
    sizing_edges_bps: dict[str, float] = Field(
        default_factory=dict,
        description="Daily edge that research proved of a strategy; those named are held to Kelly.",
    )
    sizing_kelly_share: float = Field(0.25, gt=0, le=1, description="Share of the Kelly position that is taken.")
    sizing_kelly_bound_percent: float = Field(100.0, gt=0, description="Largest Kelly position over equity.")
    # the tail
    var_models: tuple[TailModel, ...] = Field(
        (RiskModel.HISTORICAL, RiskModel.FILTERED, RiskModel.CORNISH_FISHER),
        min_length=1,
        description="Who is asked for value at risk and shortfall; the one that fears most is heard.",
    )
    var_limit_bps: int = Field(500, gt=0, description="Value at risk (99 %) over equity.")
    shortfall_limit_bps: int = Field(600, gt=0, description="Expected shortfall (97.5 %) over equity.")
    stress_limit_bps: int = Field(6_000, gt=0, description="Loss in the worst named scenario over equity.")
    var_every_ms: int = Field(60_000, ge=1, description="How often returns are sampled.")
    var_samples: int = Field(500, ge=40, le=5_000, description="Returns kept.")
    var_samples_min: int = Field(60, ge=40, description="Returns of a coin without which its tail counts as unknown.")
    var_horizon_samples: int = Field(60, ge=1, description="Horizon of the tail in sampled returns.")
    var_required: bool = Field(False, description="Deny what adds while the tail is unknown; stress holds in any case.")
    var_alpha: float = Field(0.06, gt=0, lt=1, description="Weight of the last return in its variance.")
    var_beta: float = Field(
        0.94, gt=0, lt=1, description="Weight of the last variance; EWMA if both sum to 1, else GARCH."
    )
    var_fit_every_s: int = Field(
        0,
        ge=0,
        description="How often a job fits each coin's own weights by `arch`, which docs/risk-controls.md says how to "
        "install; 0: never, those above hold.",
    )
    var_alpha_max: float = Field(0.3, gt=0, lt=1, description="Largest fitted weight of the last return that is taken.")
    var_persistence_min: float = Field(
        0.8, gt=0, lt=1, description="Least sum of fitted weights that is taken; a sum of 1 or more never is."
    )
    var_simulations: int = Field(2_000, ge=100, le=20_000, description="Draws of the Monte Carlo method.")
    var_seed: int = Field(1, ge=0, description="Seed of the Monte Carlo method.")
    # the vigil
    confirm_ms: int = Field(
        2_000, ge=0, description="How long a cause must hold at every look before it tightens the trading state."
    )
    acknowledge_ms: int = Field(
        60_000, ge=0, description="An alert that nobody acknowledged by then tightens the trading state by itself."
    )
    denials_limit: int = Field(600, gt=0, description="Intents denied within a minute beyond which something is wrong.")
    flatten_alarm_ms: int = Field(
        10_000, ge=0, description="An alert is raised when what was to be closed is still held after this time."
    )
    resume_delay_ms: int = Field(
        5_000, ge=0, description="The operator's resume loosens only after this time; a kill in between cancels it."
    )
    operator_public_key: str = Field(
        "",
        pattern="^([0-9a-f]{66})?$",
        description="Who must sign what loosens: resume, rearm, ack (`hats keys operator`). Empty: nobody need sign.",
    )
    # approvals and reports
    approval_ttl_ms: int = Field(2_000, gt=0, description="An approval that was not sent by then is void.")
    release_grace_ms: int = Field(
        10_000, ge=0, description="A void approval that nobody mentioned stays reserved for so long."
    )
    report_every_ms: int = Field(1_000, ge=1, description="How often exposure is reported.")
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")

    @field_validator("var_models")
    @classmethod
    def _somebody_always_speaks(cls, value: tuple[TailModel, ...]) -> tuple[TailModel, ...]:
        if set(value) == {RiskModel.CORNISH_FISHER}:
            raise ValueError("expected a model beside cornish_fisher, which has no say outside its domain")
        return value

    @model_validator(mode="after")
    def _weights_are_stable(self) -> Settings:
        if self.var_alpha + self.var_beta > 1.0 + 1e-9:
            raise ValueError(f"var_alpha + var_beta is {self.var_alpha + self.var_beta}, expected at most 1")
        return self

    @model_validator(mode="after")
    def _fits_have_candles(self) -> Settings:
        if self.var_fit_every_s and self.var_every_ms * MS not in INTERVALS_NS.values():
            raise ValueError(f"var_fit_every_s: expected var_every_ms as long as a candle, got {self.var_every_ms}")
        return self

    @field_validator("clusters")
    @classmethod
    def _clusters_are_apart(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        coins = [coin for members in value.values() for coin in members]
        twice = sorted({coin for coin in coins if coins.count(coin) > 1})
        if twice or "others" in value:
            raise ValueError("expected each coin in one cluster and none named `others`")
        return value
