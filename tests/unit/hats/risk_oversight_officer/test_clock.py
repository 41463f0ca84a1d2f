"""A clock that is wrong: what adds risk is denied, what reduces passes, and an alert waits for the operator."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hats.risk_oversight_officer.logic import REPORT_TIMER
from shared.messages import AnyMessage
from shared.messages.control import HopTimings, Woke
from shared.messages.market import VenueClockTold
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied, RiskAlert, TradingState
from shared.order import Side
from shared.units import HOUR, MS, SECOND, Ns
from tests.unit.hats.risk_oversight_officer.scene import NOW, PX, held, intent, judged, officer, say


def venue(offset_ns: int) -> AnyMessage:
    """The venue's clock is so far ahead of ours."""
    return VenueClockTold(offset_ns, 0, NOW)


def machine(offset_ns: int) -> AnyMessage:
    """The machine's clock was set ahead by so much."""
    return HopTimings((), (), 0, offset_ns)


@pytest.mark.parametrize("of", [venue, machine])
@pytest.mark.parametrize("offset_ns", [HOUR, -HOUR, 5 * SECOND + 1, -5 * SECOND - 1])
def test_beyond_five_seconds_no_entry(of: Callable[[int], AnyMessage], offset_ns: int) -> None:
    """Denied with the offset and its sign; the position can be reduced; agreement lifts it."""
    hat = officer()
    held(hat, Side.BUY, 30, 1)
    say(hat, of(offset_ns))
    denial = judged(hat, intent(2))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.limit) == (DenyReason.CLOCK_OFFSET, 5_000)
    assert denial.found * offset_ns > 0
    assert abs(denial.found) >= abs(offset_ns) / MS
    assert isinstance(judged(hat, intent(3, Side.SELL, 10, reduce_only=True)), OrderApproved)
    say(hat, of(offset_ns // abs(offset_ns) * 5 * SECOND))
    assert isinstance(judged(hat, intent(4, px=PX - 100)), OrderApproved)


def test_nothing_is_added_before_it_was_measured() -> None:
    """Unknown may be wrong by hours; the first book tells."""
    hat = officer()
    hat.state.market.venue_offset_ns = None
    denial = judged(hat, intent(1))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.CLOCK_OFFSET
    say(hat, venue(0))
    assert isinstance(judged(hat, intent(2)), OrderApproved)


def test_the_operator_is_told_and_trading_is_reduced_if_nobody_answers() -> None:
    """An alert once the cause was confirmed, and the state that it names when its time is up."""
    hat = officer(confirm_ms=1_000, acknowledge_ms=60_000)
    say(hat, venue(HOUR))
    said = [each for s in range(70) for each in say(hat, Woke(hat.role, REPORT_TIMER, Ns(0)), Ns(NOW + s * SECOND))]
    (alert,) = [each for each in said if isinstance(each, RiskAlert)]
    assert (alert.name, alert.tightens_to) == ("clock", TradingState.REDUCING)
    assert "venue's clock" in alert.detail
