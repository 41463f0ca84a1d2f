"""What the status says of the feed."""

from __future__ import annotations

from orchestrator.status import feed_line
from shared.messages.market import FeedState, FeedStatus
from shared.units import Ns


def test_coins_that_cant_be_relied_on_are_named() -> None:
    """Unknown, up, up for all but some, and not up."""
    assert feed_line(None) is None
    assert feed_line(FeedStatus(FeedState.UP, 1, "", Ns(0))) == "up"
    assert feed_line(FeedStatus(FeedState.UP, 1, "", Ns(0), ("ETH", "SOL"))) == "up without ETH, SOL"
    assert feed_line(FeedStatus(FeedState.STALE, 1, "", Ns(0))) == "stale"
