"""What a feed is: how it is asked for, what it hears of, and what it sends when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shared.units import Ns
from shared.venue.core.events import Event
from shared.venue.door.desk import Desk
from shared.venue.door.settings import DoorSettings
from shared.venue.door.topics import Topic

Message = tuple[str, Any]
"""Channel and data of one message."""


class Subscription(Struct, frozen=True, tag_field="type", rename="camel"):
    """What a client asks for, in the venue's normal form, which is also its echo. Equal ones are the same feed.

    `coin` must be listed and `user` is lowered by the reader, wherever a kind has them.
    """


class Pace(msgspec.Struct, frozen=True):
    """At most once in `interval_ms`, when something changed; once in `refresh_ms` in any case, None for never."""

    interval_ms: int
    refresh_ms: int | None = None


def _no_topics(_: Any) -> tuple[Topic, ...]:
    return ()


def _as_is(given: Any) -> Any:
    return given


def _no_messages(_: Desk, __: Any, ___: Ns) -> Iterable[Message]:
    return ()


class EventFeed(msgspec.Struct, frozen=True):
    """Tells what happens, as it happens, after a snapshot.

    `news` makes messages of the events of one command that the feed's topics named. `normal` gives the form that
    equal requests share, or raises NoSubscription.
    """

    schema: type[Subscription]
    topics: Callable[[Any], tuple[Topic, ...]]
    news: Callable[[Desk, Any, Sequence[Event], Ns], Iterable[Message]]
    snapshot: Callable[[Desk, Any, Ns], Iterable[Message]] = _no_messages
    normal: Callable[[Any], Any] = _as_is


class StateFeed(msgspec.Struct, frozen=True):
    """Sends a state whole, at once, then at its pace; nothing while its data is None.

    `change` may say what of the new state is sent, given what was sent before; None is nothing. `spelled` gives the
    data its form on the wire, after that.
    """

    schema: type[Subscription]
    state: Callable[[Desk, Any, Ns], Message]
    pace: Callable[[DoorSettings, Any], Pace]
    topics: Callable[[Any], tuple[Topic, ...]] = _no_topics
    change: Callable[[Any, Any], Any] | None = None
    spelled: Callable[[Any], Any] = _as_is
    normal: Callable[[Any], Any] = _as_is


Feed = EventFeed | StateFeed
