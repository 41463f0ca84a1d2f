"""Who owns what: each user's collateral, positions, leverage, orders and history, and the house that keeps the rest."""

from __future__ import annotations

from collections import deque
from typing import Final

from shared.order import Side
from shared.position import Position
from shared.rules.fees import FeeRates, FeeSchedule
from shared.rules.margin import initial_margin_usd, maintenance_usd
from shared.units import Px, Sz, Usd
from shared.venue.commands import FillHappened, FundingPaid, OrderChanged
from shared.venue.listing import Listing
from shared.venue.order import Order

KEPT_ORDERS: Final = 2_000
"""Ended orders a user can still ask about."""
KEPT_FILLS: Final = 10_000
KEPT_FUNDINGS: Final = 500


class MarkedPrices:
    """The two prices of one asset that valuation needs; the market moves them, every holding reads them."""

    __slots__ = ("mark_px", "oracle_px")

    def __init__(self) -> None:
        self.mark_px = Px(0)
        self.oracle_px = Px(0)


class Holding:
    """What one user has on one asset: position, leverage, and lots of resting orders that may add to it."""

    __slots__ = (
        "funding_all_usd",
        "funding_since_change_usd",
        "funding_since_open_usd",
        "leverage",
        "listing",
        "open_buy_sz",
        "open_sell_sz",
        "position",
        "prices",
        "reduce_only",
    )

    def __init__(self, listing: Listing, prices: MarkedPrices) -> None:
        self.listing = listing
        self.prices = prices
        self.position = Position()
        self.leverage = listing.default_leverage
        self.open_buy_sz = 0
        self.open_sell_sz = 0
        self.reduce_only: dict[int, Order] = {}
        self.funding_all_usd = 0
        self.funding_since_open_usd = 0
        self.funding_since_change_usd = 0

    def fill(self, is_buy: bool, px: Px, sz: Sz) -> Usd:
        """PnL realised by the fill, fees not included; funding sums start anew where the venue's do."""
        start = self.position.net_sz
        pnl = self.position.apply(Side.BUY if is_buy else Side.SELL, px, sz)
        self.funding_since_change_usd = 0
        if start * self.position.net_sz <= 0:
            self.funding_since_open_usd = 0
        return pnl

    def worst_sz(self, more_buy_sz: int = 0, more_sell_sz: int = 0) -> int:
        """Largest absolute position if all resting orders of one side filled; reduce-only orders can't add."""
        net = self.position.net_sz
        return max(net + self.open_buy_sz + more_buy_sz, self.open_sell_sz + more_sell_sz - net)

    def margin_usd(self, sz: int, leverage: int = 0) -> Usd:
        """Initial margin of `sz` lots at the mark, at the holding's leverage unless another is given."""
        return initial_margin_usd(self.listing.tiers, sz * self.prices.mark_px, leverage or self.leverage)

    def reserved_usd(self) -> Usd:
        """Initial margin of the position with its resting orders."""
        return self.margin_usd(self.worst_sz())

    def used_usd(self) -> Usd:
        """Initial margin of the position alone."""
        return self.margin_usd(abs(self.position.net_sz))

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


