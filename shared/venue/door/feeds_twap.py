"""Feeds about one user's TWAP orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from shared.units import Ns
from shared.venue.core.events import Event, FillHappened, TwapChanged
from shared.venue.door import twap_shapes
from shared.venue.door.actions import Address
from shared.venue.door.desk import Desk
from shared.venue.door.feed import EventFeed, Feed, Message, Pace, StateFeed, Subscription
from shared.venue.door.questions import MOST_FILLS, DexName


class TwapStates(Subscription, frozen=True, tag="twapStates"):
    """What runs or waits."""

    user: Address
    dex: DexName = ""


class UserTwapSliceFills(Subscription, frozen=True, tag="userTwapSliceFills"):
    """Fills of suborders, with a snapshot first."""

    user: Address


class UserTwapHistory(Subscription, frozen=True, tag="userTwapHistory"):
    """What becomes of the orders, with a snapshot first."""

    user: Address


def states(desk: Desk, asked: TwapStates, _: Ns) -> Message:
    """`twapStates`."""
    dex, listings = desk.dex(asked.dex), desk.exchange.listings
    twaps = [twap for twap in desk.exchange.twaps(asked.user) if listings[twap.asset].dex == dex]
    shown = twap_shapes.states(desk.instruments, twaps)
    return "twapStates", {"dex": asked.dex, "user": asked.user, "states": shown}


def new_fills(desk: Desk, asked: UserTwapSliceFills, events: Sequence[Event], _: Ns) -> Iterable[Message]:
    """`userTwapSliceFills`: those of one block."""
    fills = [twap_shapes.slice_fill(desk.instruments, one) for one in events if isinstance(one, FillHappened)]
    yield "userTwapSliceFills", {"user": asked.user, "twapSliceFills": fills}


def past_fills(desk: Desk, asked: UserTwapSliceFills, _: Ns) -> Iterable[Message]:
    """The snapshot of `userTwapSliceFills`, newest first."""
    found = reversed(desk.exchange.twap_fills(asked.user)[-MOST_FILLS:])
    fills = [twap_shapes.slice_fill(desk.instruments, one) for one in found]
    yield "userTwapSliceFills", {"user": asked.user, "twapSliceFills": fills, "isSnapshot": True}


def new_changes(desk: Desk, asked: UserTwapHistory, events: Sequence[Event], _: Ns) -> Iterable[Message]:
    """`userTwapHistory`: those of one block."""
    shown = [twap_shapes.record(desk.instruments, one) for one in events if isinstance(one, TwapChanged)]
    yield "userTwapHistory", {"user": asked.user, "history": shown}


def past_changes(desk: Desk, asked: UserTwapHistory, _: Ns) -> Iterable[Message]:
    """The snapshot of `userTwapHistory`, newest first."""
    shown = [twap_shapes.record(desk.instruments, one) for one in desk.exchange.twap_history(asked.user)]
    yield "userTwapHistory", {"user": asked.user, "history": shown, "isSnapshot": True}


def _about(*subjects: str) -> Any:
    return lambda asked: tuple((subject, asked.user) for subject in subjects)


FEEDS: Final[dict[str, Feed]] = {
    "twapStates": StateFeed(
        TwapStates,
        states,
        lambda settings, _: Pace(settings.state_interval_ms),
        _about("twaps", "slices"),
    ),
    "userTwapSliceFills": EventFeed(UserTwapSliceFills, _about("slices"), new_fills, past_fills),
    "userTwapHistory": EventFeed(UserTwapHistory, _about("twaps"), new_changes, past_changes),
}
