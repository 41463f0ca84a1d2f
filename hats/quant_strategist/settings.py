"""The Quant Strategist's section of the configuration: which strategies run, on what, with how much."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from shared.config import Section
from shared.ids import FOREIGN, HOUSE


class StrategySettings(Section):
    """What every strategy has: a name, a coin and a share of the capital."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="Short name, in every order and report.")
    coin: str = Field(min_length=1, description="The perp it trades.")
    capital_share: float = Field(gt=0, le=1, description="Its share of capital_usd; all shares sum to at most 1.")


class AvellanedaStoikovSettings(StrategySettings):
    """A market maker after Avellaneda and Stoikov, in basis points of the microprice and quotes of inventory."""

    ASCENDING: ClassVar = (("half_spread_min_bps", "half_spread_max_bps"),)

    kind: Literal["avellaneda_stoikov"] = "avellaneda_stoikov"
    quote_share: float = Field(0.1, gt=0, le=1, description="Size of one quote as a share of the strategy's limit.")
    risk_aversion: float = Field(0.05, gt=0, description="gamma, per bps and quote of inventory.")
    arrival_decay: float = Field(3.0, gt=0, description="kappa, per bps: how fast fills thin out with distance.")
    horizon_s: float = Field(5.0, gt=0, description="Rolling horizon over which inventory risk is counted.")
    half_spread_min_bps: float = Field(0.1, gt=0, description="Never quote nearer to the reservation price.")
    half_spread_max_bps: float = Field(50.0, gt=0, description="Never quote further; caps the inventory shift too.")
    turbulent_widening: float = Field(1.0, ge=0, description="Spread grows by this factor of P(turbulent).")
    turbulent_shrinking: float = Field(0.5, ge=0, le=1, description="Size shrinks by this factor of P(turbulent).")


class TrendSettings(StrategySettings):
    """A trend follower on the cross of two averages of the mid, measured in their own standard deviation."""

    kind: Literal["trend"] = "trend"
    sample_ms: int = Field(1_000, ge=1, description="The mid is sampled at this interval.")
    fast_s: float = Field(10.0, gt=0, description="Time constant of the fast average.")
    slow_s: float = Field(
        40.0, gt=0, description="Time constant of the slow average; nothing is done before it passed."
    )
    enter_z: float = Field(1.0, gt=0, description="Cross that opens a position, in standard deviations.")
    exit_z: float = Field(0.25, ge=0, description="Cross below which the position is closed.")
    full_z: float = Field(2.0, gt=0, description="Cross at which the whole limit is used.")
    sigma_target_bps: float = Field(2.0, gt=0, description="Volatility per root second above which size shrinks.")
    rebalance_share: float = Field(0.25, gt=0, le=1, description="Smallest change of a position, share of the limit.")
    collar_bps: float = Field(5.0, ge=0, le=100, description="How far through the best quote an entry may reach.")
    tif: Literal["Ioc", "Gtc"] = Field("Ioc", description="Ioc takes or leaves; Gtc lets the rest of an entry rest.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not (self.fast_s < self.slow_s and self.exit_z < self.enter_z <= self.full_z):
            raise ValueError("expected fast_s < slow_s and exit_z < enter_z <= full_z")
        return self


def _kind_of(given: Any) -> Any:
    return given.get("kind") if isinstance(given, dict) else getattr(given, "kind", None)


AnyStrategy = Annotated[
    Annotated[AvellanedaStoikovSettings, Tag("avellaneda_stoikov")] | Annotated[TrendSettings, Tag("trend")],
    Discriminator(
        _kind_of,
        custom_error_type="kind",
        custom_error_message="kind: expected avellaneda_stoikov or trend",
    ),
]

_DEFAULTS = (
    AvellanedaStoikovSettings(id="mm_btc", coin="BTC", capital_share=0.5),
    TrendSettings(id="trend_eth", coin="ETH", capital_share=0.3),
)


class Settings(Section):
    """Capital, the strategies that share it, and when quotes are moved or withdrawn."""

    ASCENDING: ClassVar = (("deny_pause_ms", "deny_pause_max_ms"),)

    strategies: tuple[AnyStrategy, ...] = Field(_DEFAULTS, max_length=64, description="What runs, side by side.")
    capital_usd: int = Field(50_000, gt=0, description="Whole USDC that the shares are shares of.")
    requote_min_ms: int = Field(200, ge=0, description="Shortest time between two rounds of orders of one strategy.")
    requote_ticks: int = Field(1, ge=0, description="A quote stays while its price is this close to the wish.")
    requote_size_share: float = Field(0.25, ge=0, lt=1, description="And while its size is this close.")
    stale_ms: int = Field(3_000, ge=1, description="Features older than this withdraw the quotes.")
    regime_stale_ms: int = Field(60_000, ge=1, description="A regime older than this counts as unknown.")
    sigma_fallback_bps: float = Field(
        3.0, gt=0, description="Volatility per root second while the regime is unknown; turbulence is assumed as well."
    )
    deny_pause_ms: int = Field(500, ge=1, description="Pause of a strategy after a veto; doubles with each in a row.")
    deny_pause_max_ms: int = Field(30_000, ge=1, description="Longest such pause.")
    cancel_retry_ms: int = Field(
        2_000, ge=1, description="A cancel that changed nothing is asked for again after this."
    )
    yield_ms: int = Field(1_000, ge=1, description="How long quotes keep out of the way of our own taker.")
    watch_every_ms: int = Field(250, ge=1, description="How often ages and presence are looked at.")
    markout_ms: int = Field(5_000, ge=1, description="A fill's edge is judged by the mid this much later.")
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")

    @field_validator("strategies")
    @classmethod
    def _sound(cls, value: tuple[AnyStrategy, ...]) -> tuple[AnyStrategy, ...]:
        ids = [strategy.id for strategy in value]
        if len(set(ids)) < len(ids):
            raise ValueError(f"expected different ids, got {ids}")
        if (HOUSE | {FOREIGN}) & set(ids):
            raise ValueError(f"{sorted(HOUSE | {FOREIGN})} are names of the house's own")
        if sum(strategy.capital_share for strategy in value) > 1.0 + 1e-9:
            raise ValueError("the capital shares sum to more than 1")
        return value
