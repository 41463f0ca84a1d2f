"""What one user has on one dex: collateral, positions, leverage, and the margin that decides what they allow."""

from __future__ import annotations

from typing import Final

from shared.order import Side
from shared.position import Position
from shared.rules.margin import initial_margin_usd, maintenance_usd, withdrawable_usd
from shared.units import Px, Sz, Usd
from shared.venue.core.listing import Listing, MarginMode
from shared.venue.core.order import Order

_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


class MarkedPrices:
    """The two prices of one asset that valuation needs; the market moves them, every holding reads them."""

    __slots__ = ("mark_px", "oracle_px", "previous_px")

    def __init__(self) -> None:
        self.mark_px = Px(0)
        self.oracle_px = Px(0)
        self.previous_px = Px(0)
        """The mark before the last one."""


class Holding:
    """What one user has on one asset: position, leverage, and lots of resting orders that may add to it."""

    __slots__ = (
        "funding_all_usd",
        "funding_since_change_usd",
        "funding_since_open_usd",
        "house",
        "is_cross",
        "leverage",
        "listing",
        "open_buy_sz",
        "open_sell_sz",
        "pocket_usd",
        "position",
        "prices",
        "reduce_only",
    )

    def __init__(self, listing: Listing, prices: MarkedPrices, house: Clearinghouse) -> None:
        self.house = house
        self.listing = listing
        self.prices = prices
        self.position = Position()
        self.leverage = listing.default_leverage
        self.open_buy_sz = 0
        self.open_sell_sz = 0
        self.reduce_only: dict[int, Order] = {}
        self.is_cross = listing.margin_mode is MarginMode.NORMAL
        self.pocket_usd = 0
        """Collateral of an isolated position; 0 for a cross one and for none."""
        self.funding_all_usd = 0
        self.funding_since_open_usd = 0
        self.funding_since_change_usd = 0

    def fill(self, is_buy: bool, px: Px, sz: Sz) -> Usd:
        """PnL realised by the fill, fees not included; funding sums start anew where the venue's do."""
        position = self.position
        start = position.net_sz
        pnl = position.apply(_BUY if is_buy else _SELL, px, sz)
        self.funding_since_change_usd = 0
        if start * position.net_sz <= 0:
            self.funding_since_open_usd = 0
        return pnl

    def worst_sz(self, more_buy_sz: int = 0, more_sell_sz: int = 0) -> int:
        """Largest absolute position if all resting orders of one side filled; reduce-only orders can't add."""
        net = self.position.net_sz
        return max(net + self.open_buy_sz + more_buy_sz, self.open_sell_sz + more_sell_sz - net)

    def margin_usd(self, sz: int, leverage: int = 0) -> Usd:
        """Initial margin of `sz` lots at the mark, at the holding's leverage unless another is given."""
        return initial_margin_usd(self.listing.tiers, sz * self.prices.mark_px, leverage or self.leverage)

    def reserved_usd(self) -> int:
        """Cross margin that is spoken for: that of the position with its orders; if isolated, of the orders alone."""
        margin = self.margin_usd(self.worst_sz())
        return margin if self.is_cross else margin - self.used_usd()

    def used_usd(self) -> Usd:
        """Initial margin of the position alone."""
        return self.margin_usd(abs(self.position.net_sz))

    def unrealised_usd(self) -> Usd:
        """PnL if all were closed at the mark."""
        return self.position.unrealised_usd(self.prices.mark_px)

    def equity_usd(self) -> int:
        """Own margin of an isolated position, its unrealised PnL included."""
        return self.pocket_usd + self.unrealised_usd()

    def own_raw_usd(self) -> int:
        """Cash leg of an isolated position: the venue's `leverage.rawUsd`."""
        return self.pocket_usd - self.position.cost_usd

    def credit(self, usd: int) -> None:
        """Book money (negative: a charge) where the position's margin lies."""
        if self.is_cross:
            self.house.collateral_usd += usd
        else:
            self.pocket_usd += usd

    def move_to_pocket(self, usd: int) -> None:
        """Move cash from cross to the isolated margin; negative moves it back."""
        self.house.collateral_usd -= usd
        self.pocket_usd += usd

    def notional_usd(self) -> Usd:
        """Absolute value of the position at the mark."""
        return Usd(abs(self.position.net_sz) * self.prices.mark_px)

    def maintenance_usd(self) -> Usd:
        """Margin below which the position is liquidated."""
        return maintenance_usd(self.listing.tiers, self.notional_usd())

    def rest(self, order: Order) -> None:
        """Count an order that begins to rest."""
        if order.reduce_only:
            self.reduce_only[order.oid] = order
        else:
            self.release(order, -order.sz)

    def release(self, order: Order, sz: int) -> None:
        """Stop counting `sz` lots of a resting order."""
        if order.reduce_only:
            return
        if order.is_buy:
            self.open_buy_sz -= sz
        else:
            self.open_sell_sz -= sz


