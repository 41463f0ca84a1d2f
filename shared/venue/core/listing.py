"""One perp as the local exchange lists it: the instrument and the law that holds for it."""

from __future__ import annotations

import msgspec

from shared.instrument import Instrument
from shared.rules.funding import impact_notional_usd
from shared.rules.margin import MarginTiers, single_tier
from shared.rules.market_fees import MarketFees
from shared.units import Usd
from shared.venue.core.tokens import Token

DEFAULT_LEVERAGE = 20


class SpotPair(msgspec.Struct, frozen=True):
    """What is bought with what. `index` is the pair's place on the venue; its asset id is 10000 more."""

    index: int
    base: Token
    quote: Token
    is_canonical: bool = False


class Listing(msgspec.Struct, frozen=True):
    """An instrument with its margin tiers, its impact notional in micro-USDC and its dex (0: the validators').

    With `spot` it is a pair of tokens, and the margin tiers mean nothing. `fees` is what the market does to rates.
    """

    instrument: Instrument
    tiers: MarginTiers
    impact_usd: Usd
    dex: int = 0
    spot: SpotPair | None = None
    fees: MarketFees | None = None

    @property
    def default_leverage(self) -> int:
        """Leverage of a user who never chose one: 20, or the asset's maximum if that is less."""
        return min(DEFAULT_LEVERAGE, self.instrument.max_leverage)


def list_perp(instrument: Instrument, tiers: MarginTiers | None = None) -> Listing:
    """A listing by the venue's rules; one tier at the instrument's maximum leverage unless `tiers` says otherwise."""
    return Listing(instrument, tiers or single_tier(instrument.max_leverage), impact_notional_usd(instrument.coin))
