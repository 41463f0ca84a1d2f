"""Feeds about whole dexs: contexts of all their perps, and one user's standing on each."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door import account_shapes
from shared.venue.door.actions import Address
from shared.venue.door.desk import Desk
from shared.venue.door.feed import Feed, Message, Pace, StateFeed, Subscription
from shared.venue.door.feeds_pages import ctxs_pace
from shared.venue.door.topics import of_user


class AllDexsAssetCtxs(Subscription, frozen=True, tag="allDexsAssetCtxs"):
    """Contexts of all perps of all dexs."""


class AllDexsClearinghouseState(Subscription, frozen=True, tag="allDexsClearinghouseState"):
    """One user's standing on every dex."""

    user: Address


def all_asset_ctxs(desk: Desk, _: AllDexsAssetCtxs, now: Ns) -> Message:
    """`allDexsAssetCtxs`."""
    answers = desk.answers
    dexs = answers.dexs.items()
    shown = [[name, [answers.asset_ctx(asset, now) for asset in answers.universe(number)]] for name, number in dexs]
    return "allDexsAssetCtxs", {"ctxs": shown}


def all_states(desk: Desk, asked: AllDexsClearinghouseState, now: Ns) -> Message:
    """`allDexsClearinghouseState`."""
    states = [
        [name, account_shapes.clearinghouse_state(desk.exchange, asked.user, now, number)]
        for name, number in desk.answers.dexs.items()
    ]
    return "allDexsClearinghouseState", {"user": asked.user, "clearinghouseStates": states}


FEEDS: Final[dict[str, Feed]] = {
    "allDexsAssetCtxs": StateFeed(AllDexsAssetCtxs, all_asset_ctxs, ctxs_pace),
    "allDexsClearinghouseState": StateFeed(
        AllDexsClearinghouseState,
        all_states,
        lambda settings, _: Pace(settings.state_interval_ms, settings.state_refresh_ms),
        lambda asked: of_user(asked.user),
    ),
}
