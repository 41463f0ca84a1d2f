"""The analyst's ledger and the exchange agree to the last unit while a desk trades for two strategies over the hour."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from hats.performance_quant_analyst import PerformanceQuantAnalyst
from hats.performance_quant_analyst.settings import Settings
from shared.ids import Cloid, Role, StrategyId, cloid_for
from shared.messages import AnyMessage
from shared.messages.account import AccountSnapshot, FundingPayment, LedgerReport, Reconciled, VenuePosition
from shared.messages.control import Measured, Started, Woke
from shared.messages.market import AssetContext, FundingClock
from shared.messages.order import Fill, FillBooked
from shared.order import Side
from shared.units import HOUR, MS, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, Tif
from shared.venue.core.events import Event, FillHappened, FundingPaid, PricesChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.synthetic import SyntheticMarket, SyntheticSettings

USER = "0xdesk"
START = Ns((1_700_000_000 // 3600 + 1) * HOUR - 20 * SECOND)
ROLE = Role.PERFORMANCE_QUANT_ANALYST
STRATEGIES = {1: StrategyId("mm"), 2: StrategyId("trend")}


class Desk:
    """An exchange with a market, a desk that trades at random for two strategies, and the analyst who books it."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.exchange = Exchange(listings(COINS[:2]), start_ns=START)
        chosen = SyntheticSettings(events_per_second=10.0, fundamental_interval_ms=1_000)
        self.market = SyntheticMarket(self.exchange, seed, chosen, COINS[:2])
        self.analyst = PerformanceQuantAnalyst(Settings(funding_grace_ms=20_000))
        self.reports: list[LedgerReport] = []
        self.measured: dict[str, list[float]] = {}
        self.orders = 0
        self.tell(Started(ROLE, 1, START), START)
        self.tell(FundingClock(Ns((START // HOUR + 1) * HOUR), {}), START)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """The core's answer; what concerns the desk is told to the analyst."""
        outcome = self.exchange.apply(command, now)
        for message in self.messages(outcome.events, now):
            self.tell(message, now)
        return outcome

    def messages(self, events: Iterable[Event], now: Ns) -> Iterable[AnyMessage]:
        """Events in the house's words."""
        for event in events:
            match event:
                case FillHappened(user=user) if user == USER:
                    yield self.booked(event, now)
                case FundingPaid(user=user) if user == USER:
                    coin, at = COINS[event.asset].name, Ns(event.time_ms * MS)
                    yield FundingPayment(coin, event.usd, event.net_sz, event.rate_e10, at, now)
                case PricesChanged():
                    rate = self.exchange.asset_view(event.asset).rate_e10
                    yield AssetContext(COINS[event.asset].name, event.mark_px, event.oracle_px, 0, rate, now)
                case _:
                    pass

    def booked(self, event: FillHappened, now: Ns) -> FillBooked:
        """The desk's fill with the strategy that its order's id names."""
        assert event.cloid is not None
        side, at = Side.BUY if event.is_buy else Side.SELL, Ns(event.time_ms * MS)
        fill = Fill(
            COINS[event.asset].name,
            side,
            event.px,
            event.sz,
            event.oid,
            Cloid(event.cloid),
            event.tid,
            event.crossed,
            event.fee,
            event.closed_pnl,
            event.start_position,
            at,
            now,
        )
        return FillBooked(fill, STRATEGIES[int(event.cloid[18:22], 16)])

    def tell(self, message: AnyMessage, now: Ns) -> None:
        """Let the analyst hear it, and keep its reports and samples."""
        for said in self.analyst.handle(message, now):
            if isinstance(said, LedgerReport):
                self.reports.append(said)
            elif isinstance(said, Measured):
                self.measured.setdefault(said.measure, []).extend(said.samples)

    def trade(self, now: Ns) -> None:
        """A random order of a random strategy."""
        self.orders += 1
        asset, is_buy = self.chance.randrange(2), self.chance.random() < 0.5
        bids, asks = self.exchange.book_levels(asset, 3)
        px = self.chance.choice([level.px for level in (*bids, *asks)])
        sz = Sz(self.chance.randrange(20, 200) * 10**7 // px)
        cloid = cloid_for(1, self.chance.choice(list(STRATEGIES)), self.orders)
        self.apply(PlaceOrders(USER, (OrderSpec(asset, is_buy, Px(px), sz, False, Tif.GTC, cloid),)), now)

    def account(self, now: Ns) -> None:
        """The venue's word on the account."""
        view = self.exchange.account(USER)
        held = tuple(VenuePosition(COINS[p.asset].name, p.net_sz, Usd(0), p.leverage) for p in view.positions)
        cash, value = Usd(view.raw_usd), Usd(view.value_usd)
        self.tell(AccountSnapshot(value, cash, Usd(view.withdrawable_usd), held, (), (), now, now), now)


@pytest.mark.parametrize("seed", [1, 2])
def test_ledger_and_exchange_agree_to_the_last_unit(seed: int) -> None:
    """After every second of trading, over a funding instant too: cash, positions, equity and fees are equal."""
    desk = Desk(seed)
    due = desk.market.step(desk, START)
    desk.apply(Deposit(USER, Usd(100_000 * USD)), START)
    desk.account(START)
    for second in range(1, 61):
        now = Ns(START + second * SECOND)
        while due <= now:
            due = desk.market.step(desk, due)
        desk.trade(now)
        desk.account(now)
        desk.tell(Reconciled(True, 0, 0, ()), now)
        desk.tell(Woke(ROLE, "report", now), now)
        desk.tell(Woke(ROLE, "measures", now), now)
        view, report = desk.exchange.account(USER), desk.reports[-1]
        assert report.equity_usd == view.value_usd
        assert report.fees_usd == view.fees_usd
        assert report.funding_usd == view.funding_usd
        assert {p.coin: p.net_sz for p in report.positions} == {COINS[p.asset].name: p.net_sz for p in view.positions}
    assert desk.reports[-1].fills > 30
    assert desk.reports[-1].funding_usd != 0
    assert {line.strategy for line in desk.reports[-1].attribution} == set(STRATEGIES.values())
    assert set(desk.measured["ledger_difference_usd"]) == {0.0}
    assert set(desk.measured["attribution_residual_usd"]) == {0.0}
    assert set(desk.measured["funding_booked"]) == {1.0}
    assert max(desk.measured["funding_error_bps"]) < 20, "the oracle of 3 s before the hour is what differs"
    assert max(desk.measured["funding_forecast_bps"]) < 0.1
