"""The exchange as one pure state machine: a command and the time go in, statuses and events come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from shared.book import Level
from shared.errors import UnitError
from shared.rules.fees import PERP_SCHEDULE, FeeRates, FeeSchedule
from shared.rules.limits import MAX_BATCH
from shared.units import Ns, Px
from shared.venue import words
from shared.venue.accounts import Account, Accounts, Holding
from shared.venue.block import Block
from shared.venue.candles import Candle
from shared.venue.clockwork import Clockwork
from shared.venue.commands import (
    Cancelled,
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    FillHappened,
    FundingPaid,
    ModifyOrders,
    ModifySpec,
    OrderChanged,
    OrderView,
    Outcome,
    PassTime,
    PlaceOrders,
    Refused,
    SetPrices,
    Status,
    Tif,
    TradeHappened,
    UpdateLeverage,
)
from shared.venue.digest import state_digest
from shared.venue.listing import Listing
from shared.venue.market import FundingPoint, Market
from shared.venue.matching import Matching
from shared.venue.order import Order
from shared.venue.placing import Placing, action_fault, batch_fault
from shared.venue.views import (
    AccountView,
    AssetView,
    HouseView,
    OrderRecord,
    account_view,
    asset_view,
    mid_text,
    record_of,
)


class Exchange:
    """Perps on cross margin: orders, fills, fees, funding. Same commands at the same times give the same state.

    Queries by asset raise KeyError for an asset that is not listed; queries by user answer emptily for a stranger.
    """

    def __init__(
        self, listings: Sequence[Listing], *, fee_schedule: FeeSchedule = PERP_SCHEDULE, start_ns: int = 0
    ) -> None:
        self._markets = {listing.instrument.asset: Market(listing) for listing in listings}
        if len(self._markets) != len(listings):
            raise UnitError("two listings have the same asset id")
        self._accounts = Accounts(fee_schedule)
        self._matching = Matching(self._accounts)
        self._placing = Placing(self._matching)
        self._clockwork = Clockwork(start_ns)
        self._now_ns = start_ns
        self._blocks = 0

    # --- commands

    def apply(self, command: Command, now: Ns) -> Outcome:
        """What the command came to at `now`, after everything that fell due before it.

        UnitError if time goes back, and for a deposit or price that is not positive or an asset that is not listed.
        """
        if now < self._now_ns:
            raise UnitError(f"time went back from {self._now_ns} to {now} ns")
        self._now_ns = now
        self._blocks += 1
        block = Block(self._blocks, now)
        self._clockwork.advance(self._markets, self._accounts, block)
        answer = self._answer(command, block)
        events = block.finished()
        return Outcome((), answer, events) if isinstance(answer, str) else Outcome(answer, None, events)

    def _answer(self, command: Command, block: Block) -> tuple[Status, ...] | str:
        """Statuses of the entries, or the error of the action as a whole."""
        match command:
            case PlaceOrders():
                return self._place(command, block)
            case CancelOrders():
                return self._cancel(command, block)
            case ModifyOrders():
                return self._modify(command, block)
            case SetPrices():
                return self._set_prices(command, block)
            case UpdateLeverage():
                return self._update_leverage(command)
            case Deposit():
                if command.usd <= 0:
                    raise UnitError(f"expected a positive deposit, got {command.usd}")
                self._accounts.deposit(command.user, command.usd)
                return ()
            case PassTime():
                return ()

    def _place(self, command: PlaceOrders, block: Block) -> tuple[Status, ...] | str:
        """Each order at its turn; a fault of the payload refuses the batch before anything happens."""
        account = self._accounts.get(command.user)
        if account is None:
            return words.must_deposit(command.user)
        specs = command.orders
        if not specs:
            return (Refused(words.ORDERS_EMPTY),)
        error = action_fault(self._markets, specs, len(specs))
        if error is not None:
            return error
        fault = batch_fault(self._markets, specs)
        if fault is not None:
            return (Refused(fault),)
        statuses = []
        for spec in specs:
            market = self._markets[spec.asset]
            self._holding(account, market)
            statuses.append(self._placing.place(spec, account, market, block))
        return tuple(statuses)

    def _cancel(self, command: CancelOrders, block: Block) -> tuple[Status, ...] | str:
        """Each cancel at its turn."""
        account = self._accounts.get(command.user)
        if account is None:
            return words.must_deposit(command.user)
        if len(command.cancels) > MAX_BATCH:
            return words.OVER_WEIGHT
        return tuple(self._cancel_one(cancel, account, block) for cancel in command.cancels)

    def _cancel_one(self, cancel: CancelOrder, account: Account, block: Block) -> Status:
        """The order gone from the book, or the venue's word that there is none."""
        target = cancel.oid if cancel.oid is not None else cancel.cloid
        order = _open_order(account, target, cancel.asset)
        if order is None:
            return Refused(words.for_asset(words.MISSING, cancel.asset))
        self._matching.cancel(order, "canceled", account, self._markets[order.asset], block)
        return Cancelled()

    def _modify(self, command: ModifyOrders, block: Block) -> tuple[Status, ...] | str:
        """Each modify at its turn; a fault of the payload refuses the batch before anything happens."""
        account = self._accounts.get(command.user)
        if account is None:
            return words.must_deposit(command.user)
        specs = [modify.order for modify in command.modifies]
        if not specs:
            return (Refused(words.ORDERS_EMPTY),)
        error = action_fault(self._markets, specs, len(specs))
        if error is not None:
            return error
        fault = batch_fault(self._markets, specs)
        if fault is None and not command.always_place and any(spec.tif not in (Tif.ALO, Tif.GTC) for spec in specs):
            fault = words.MODIFY_TIF
        if fault is not None:
            return (Refused(fault),)
        return tuple(self._modify_one(modify, command.always_place, account, block) for modify in command.modifies)

    def _modify_one(self, modify: ModifySpec, always_place: bool, account: Account, block: Block) -> Status:
        """Status of the replacement. Its events come before the cancel's, as seen live."""
        spec = modify.order
        old = _open_order(account, modify.target, spec.asset)
        if old is None and not always_place:
            return Refused(words.MODIFY_MISSING)
        market = self._markets[spec.asset]
        self._holding(account, market)
        start = len(block.events)
        if old is not None:
            self._matching.cancel(old, "canceled", account, market, block)
        cancelled = block.events[start:]
        del block.events[start:]
        if not always_place:
            spec = msgspec.structs.replace(spec, tif=Tif.ALO)
        status = self._placing.place(spec, account, market, block)
        block.events += cancelled
        if old is not None and isinstance(status, Refused):
            return Refused(words.modify_failed(status.error))
        return status

    def _set_prices(self, command: SetPrices, block: Block) -> tuple[Status, ...]:
        """The oracle moved; the mark follows."""
        if command.oracle_px <= 0 or command.asset not in self._markets:
            raise UnitError(f"expected a positive price of a listed asset, got {command}")
        self._markets[command.asset].reprice(block, command.oracle_px)
        return ()

    def _update_leverage(self, command: UpdateLeverage) -> tuple[Status, ...] | str:
        """Nothing to report, or why the leverage stays as it is."""
        account = self._accounts.get(command.user)
        if account is None:
            return words.must_deposit(command.user)
        market = self._markets.get(command.asset)
        if market is None:
            return words.for_asset(words.UNKNOWN_ASSET, command.asset)
        if not 1 <= command.leverage <= market.instrument.max_leverage:
            return words.INVALID_LEVERAGE
        holding = self._holding(account, market)
        if not command.is_cross:
            return words.LEVERAGE_TYPE if holding.position.net_sz else words.ISOLATED
        if command.leverage < holding.leverage:
            before = holding.reserved_usd()
            after = holding.margin_usd(holding.worst_sz(), command.leverage)
            if after > before and account.value_usd() < account.reserved_usd() - before + after:
                return words.LEVERAGE_MARGIN
        holding.leverage = command.leverage
        return ()

    @staticmethod
    def _holding(account: Account, market: Market) -> Holding:
        """The user's holding of the asset, made at first touch."""
        holding = account.holdings.get(market.asset)
        if holding is None:
            holding = account.holdings[market.asset] = Holding(market.listing, market.prices)
        return holding

    # --- questions about an asset

    @property
    def now_ns(self) -> Ns:
        """Time of the last command."""
        return Ns(self._now_ns)

    @property
    def listings(self) -> Mapping[int, Listing]:
        """What is listed, by asset id."""
        return MappingProxyType({asset: market.listing for asset, market in self._markets.items()})

    def book_levels(self, asset: int, depth: int = 20) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """(bids, asks), best first, at most `depth` levels each."""
        return self._markets[asset].book.levels(depth)

    def trades(self, asset: int, n: int = 100) -> tuple[TradeHappened, ...]:
        """The last `n` prints, newest first (500 are kept)."""
        tape = self._markets[asset].trades
        return tuple(tape[-1 - index] for index in range(min(n, len(tape))))

    def candles(self, asset: int, interval: str, start_ms: int = 0, end_ms: int | None = None) -> tuple[Candle, ...]:
        """Candles that overlap the span, oldest first; KeyError for an interval outside `candles.INTERVALS_NS`."""
        return self._markets[asset].candles.read(interval, start_ms, end_ms)

    def funding_history(self, asset: int) -> tuple[FundingPoint, ...]:
        """Settled hours, oldest first."""
        return tuple(self._markets[asset].fundings)

    def asset_view(self, asset: int) -> AssetView:
        """Prices, open interest, premium and running funding rate."""
        return asset_view(self._markets[asset])

    def mark(self, asset: int) -> Px:
        """The mark price; 0 before the first oracle price."""
        return self._markets[asset].prices.mark_px

    def oracle(self, asset: int) -> Px:
        """The oracle price; 0 before the first."""
        return self._markets[asset].prices.oracle_px

    def mid_text(self, asset: int) -> str | None:
        """Exact mid; the last trade if a side is empty; None if there never was one."""
        return mid_text(self._markets[asset])

    # --- questions about money and users

    def house(self) -> HouseView:
        """What the house keeps; with all cash legs it equals the deposits."""
        accounts = self._accounts
        return HouseView(accounts.deposits_usd, accounts.house_fees_usd, accounts.house_funding_usd)

    def has_account(self, user: str) -> bool:
        """Did this user ever deposit?"""
        return self._accounts.get(user) is not None

    def users(self) -> tuple[str, ...]:
        """Everyone with an account, in order of first deposit."""
        return tuple(self._accounts.by_user)

    def account(self, user: str) -> AccountView:
        """The user's standing at the marks; zeros for a stranger."""
        account = self._accounts.get(user)
        return AccountView(user) if account is None else account_view(account)

    def leverage(self, user: str, asset: int) -> int:
        """Leverage of the user on the asset, chosen or by default."""
        account = self._accounts.get(user)
        holding = None if account is None else account.holdings.get(asset)
        return self._markets[asset].listing.default_leverage if holding is None else holding.leverage

    def fee_rates(self, user: str) -> FeeRates:
        """What the user pays."""
        return self._accounts.rates_of(user)

    def open_orders(self, user: str) -> tuple[OrderView, ...]:
        """Resting orders, oldest first."""
        account = self._accounts.get(user)
        return () if account is None else tuple(order.view() for order in account.open_orders.values())

    def order_by_oid(self, user: str, oid: int) -> OrderRecord | None:
        """The user's order with its latest status; None if unknown, another's, or over 2,000 ended orders ago."""
        account = self._accounts.get(user)
        order = None if account is None else account.orders.get(oid)
        return None if order is None else record_of(order)

    def order_by_cloid(self, user: str, cloid: str) -> OrderRecord | None:
        """As `order_by_oid`; the latest order under this client id."""
        account = self._accounts.get(user)
        order = None if account is None else account.by_cloid.get(cloid)
        return None if order is None else record_of(order)

    def order_history(self, user: str) -> tuple[OrderChanged, ...]:
        """The user's last 2,000 order changes, newest first; an order appears once per status."""
        account = self._accounts.get(user)
        return () if account is None else tuple(reversed(account.history))

    def fills(self, user: str) -> tuple[FillHappened, ...]:
        """The user's last 10,000 fills, oldest first."""
        account = self._accounts.get(user)
        return () if account is None else tuple(account.fills)

    def fundings(self, user: str) -> tuple[FundingPaid, ...]:
        """The user's last 500 funding payments, oldest first."""
        account = self._accounts.get(user)
        return () if account is None else tuple(account.fundings)

    def digest(self) -> str:
        """SHA-256 of the full state, in hex."""
        counters = (self._now_ns, self._blocks, self._placing.next_oid, self._clockwork.state())
        return state_digest(counters, self._markets, self._accounts)


def _open_order(account: Account, target: int | str | None, asset: int) -> Order | None:
    """The user's resting order of this asset under a venue or client id."""
    if isinstance(target, str):
        named = account.by_cloid.get(target)
        order = None if named is None else account.open_orders.get(named.oid)
    else:
        order = None if target is None else account.open_orders.get(target)
    return order if order is not None and order.asset == asset else None
