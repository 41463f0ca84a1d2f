"""The feed about spot as a whole: contexts of all pairs."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door import spot_shapes
from shared.venue.door.desk import Desk
from shared.venue.door.feed import Feed, Message, Pace, StateFeed, Subscription


class SpotAssetCtxs(Subscription, frozen=True, tag="spotAssetCtxs"):
    """Contexts of all pairs."""


def spot_ctxs(desk: Desk, _: SpotAssetCtxs, now: Ns) -> Message:
    """`spotAssetCtxs`."""
    return "spotAssetCtxs", spot_shapes.spot_ctxs(desk.answers, now)


FEEDS: Final[dict[str, Feed]] = {
    "spotAssetCtxs": StateFeed(
        SpotAssetCtxs,
        spot_ctxs,
        lambda settings, _: Pace(settings.ctxs_interval_ms),
        lambda _: (("book", ""),),
    ),
}
