"""What the venue does to a coin or to us while we trade: delisting, settlement far from the market, deleveraging,
liquidation, new leverage. By policy the desk stops or takes it on; in both cases no order is lost on what is gone, and
the books come to the exchange's to the last unit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from orchestrator.rehearsal import STAGE_MARKET, START_NS, MakeDrivers, Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.ids import Role
from shared.messages.account import FundingPayment
from shared.messages.control import KillLevel, KillOrdered, Measured
from shared.messages.market import UniverseUpdate
from shared.messages.order import FillBooked, SubmitOrder
from shared.units import BPS, HOUR, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core import backstop
from shared.venue.core.accounts import Account
from shared.venue.core.clearing import Holding
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.dealings import Withdraw
from shared.venue.core.exchange import Exchange
from shared.venue.core.hour_mean import HourMean
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.rulings import ChangeListing, Delist, Liquidate, OverridePremium
from shared.venue.door.door import Door
from shared.venue.flow.synthetic import SyntheticMarket

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ETH = 1
ETH_PX = 349_900
"""About its price when the desk holds it, in the units of its listing."""
STRANGER = "0x" + "99" * 20
HEARD_S = 1
REFRESHED_S = 61


class Held:
    """A desk with a position of both coins, each with its stop, and what it did since something happened to it."""

    def __init__(
        self,
        folder: Path,
        policy: Literal["halt", "adopt"],
        *,
        until_stopped: bool = True,
        make_drivers: MakeDrivers | None = None,
        start_ns: Ns = START_NS,
    ) -> None:
        makers = [
            {"id": f"mm_{coin.lower()}", "coin": coin, "capital_share": 0.45, "kind": "avellaneda_stoikov"}
            for coin in ("BTC", "ETH")
        ]
        hats = {
            "execution_manager": {"protect_stop_bps": 500, "foreign_fills": policy},
            "quant_strategist": {"strategies": makers},
        }
        settings = Settings.model_validate({"hats": hats})
        self.desk: Rehearsal = rehearse(
            settings, folder / "journal.sqlite", seed=7, make_drivers=make_drivers, start_ns=start_ns
        )
        for _ in range(1_200):
            self.desk.run_for(0.1)
            if len(self.desk.positions()) == 2 and bool(self.bare()) is not until_stopped:
                break
        assert len(self.desk.positions()) == 2
        assert bool(self.bare()) is not until_stopped
        self.since: Ns = self.desk.stage.clock.now()
        self.compared_seq = 0
        self.compared: set[str] = set()

    def happens(self, *commands: Any) -> None:
        """Done to the exchange, now."""
        for command in commands:
            assert self.desk.venue.door.apply(command, self.desk.stage.clock.now()).error is None

    def sent(self, coin: str | None = None, after_s: float = HEARD_S) -> list[SubmitOrder]:
        """Orders that left for the exchange, from so long after it happened."""
        found = [
            decode(entry.body)
            for entry in self.desk.journal.reader.messages(kind=SubmitOrder.__name__)
            if entry.ts > self.since + after_s * SECOND
        ]
        return [order for order in found if isinstance(order, SubmitOrder) and coin in (None, order.coin)]

    def foreign_pxs(self) -> list[int]:
        """Prices of the fills of no order of ours."""
        booked = [decode(entry.body) for entry in self.desk.journal.reader.messages(kind=FillBooked.__name__)]
        return [one.fill.px for one in booked if isinstance(one, FillBooked) and one.fill.cloid is None]

    def quoted(self) -> set[int]:
        """Assets in which something of ours rests that may add."""
        return {order.asset for order in self.desk.exchange.open_orders(self.desk.master) if not order.reduce_only}

    def stopped(self) -> set[int]:
        """Assets with a stop of ours."""
        return {order.asset for order in self.desk.exchange.open_orders(self.desk.master) if order.trigger is not None}

    def deleverage(self, asset: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody who holds the other side of our whole position goes bankrupt, and of all winners we are chosen."""
        master, by_rank = self.desk.master, backstop.ranked

        def ranked(*asked: Any) -> list[tuple[Account, Holding]]:
            return sorted(by_rank(*asked), key=lambda one: one[0].user != master)

        monkeypatch.setattr(backstop, "ranked", ranked)
        (held,) = (one for one in self.desk.exchange.account(master).positions if one.asset == asset)
        is_buy = held.net_sz < 0
        far_px = self.desk.exchange.book_levels(asset, 50)[is_buy][-1].px
        order = OrderSpec(asset, is_buy, far_px, Sz(abs(held.net_sz)), False, Tif.IOC)
        self.happens(Deposit(STRANGER, Usd(USD * 10**6)), PlaceOrders(STRANGER, (order,)), Liquidate(STRANGER, "adl"))

    def bare(self) -> set[int]:
        """Assets that are held without a stop of all of it."""
        held = {position.asset: position.net_sz for position in self.desk.exchange.account(self.desk.master).positions}
        found = {asset for asset, net_sz in held.items() if net_sz}
        for order in self.desk.exchange.open_orders(self.desk.master):
            net_sz = held.get(order.asset, 0)
            if order.trigger is not None and order.is_buy == (net_sz < 0) and order.sz >= abs(net_sz):
                found.discard(order.asset)
        return found

    def agree(self) -> None:
        """Positions, cash and equity are the exchange's, micro-dollar for micro-dollar, and were at each comparison."""
        ledger, account = self.desk.heart.situation.ledger, self.desk.exchange.account(self.desk.master)
        assert ledger is not None
        assert {line.coin: line.net_sz for line in ledger.positions} == self.desk.positions()
        assert ledger.equity_usd == account.value_usd
        assert ledger.equity_usd - sum(line.net_sz * line.mark_px for line in ledger.positions) == account.raw_usd
        assert ledger.cash_gap_usd == 0
        earned = ledger.realised_usd + ledger.unrealised_usd - ledger.fees_usd + ledger.funding_usd
        assert ledger.equity_usd == ledger.start_equity_usd + ledger.transfers_usd + earned
        reader = self.desk.journal.reader
        measured = [decode(entry.body) for entry in reader.messages(self.compared_seq, Measured.__name__)]
        self.compared_seq = reader.last_seq()
        for name in ("ledger_difference_usd", "attribution_residual_usd"):
            samples = [s for one in measured if isinstance(one, Measured) and one.measure == name for s in one.samples]
            assert not any(samples), name
            self.compared.update([name] if samples else [])
        assert len(self.compared) == 2

    def agree_at_the_end(self) -> None:
        """Drained: nothing held, nothing open, and the equity is the exchange's, micro-dollar for micro-dollar."""
        self.desk.drain()
        ledger = self.desk.heart.situation.ledger
        assert ledger is not None
        assert not self.desk.positions()
        assert not self.quoted() | self.stopped()
        assert ledger.equity_usd == self.desk.exchange.account(self.desk.master).value_usd


