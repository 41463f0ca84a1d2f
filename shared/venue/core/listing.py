"""One perp as the local exchange lists it: the instrument and the law that holds for it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.errors import UnitError
from shared.instrument import Instrument, spot_instrument
from shared.rules.funding import FundingTerms, impact_notional_usd
from shared.rules.margin import MarginTiers, single_tier
from shared.rules.market_fees import MarketFees
from shared.rules.spot import FIRST_SPOT_ASSET
from shared.units import SPOT_PX_DECIMALS, Px, Usd
from shared.venue.core.tokens import QUOTE_DECIMALS, Token

DEFAULT_LEVERAGE = 20


class MarginMode(StrEnum):
    """How positions of an asset may be margined, in the venue's words; the last two are never cross."""

    NORMAL = "normal"
    NO_CROSS = "noCross"
    STRICT_ISOLATED = "strictIsolated"
    """Margin may be added, but leaves only as the position is reduced."""


class SpotPair(msgspec.Struct, frozen=True):
    """What is bought with what. `index` is the pair's place on the venue; its asset id is 10000 more."""

    index: int
    base: Token
    quote: Token
    is_canonical: bool = False

    def __post_init__(self) -> None:
        if self.quote.wei_decimals != QUOTE_DECIMALS:
            raise UnitError(f"expected a quote token of {QUOTE_DECIMALS} wei decimals, got {self.quote}")

    @property
    def name(self) -> str:
        """The pair's coin: `PURR/USDC` has a name for history's sake, all others a number."""
        return f"@{self.index}" if self.index else f"{self.base.name}/{self.quote.name}"

    @property
    def px_decimals(self) -> int:
        """Decimals of a price unit."""
        return SPOT_PX_DECIMALS - self.base.sz_decimals

    def spends(self, is_buy: bool, px: int, sz: int) -> tuple[int, int]:
        """(token, wei) that `sz` lots at `px` take from their buyer or seller."""
        return (self.quote.index, px * sz) if is_buy else (self.base.index, self.base.wei_from_lots(sz))


class Listing(msgspec.Struct, frozen=True):
    """An instrument with its margin tiers, its impact notional in micro-USDC and its dex (0: the validators').

    With `spot` it is a pair of tokens, and the margin tiers mean nothing. `fees` is what the market does to rates.
    `hyperp_px` is the first mark of a perp that has no spot; None for all others. `oi_cap_usd` caps open interest at
    the mark. `growth_changed` is when growth mode changed, as `meta` spells it. `funding` is what a deployer chose.
    `collateral` is what the dex is settled in, None for USDC.
    """

    instrument: Instrument
    tiers: MarginTiers
    impact_usd: Usd
    dex: int = 0
    spot: SpotPair | None = None
    fees: MarketFees | None = None
    margin_mode: MarginMode = MarginMode.NORMAL
    hyperp_px: Px | None = None
    oi_cap_usd: Usd | None = None
    growth_changed: str | None = None
    funding: FundingTerms | None = None
    collateral: Token | None = None

    @property
    def collateral_name(self) -> str:
        """What fills say that fees are paid in."""
        return "USDC" if self.collateral is None else self.collateral.name

    @property
    def default_leverage(self) -> int:
        """Leverage of a user who never chose one: 20, or the asset's maximum if that is less."""
        return min(DEFAULT_LEVERAGE, self.instrument.max_leverage)


def list_perp(
    instrument: Instrument, tiers: MarginTiers | None = None, margin_mode: MarginMode = MarginMode.NORMAL
) -> Listing:
    """A listing by the venue's rules; one tier at the instrument's maximum leverage unless `tiers` says otherwise."""
    impact = impact_notional_usd(instrument.coin)
    tiers = tiers or single_tier(instrument.max_leverage)
    return Listing(instrument, tiers, impact, margin_mode=margin_mode)


def list_spot(pair: SpotPair, fees: MarketFees | None = None) -> Listing:
    """A pair of tokens as a market; nothing is borrowed, so its margin means nothing."""
    instrument = spot_instrument(pair.name, FIRST_SPOT_ASSET + pair.index, pair.base.sz_decimals)
    return Listing(instrument, single_tier(1), Usd(0), spot=pair, fees=fees)
