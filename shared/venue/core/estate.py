"""What a liquidation is about: one user's cross margin on one dex, or one isolated position."""

from __future__ import annotations

from typing import NamedTuple

from shared.venue.core.accounts import Account
from shared.venue.core.clearing import Clearinghouse, Holding


class Estate(NamedTuple):
    """Positions that answer for each other with one margin; `alone` is the isolated one, None means all cross."""

    account: Account
    dex: int
    house: Clearinghouse
    alone: Holding | None = None

    @property
    def is_cross(self) -> bool:
        """Is it the cross margin?"""
        return self.alone is None

    def held(self) -> list[Holding]:
        """Holdings with a position, in order of first touch."""
        holdings = self.house.holdings.values() if self.alone is None else (self.alone,)
        return [holding for holding in holdings if holding.position.net_sz]

    def owns(self, asset: int) -> bool:
        """Do orders of this asset rest on this margin?"""
        return asset in self.house.holdings if self.alone is None else self.alone.listing.instrument.asset == asset

    def equity_usd(self) -> int:
        """What there is at the marks."""
        return self.house.value_usd() if self.alone is None else self.alone.equity_usd()

    def maintenance_usd(self) -> int:
        """What there must be."""
        return self.house.maintenance_usd() if self.alone is None else self.alone.maintenance_usd()

    def notional_usd(self) -> int:
        """Value of the positions at the marks."""
        return sum(holding.notional_usd() for holding in self.held())

    def nets(self) -> dict[int, int]:
        """Signed lots by asset, of positions only."""
        return {holding.listing.instrument.asset: holding.position.net_sz for holding in self.held()}


def estates_of(account: Account) -> list[Estate]:
    """Everything of the user that can be liquidated by itself."""
    estates = []
    for dex, house in account.distinct_houses():
        estates.append(Estate(account, dex, house))
        estates += [Estate(account, dex, house, alone) for alone in house.isolated.values() if alone.position.net_sz]
    return estates
