"""Who owns what: each user's collateral, positions, tokens, orders and history, and the house that keeps the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from shared.rules.fees import FEE_DAYS, SPOT_SCHEDULE, FeeRates, FeeSchedule
from shared.rules.market_fees import MarketFees
from shared.units import Usd
from shared.venue.core.balances import Balance, Treasury
from shared.venue.core.clearing import Clearinghouse, Holding, MarkedPrices
from shared.venue.core.events import FillHappened, FundingPaid, OrderChanged
from shared.venue.core.identity import DayVolume, Identity
from shared.venue.core.ledger_entries import LedgerChanged
from shared.venue.core.listing import Listing
from shared.venue.core.order import Order
from shared.venue.core.wealth import Wealth


class Kept(NamedTuple):
    """How many ended orders (and changes of orders), fills, ledger entries and fundings a user can still ask about."""

    orders: int = 2_000
    fills: int = 10_000
    ledger: int = 2_000
    fundings: int = 10_000


KEPT: Final = Kept()


class Account:
    """One user: orders, history, and a clearinghouse on each dex. `holdings` finds every perp of every dex."""

    __slots__ = (
        "by_cloid",
        "day_add_usd",
        "day_cross_usd",
        "days",
        "ended",
        "fees_usd",
        "fills",
        "funding_usd",
        "fundings",
        "history",
        "holdings",
        "houses",
        "identity",
        "kept_orders",
        "ledger",
        "market_rates",
        "open_orders",
        "orders",
        "partial_ns",
        "rates",
        "referrer",
        "spot",
        "spot_rates",
        "user",
        "volume_usd",
        "wealth",
    )

    def __init__(
        self,
        user: str,
        rates: FeeRates,
        spot_rates: FeeRates,
        kept: Kept = KEPT,
    ) -> None:
        self.user = user
        self.rates = rates
        self.spot_rates = spot_rates
        self.market_rates: dict[MarketFees, FeeRates] = {}
        self.referrer: str | None = None
        self.identity = Identity()
        self.wealth = Wealth()
        self.ledger: deque[LedgerChanged] = deque(maxlen=kept.ledger)
        self.day_cross_usd = 0
        self.day_add_usd = 0
        self.days: deque[DayVolume] = deque(maxlen=FEE_DAYS)
        self.fees_usd = 0
        self.funding_usd = 0
        self.volume_usd = 0
        self.houses: dict[int, Clearinghouse] = {0: Clearinghouse()}
        self.holdings: dict[int, Holding] = {}
        self.open_orders: dict[int, Order] = {}
        self.orders: dict[int, Order] = {}
        self.by_cloid: dict[str, Order] = {}
        self.ended: deque[Order] = deque()
        self.kept_orders = kept.orders
        self.history: deque[OrderChanged] = deque(maxlen=kept.orders)
        self.fills: deque[FillHappened] = deque(maxlen=kept.fills)
        self.fundings: deque[FundingPaid] = deque(maxlen=kept.fundings)
        self.spot: dict[int, Balance] = {}
        self.partial_ns: int | None = None
        """When a position was last liquidated in part."""

    def house(self, dex: int = 0) -> Clearinghouse:
        """The user's clearinghouse on a dex, made at first touch."""
        house = self.houses.get(dex)
        if house is None:
            house = self.houses[dex] = Clearinghouse()
        return house

    def distinct_houses(self) -> Iterable[tuple[int, Clearinghouse]]:
        """(dex, clearinghouse), each clearinghouse once: some modes have one for several dexs."""
        if len(self.houses) == 1:
            return self.houses.items()
        first = {house: dex for dex, house in reversed(self.houses.items())}
        return [(dex, house) for house, dex in reversed(first.items())]

    def holding(self, listing: Listing, prices: MarkedPrices) -> Holding:
        """The user's holding of a perp, made at first touch."""
        asset = listing.instrument.asset
        holding = self.holdings.get(asset)
        if holding is None:
            house = self.house(listing.dex)
            holding = self.holdings[asset] = Holding(listing, prices, house)
            house.add(holding)
        return holding

    def rates_on(self, fees: MarketFees) -> FeeRates:
        """What the user pays on a market with its own law of fees."""
        rates = self.market_rates.get(fees)
        if rates is None:
            rates = self.market_rates[fees] = fees.rates(self.rates)
        return rates

    def remember(self, order: Order) -> None:
        """Make the order findable by its ids; a reused client id finds the latest."""
        self.orders[order.oid] = order
        if order.cloid is not None:
            self.by_cloid[order.cloid] = order

    def end(self, order: Order) -> None:
        """Count the order as ended; the oldest ended one is forgotten when there are too many."""
        self.ended.append(order)
        if len(self.ended) > self.kept_orders:
            oldest = self.ended.popleft()
            del self.orders[oldest.oid]
            if oldest.cloid is not None and self.by_cloid.get(oldest.cloid) is oldest:
                del self.by_cloid[oldest.cloid]


