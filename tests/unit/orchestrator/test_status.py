"""What the status says of the feed, and what a heartbeat says of what rests."""

from __future__ import annotations

import pytest

from orchestrator.situation import Situation
from orchestrator.status import feed_line
from shared.ids import PROTECT_NUMBER, StrategyId, cloid_for
from shared.messages.market import FeedState, FeedStatus
from shared.messages.order import OrderChanged
from shared.order import OrderState, Side
from shared.units import Ns, Px, Sz


def test_coins_that_cant_be_relied_on_are_named() -> None:
    """Unknown, up, up for all but some, and not up."""
    assert feed_line(None) is None
    assert feed_line(FeedStatus(FeedState.UP, 1, "", Ns(0))) == "up"
    assert feed_line(FeedStatus(FeedState.UP, 1, "", Ns(0), ("ETH", "SOL"))) == "up without ETH, SOL"
    assert feed_line(FeedStatus(FeedState.STALE, 1, "", Ns(0))) == "stale"


@pytest.mark.parametrize(
    ("numbers", "is_wanted"), [([], False), ([1, 2], True), ([PROTECT_NUMBER], False), ([1, PROTECT_NUMBER], False)]
)
def test_a_scheduled_cancel_is_wanted_while_no_stop_rests(numbers: list[int], is_wanted: bool) -> None:
    """The venue would take that, too."""
    situation = Situation()
    for count, number in enumerate(numbers):
        cloid = cloid_for(1, number, count)
        order = OrderChanged(
            cloid, StrategyId("s"), "BTC", Side.BUY, Px(1), Sz(1), Sz(0), False, OrderState.RESTING, ""
        )
        situation.open_orders[cloid] = order
    assert situation.wants_scheduled_cancel is is_wanted