class Clearinghouse:
    """One user on one dex. All sums are of the cross margin; isolated positions have their own, kept beside it.

    Cash leg (`raw_usd`) + cross positions at the mark = value; collateral is what is realised.
    """

    __slots__ = ("collateral_usd", "holdings", "isolated")

    def __init__(self) -> None:
        self.collateral_usd = 0
        self.holdings: dict[int, Holding] = {}
        """Those on cross margin, by asset."""
        self.isolated: dict[int, Holding] = {}

    def add(self, holding: Holding) -> None:
        """Keep the holding with those of its kind; also after its kind has changed."""
        asset = holding.listing.instrument.asset
        into, other = (self.holdings, self.isolated) if holding.is_cross else (self.isolated, self.holdings)
        other.pop(asset, None)
        into[asset] = holding

    def value_usd(self) -> int:
        """Collateral plus unrealised PnL of every cross position at its mark."""
        value = self.collateral_usd
        for holding in self.holdings.values():
            position = holding.position
            if position.net_sz:
                value += position.net_sz * holding.prices.mark_px - position.cost_usd
        return value

    def raw_usd(self) -> int:
        """Collateral minus what longs cost plus what shorts brought: the venue's `totalRawUsd`."""
        return self.collateral_usd - sum(holding.position.cost_usd for holding in self.holdings.values())

    def reserved_usd(self) -> int:
        """Initial margin of all cross positions, and of resting orders of every kind."""
        reserved = 0
        for holding in self.holdings.values():
            reserved += holding.reserved_usd()
        for holding in self.isolated.values():
            reserved += holding.reserved_usd()
        return reserved

    def used_usd(self) -> int:
        """Initial margin of all cross positions."""
        used = 0
        for holding in self.holdings.values():
            if holding.position.net_sz:
                used += holding.used_usd()
        return used

    def notional_usd(self) -> int:
        """Absolute value of all cross positions at their marks."""
        return sum(holding.notional_usd() for holding in self.holdings.values())

    def maintenance_usd(self) -> int:
        """Value below which the cross positions are liquidated."""
        return sum(holding.maintenance_usd() for holding in self.holdings.values() if holding.position.net_sz)

    def is_sound(self) -> bool:
        """Does the value cover the maintenance? It does if it is half of the positions, since no rate is higher."""
        value, notional = self.collateral_usd, 0
        for holding in self.holdings.values():
            net = holding.position.net_sz
            if net:
                worth = net * holding.prices.mark_px
                value += worth - holding.position.cost_usd
                notional += abs(worth)
        return 2 * value >= notional or value >= self.maintenance_usd()

    def withdrawable_usd(self) -> Usd:
        """What may leave for elsewhere: value less the larger of initial margin with orders and 10 % of positions."""
        return withdrawable_usd(self.value_usd(), self.reserved_usd(), self.notional_usd())

    def can_place(self, holding: Holding, worst_sz: int, then_sz: int) -> bool:
        """Does the account value cover the initial margin if the holding's worst case becomes `then_sz`?

        An order that does not raise the margin of its asset is always covered.
        """
        more = holding.margin_usd(then_sz) - holding.margin_usd(worst_sz)
        return more <= 0 or self.value_usd() >= self.reserved_usd() + more

    def can_fill(self, holding: Holding, signed_sz: int, px: int, fee_usd: int) -> bool:
        """Would the account, after this fill, still cover its positions' initial margin?

        A fill worse than the mark loses the difference at once. A reducing one may be as bad as leaves no debt.
        """
        net = holding.position.net_sz
        gain = signed_sz * (holding.prices.mark_px - px) - fee_usd
        if abs(net + signed_sz) <= abs(net):
            return gain >= 0 or self.value_usd() + gain >= 0
        value, used = self.collateral_usd + gain, 0
        for each in self.holdings.values():
            position = each.position
            net = position.net_sz
            if net:
                value += net * each.prices.mark_px - position.cost_usd
            if each is holding:
                net += signed_sz
            if net:
                used += each.margin_usd(abs(net))
        return value >= used