@pytest.mark.parametrize("event", [Delist(ETH), Liquidate("", "adl")], ids=["settled", "deleveraged"])
def test_by_policy_everything_stops(tmp_path: Path, event: Any) -> None:
    """A fill of no order of ours: within a second nothing rests that may add, and nothing more leaves until a human has
    looked; what is still held keeps its stop.
    """
    held = Held(tmp_path, "halt")
    try:
        held.happens(Liquidate(held.desk.master, "adl") if isinstance(event, Liquidate) else event)
        held.desk.run_for(HEARD_S)
        assert not held.quoted()
        assert not held.desk.heart.supervisor.is_armed
        held.desk.run_for(60)
        assert not held.sent()
        assert held.stopped() == {0 if coin == "BTC" else ETH for coin in held.desk.positions()}
    finally:
        held.desk.close()


@pytest.mark.parametrize("quarters", [4, 1])
def test_a_delisted_coin_is_traded_no_more_and_the_other_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quarters: int
) -> None:
    """Settled by the exchange, at the market or at a quarter of it, and taken on by the books; none of its orders is
    sent for a minute after, and then none was sent at all."""
    held = Held(tmp_path, "adopt")
    try:
        # what it is settled at: the oracle's mean of the last hour
        monkeypatch.setattr(HourMean, "value", lambda _self, _now: Px(ETH_PX * quarters // 4))
        held.happens(Delist(ETH))
        held.desk.run_for(REFRESHED_S)
        (px,) = held.foreign_pxs()
        assert abs(px * 4 / (ETH_PX * quarters) - 1) < 0.01
        assert not held.sent("ETH")
        assert held.sent("BTC", after_s=30)
        assert ETH not in held.quoted() | held.stopped()
        held.agree_at_the_end()
    finally:
        held.desk.close()


@pytest.mark.parametrize("method", ["adl", "market"])
def test_what_is_taken_from_us_is_booked_to_the_last_unit(tmp_path: Path, method: Literal["adl", "market"]) -> None:
    """Deleveraged, or liquidated on the book, and traded on: at the end the books are the exchange's."""
    held = Held(tmp_path, "adopt")
    try:
        held.happens(Liquidate(held.desk.master, method))
        held.desk.run_for(30)
        assert held.sent(after_s=5)
        held.agree_at_the_end()
    finally:
        held.desk.close()


def test_a_fifth_that_is_liquidated_and_then_the_rest_are_booked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the book, as of positions that are large: the second order within the cooldown is for all that is left."""
    policy = VenuePolicy(liquidation_partial_above_usd=Usd(0))
    monkeypatch.setattr("orchestrator.rehearsal.Exchange", partial(Exchange, policy=policy))
    held = Held(tmp_path, "adopt")
    try:
        before = held.desk.positions()
        held.happens(Liquidate(held.desk.master, "market"))
        assert held.desk.positions() == {coin: net_sz * 4 // 5 for coin, net_sz in before.items()}
        held.desk.run_for(5)
        held.happens(Liquidate(held.desk.master, "market"))
        assert not held.desk.positions()
        held.desk.run_for(65)
        held.agree_at_the_end()
        held.agree()
    finally:
        held.desk.close()


@pytest.mark.parametrize("px", ["bankruptcy", "mark"])
def test_what_goes_with_positions_that_the_backstop_takes_is_booked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, px: Literal["bankruptcy", "mark"]
) -> None:
    """All margin is gone, though the fills carried only a part of it, or none: nothing tells the rest as a sum."""
    monkeypatch.setattr("orchestrator.rehearsal.Exchange", partial(Exchange, policy=VenuePolicy(backstop_px=px)))
    held = Held(tmp_path, "adopt")
    try:
        worth_usd = held.desk.exchange.account(held.desk.master).value_usd
        held.happens(Liquidate(held.desk.master, "backstop"))
        held.desk.run_for(90)
        assert worth_usd > 1_000 * USD
        assert held.desk.exchange.account(held.desk.master).value_usd == 0
        held.agree()
        held.agree_at_the_end()
    finally:
        held.desk.close()


@pytest.mark.parametrize("event", ["settled", "deleveraged", "liquidated"])
def test_what_is_left_has_its_stop_within_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    """Trading stops while a position is too young for a stop, or when a liquidation in part has cancelled them all."""
    monkeypatch.setattr(
        "orchestrator.rehearsal.Exchange", partial(Exchange, policy=VenuePolicy(liquidation_partial_above_usd=Usd(0)))
    )
    held = Held(tmp_path, "halt", until_stopped=event == "liquidated")
    try:
        before = held.desk.positions()
        match event:
            case "settled":
                held.happens(Delist(next(iter({0, ETH} - held.bare()), ETH)))
            case "deleveraged":
                held.deleverage(next(iter({0, ETH} - held.bare()), ETH), monkeypatch)
            case _:
                held.happens(Liquidate(held.desk.master, "market"))
        assert held.bare()
        held.desk.run_for(HEARD_S)
        assert held.desk.positions() != before
        assert held.desk.positions()
        assert not held.desk.heart.supervisor.is_armed
        held.desk.run_for(5 - HEARD_S)
        assert not held.bare()
        for _ in range(60):
            held.desk.run_for(1)
            assert not held.bare()
    finally:
        held.desk.close()


class Still:
    """The synthetic market until `is_still`; from then on oracles stay, at little cost of time, after one move."""

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self.market = SyntheticMarket(exchange, seed, STAGE_MARKET)
        self.exchange = exchange
        self.is_still = False
        self.moves_bps = {0: 0, ETH: 0}

    def step(self, door: Door, now: Ns) -> Ns:
        """The oracle says again what it said, or moves this once."""
        if not self.is_still:
            return self.market.step(door, now)
        for asset in (0, ETH):
            px = self.exchange.asset_view(asset).oracle_px
            px = Px(px + px * self.moves_bps[asset] // BPS)
            door.apply(SetPrices(asset, px, px), now)
        self.moves_bps = {0: 0, ETH: 0}
        return Ns(now + 3 * SECOND)


@pytest.mark.timeout(600)
def test_the_books_hold_while_funding_eats_the_margin(tmp_path: Path) -> None:
    """Both positions pay 4 % an hour. All that may go is withdrawn at a better mark, which then comes back: deleveraged
    at the second payment, a debt forgiven.
    """
    markets: list[Still] = []

    def made(exchange: Exchange, seed: int) -> Sequence[Still]:
        markets.append(Still(exchange, seed))
        return markets

    held = Held(tmp_path, "adopt", make_drivers=made, start_ns=Ns((START_NS // HOUR + 1) * HOUR - 150 * SECOND))
    desk = held.desk
    try:
        desk.stage.publish(Role.OPERATOR, KillOrdered(KillLevel.PAUSE, "test"))
        desk.run_for(3)
        markets[0].is_still = True
        signs = {one.asset: 1 if one.net_sz > 0 else -1 for one in desk.exchange.account(desk.master).positions}
        markets[0].moves_bps = {asset: 300 * sign for asset, sign in signs.items()}
        desk.run_for(4)
        free = desk.exchange.account(desk.master).withdrawable_usd // USD
        premiums = (OverridePremium(asset, 10**10 * sign) for asset, sign in signs.items())
        held.happens(*premiums, Withdraw(desk.master, f"{free}", 1))
        for _ in range(5):
            desk.run_for(900)
            held.agree()
            if not desk.positions():
                break
        paid = [decode(entry.body) for entry in desk.journal.reader.messages(kind=FundingPayment.__name__)]
        assert [abs(one.rate_e10) for one in paid if isinstance(one, FundingPayment)] == 4 * [4 * 10**8]
        assert held.foreign_pxs()
        assert desk.exchange.account(desk.master).value_usd == 0
        held.agree()
    finally:
        desk.close()


def test_another_leverage_is_heard_within_a_minute(tmp_path: Path) -> None:
    """The universe is read again."""
    held = Held(tmp_path, "halt")
    try:
        held.happens(ChangeListing(ETH, max_leverage=3))
        held.desk.run_for(REFRESHED_S)
        last = [decode(entry.body) for entry in held.desk.journal.reader.messages(kind=UniverseUpdate.__name__)][-1]
        assert isinstance(last, UniverseUpdate)
        assert {one.coin: one.max_leverage for one in last.instruments}["ETH"] == 3
        held.agree_at_the_end()
    finally:
        held.desk.close()
