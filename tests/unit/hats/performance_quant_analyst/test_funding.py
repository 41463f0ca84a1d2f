"""Funding is judged by the exchange's law: the rate paid, the size held, the oracle known before the hour."""

from __future__ import annotations

import pytest

from hats.performance_quant_analyst import PerformanceQuantAnalyst
from hats.performance_quant_analyst.funding import error_bps, forecast_bps, settled
from hats.performance_quant_analyst.settings import Settings
from shared.ids import Role, StrategyId, cloid_for
from shared.messages import AnyMessage
from shared.messages.account import AccountSnapshot, FundingPayment, FundingSettled
from shared.messages.control import Measured, Started, Woke
from shared.messages.market import AssetContext, FundingClock
from shared.messages.order import Fill, FillBooked
from shared.order import Side
from shared.rules.funding import HOURLY_CAP_E10, payment_usd
from shared.units import HOUR, MS, SECOND, USD, Ns, Px, Sz, Usd

ROLE = Role.PERFORMANCE_QUANT_ANALYST
HOUR_NS = Ns(472_222 * HOUR)
ORACLE, LOTS, RATE = Px(300_010), 50_000, 125_000
CONTEXT = AssetContext("ETH", Px(300_020), ORACLE, 77, RATE, Ns(HOUR_NS - 2 * SECOND), 3_177_400)


def paid(usd: int, rate_e10: int = RATE, net_sz: int = LOTS) -> FundingPayment:
    """A payment of the hour."""
    return FundingPayment("ETH", Usd(usd), net_sz, rate_e10, Ns(HOUR_NS + 48 * MS), Ns(HOUR_NS + SECOND))


LAW = payment_usd(LOTS, ORACLE, RATE)


@pytest.mark.parametrize(
    ("payment", "error"),
    [
        (paid(LAW), 0.0),
        (paid(LAW + 1), 0.0),
        (paid(-LAW), 20_000.0),
        (paid(8 * LAW), 70_000.0),
        (paid(0), 10_000.0),
        (paid(payment_usd(LOTS, 2 * HOURLY_CAP_E10, ORACLE), 2 * HOURLY_CAP_E10), 10_000.0),
    ],
    ids=["exact", "rounded", "wrong sign", "eight hours at once", "nothing", "beyond the cap"],
)
def test_a_payment_that_breaks_the_law_is_seen(payment: FundingPayment, error: float) -> None:
    """Sign, span, size and cap: each mistake is worth what it costs, a micro-USDC of rounding nothing."""
    row = settled(HOUR_NS, LOTS, CONTEXT, payment)
    assert error_bps(row) == pytest.approx(error, abs=0.5)


def test_a_payment_for_a_position_we_do_not_hold_is_an_error() -> None:
    """The law is applied to our own books: half the size paid is half the payment missing."""
    assert error_bps(settled(HOUR_NS, 2 * LOTS, CONTEXT, paid(LAW))) == pytest.approx(5_000, abs=0.5)


def test_nothing_paid_is_unknown_and_not_zero() -> None:
    """Without a payment there is no error and no forecast to judge; what was known is kept."""
    row = settled(HOUR_NS, LOTS, CONTEXT, None)
    assert (row.paid_usd, row.law_usd, error_bps(row), forecast_bps(row)) == (None, None, None, None)
    assert (row.oracle_px, row.mark_px, row.open_interest, row.premium_e10) == (ORACLE, 300_020, 77, 3_177_400)


def test_the_forecast_is_the_rate_last_heard() -> None:
    """A predicted rate of 0.00125 % and a paid one of 0.00225 % are 0.1 bps apart."""
    assert forecast_bps(settled(HOUR_NS, LOTS, CONTEXT, paid(LAW, RATE + 100_000))) == pytest.approx(0.1)


class Desk:
    """An analyst that holds ETH over the hour."""

    def __init__(self) -> None:
        self.hat = PerformanceQuantAnalyst(Settings())
        self.now = Ns(HOUR_NS - 60 * SECOND)
        at, cloid = self.now, cloid_for(1, 1, 1)
        self.say(Started(ROLE, 1, at))
        self.say(AccountSnapshot(Usd(USD), Usd(USD), Usd(USD), (), (), (), at, at))
        self.say(FundingClock(HOUR_NS, {"ETH": RATE}))
        at = Ns(at + SECOND)
        fill = Fill("ETH", Side.BUY, ORACLE, Sz(LOTS), 1, cloid, 1, True, Usd(0), Usd(0), 0, at, at)
        self.say(FillBooked(fill, StrategyId("carry")))
        self.say(CONTEXT)

    def say(self, message: AnyMessage) -> list[AnyMessage]:
        """What it answers."""
        return list(self.hat.handle(message, self.now))

    def judge(self) -> list[AnyMessage]:
        """What it says once the grace time is over."""
        self.now = Ns(HOUR_NS + 61 * SECOND)
        return self.say(Woke(ROLE, "measures", self.now))


@pytest.mark.parametrize("clock_first", [True, False])
def test_what_comes_after_the_hour_is_not_what_was_predicted(clock_first: bool) -> None:
    """Whether the clock or a context tells first that the hour is over, the context before it is the one judged by."""
    desk = Desk()
    after = AssetContext("ETH", Px(1), Px(1), 1, 1, Ns(HOUR_NS + SECOND))
    clock = FundingClock(Ns(HOUR_NS + HOUR), {"ETH": 1})
    desk.now = Ns(HOUR_NS + SECOND)
    for message in (clock, after) if clock_first else (after, clock):
        desk.say(message)
    desk.say(paid(LAW))
    said = desk.judge()
    rows = [message for message in said if isinstance(message, FundingSettled)]
    assert rows == [settled(HOUR_NS, LOTS, CONTEXT, paid(LAW))]
    samples = {m.measure: m.samples for m in said if isinstance(m, Measured)}
    assert samples["funding_booked"] == (1.0,)
    assert samples["funding_error_bps"] == (0.0,)
    assert samples["funding_forecast_bps"] == (0.0,)
    assert not [m for m in desk.judge() if isinstance(m, FundingSettled)], "judged once"


def test_a_payment_that_never_comes_is_said() -> None:
    """No payment within the grace time: the row says so and only `funding_booked` is sampled."""
    desk = Desk()
    desk.now = Ns(HOUR_NS + SECOND)
    desk.say(FundingClock(Ns(HOUR_NS + HOUR), {"ETH": RATE}))
    said = desk.judge()
    assert [m.paid_usd for m in said if isinstance(m, FundingSettled)] == [None]
    samples = {m.measure: m.samples for m in said if isinstance(m, Measured)}
    assert samples["funding_booked"] == (0.0,)
    assert "funding_error_bps" not in samples
