"""What the venue does to a coin or to us while we trade: delisting, settlement far from the market, deleveraging,
liquidation, new leverage. By policy the desk stops or takes it on; in both cases no order is lost on what is gone, and
the books come to the exchange's to the last unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.messages.market import UniverseUpdate
from shared.messages.order import FillBooked, SubmitOrder
from shared.units import SECOND, Ns, Px
from shared.venue.core.hour_mean import HourMean
from shared.venue.core.rulings import ChangeListing, Delist, Liquidate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ETH = 1
ETH_PX = 349_900
"""About its price when the desk holds it, in the units of its listing."""
HEARD_S = 1
REFRESHED_S = 61


class Held:
    """A desk with a position of both coins, each with its stop, and what it did since something happened to it."""

    def __init__(self, folder: Path, policy: Literal["halt", "adopt"]) -> None:
        makers = [
            {"id": f"mm_{coin.lower()}", "coin": coin, "capital_share": 0.45, "kind": "avellaneda_stoikov"}
            for coin in ("BTC", "ETH")
        ]
        hats = {
            "execution_manager": {"protect_stop_bps": 500, "foreign_fills": policy},
            "quant_strategist": {"strategies": makers},
        }
        settings = Settings.model_validate({"hats": hats})
        self.desk: Rehearsal = rehearse(settings, folder / "journal.sqlite", seed=7)
        for _ in range(120):
            self.desk.run_for(1)
            if len(self.desk.positions()) == len(self.stopped()) == 2:
                break
        assert len(self.desk.positions()) == len(self.stopped()) == 2
        self.since: Ns = self.desk.stage.clock.now()

    def happens(self, *commands: Any) -> None:
        """Done to the exchange, now."""
        for command in commands:
            assert self.desk.venue.door.apply(command, self.since).error is None

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