class Accounts:
    """All users, and the house, to the micro-USDC: deposits - withdrawals = cash legs + unclaimed rewards + what the
    house keeps of fees, gas and funding + what went to spot. Spot balances are apart; `treasury` keeps their law."""

    def __init__(self, schedule: FeeSchedule) -> None:
        self.schedule = schedule
        self.spot_schedule = SPOT_SCHEDULE
        self.outside_usd = 0
        self.kept = KEPT
        """What each new account remembers."""
        self.exchange_days: deque[DayVolume] = deque(maxlen=FEE_DAYS)
        self.rewards_usd = 0
        self.gas_usd = 0
        self.spot_usd = 0
        self.withdrawn_usd = 0
        self.codes: dict[str, str] = {}
        self._rates = schedule.rates_at(0)
        self.by_user: dict[str, Account] = {}
        self.deposits_usd = 0
        self.house_fees_usd = 0
        self.house_funding_usd = 0
        self.treasury = Treasury()
        self.recipients: dict[int, str] = {}
        """Who gets the deployer's part of fees, by dex."""
        self.deployer_fees_usd = 0
        """What they got in all."""
        self.liquidations = 0
        """How many there were; numbers them."""

    def get(self, user: str) -> Account | None:
        """The user's account, or None if nothing was ever deposited."""
        return self.by_user.get(user)

    def rates_of(self, user: str) -> FeeRates:
        """What the user pays; the first tier for a stranger."""
        account = self.by_user.get(user)
        return self._rates if account is None else account.rates

    def opened(self, user: str) -> Account:
        """The user's account, made if need be."""
        account = self.by_user.get(user)
        if account is None:
            account = self.by_user[user] = Account(user, self._rates, self.spot_schedule.rates_at(0), self.kept)
        return account

    def deposit(self, user: str, usd: Usd) -> Account:
        """Account of the user, made if need be, with `usd` more collateral."""
        account = self.opened(user)
        account.house().collateral_usd += usd
        account.wealth.perp_flow_usd += usd
        self.deposits_usd += usd
        return account

    def charge(self, account: Account, house: Clearinghouse, pnl_usd: int, fee_usd: int, notional_usd: int) -> None:
        """Book the cash of one fill."""
        house.collateral_usd += pnl_usd - fee_usd
        account.fees_usd += fee_usd
        account.volume_usd += notional_usd
        self.house_fees_usd += fee_usd

    def reward(self, account: Account, usd: int, is_builder: bool) -> None:
        """Move a part of the fees taken from the house to one who may claim it."""
        identity = account.identity
        identity.unclaimed_usd += usd
        if is_builder:
            identity.builder_usd += usd
        else:
            identity.referral_usd += usd
        self.house_fees_usd -= usd
        self.rewards_usd += usd

    def pay_funding(self, account: Account, holding: Holding, usd: int) -> None:
        """Book one funding payment; what rounding leaves over stays with the house."""
        holding.funding_all_usd += usd
        holding.funding_since_open_usd += usd
        holding.funding_since_change_usd += usd
        holding.credit(usd)
        account.funding_usd += usd
        self.house_funding_usd -= usd