class Account:
    """One user. Cash leg (`raw_usd`) + positions at the mark = account value; collateral holds the realised part."""

    __slots__ = (
        "by_cloid",
        "collateral_usd",
        "ended",
        "fees_usd",
        "fills",
        "funding_usd",
        "fundings",
        "history",
        "holdings",
        "open_orders",
        "orders",
        "rates",
        "user",
        "volume_usd",
    )

    def __init__(self, user: str, rates: FeeRates) -> None:
        self.user = user
        self.rates = rates
        self.collateral_usd = 0
        self.fees_usd = 0
        self.funding_usd = 0
        self.volume_usd = 0
        self.holdings: dict[int, Holding] = {}
        self.open_orders: dict[int, Order] = {}
        self.orders: dict[int, Order] = {}
        self.by_cloid: dict[str, Order] = {}
        self.ended: deque[Order] = deque()
        self.history: deque[OrderChanged] = deque(maxlen=KEPT_ORDERS)
        self.fills: deque[FillHappened] = deque(maxlen=KEPT_FILLS)
        self.fundings: deque[FundingPaid] = deque(maxlen=KEPT_FUNDINGS)

    def value_usd(self) -> int:
        """Collateral plus unrealised PnL of every position at its mark."""
        value = self.collateral_usd
        for holding in self.holdings.values():
            if holding.position.net_sz:
                value += holding.position.unrealised_usd(holding.prices.mark_px)
        return value

    def raw_usd(self) -> int:
        """Collateral minus what longs cost plus what shorts brought: the venue's `totalRawUsd`."""
        return self.collateral_usd - sum(holding.position.cost_usd for holding in self.holdings.values())

    def reserved_usd(self) -> int:
        """Initial margin of all positions with their resting orders."""
        return sum(holding.reserved_usd() for holding in self.holdings.values())

    def used_usd(self) -> int:
        """Initial margin of all positions."""
        return sum(holding.used_usd() for holding in self.holdings.values())

    def can_place(self, holding: Holding, is_buy: bool, sz: int) -> bool:
        """Does the account value cover the initial margin with this order resting too?

        An order that does not raise the margin of its asset is always covered.
        """
        before = holding.reserved_usd()
        after = holding.margin_usd(holding.worst_sz(sz, 0) if is_buy else holding.worst_sz(0, sz))
        return after <= before or self.value_usd() >= self.reserved_usd() - before + after

    def can_fill(self, holding: Holding, signed_sz: int, px: int, fee_usd: int) -> bool:
        """Would the account, after this fill, still cover its positions' initial margin?

        Reducing fills are always covered. A fill worse than the mark loses the difference at once.
        """
        net = holding.position.net_sz
        if abs(net + signed_sz) <= abs(net):
            return True
        value = self.value_usd() + signed_sz * (holding.prices.mark_px - px) - fee_usd
        return value >= self.used_usd() - holding.used_usd() + holding.margin_usd(abs(net + signed_sz))

    def remember(self, order: Order) -> None:
        """Make the order findable by its ids; a reused client id finds the latest."""
        self.orders[order.oid] = order
        if order.cloid is not None:
            self.by_cloid[order.cloid] = order

    def end(self, order: Order) -> None:
        """Count the order as ended; the oldest ended one is forgotten when there are too many."""
        self.ended.append(order)
        if len(self.ended) > KEPT_ORDERS:
            oldest = self.ended.popleft()
            del self.orders[oldest.oid]
            if oldest.cloid is not None and self.by_cloid.get(oldest.cloid) is oldest:
                del self.by_cloid[oldest.cloid]


class Accounts:
    """All users, and the house: deposits = sum of cash legs + fees + funding residue, to the micro-USDC."""

    def __init__(self, schedule: FeeSchedule) -> None:
        self._rates = schedule.rates_at(0)
        self.by_user: dict[str, Account] = {}
        self.deposits_usd = 0
        self.house_fees_usd = 0
        self.house_funding_usd = 0

    def get(self, user: str) -> Account | None:
        """The user's account, or None if nothing was ever deposited."""
        return self.by_user.get(user)

    def rates_of(self, user: str) -> FeeRates:
        """What the user pays; the first tier for a stranger."""
        account = self.by_user.get(user)
        return self._rates if account is None else account.rates

    def deposit(self, user: str, usd: Usd) -> Account:
        """Account of the user, made if need be, with `usd` more collateral."""
        account = self.by_user.get(user)
        if account is None:
            account = self.by_user[user] = Account(user, self._rates)
        account.collateral_usd += usd
        self.deposits_usd += usd
        return account

    def charge(self, account: Account, pnl_usd: int, fee_usd: int, notional_usd: int) -> None:
        """Book the cash of one fill."""
        account.collateral_usd += pnl_usd - fee_usd
        account.fees_usd += fee_usd
        account.volume_usd += notional_usd
        self.house_fees_usd += fee_usd

    def pay_funding(self, account: Account, holding: Holding, usd: int) -> None:
        """Book one funding payment; what rounding leaves over stays with the house."""
        holding.funding_all_usd += usd
        holding.funding_since_open_usd += usd
        holding.funding_since_change_usd += usd
        account.collateral_usd += usd
        account.funding_usd += usd
        self.house_funding_usd -= usd
