"""EDGE: the whole door to the venue as one Edge: feed in, gateway out, one list of instruments between them."""

from __future__ import annotations

import random
from typing import ClassVar

from hats.exchange_architect.feed import Feed
from hats.exchange_architect.gateway import Gateway
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.tape import Record, forget
from hats.exchange_architect.universe import Universe
from shared.clock import Clock
from shared.edge import Context, Publish
from shared.messages import Message
from shared.units import Ns


class VenueEdge:
    """Feed and Gateway together. `seed` feeds the jitter of reconnects, the only chance in here.

    `record` takes what happens on the feed's sockets, frames before they are read; what it raises ends the feed.
    """

    commands: ClassVar[frozenset[type[Message]]] = Gateway.commands

    def __init__(self, settings: Settings, clock: Clock, seed: int = 0, record: Record = forget) -> None:
        universe = Universe()
        self._feed = Feed(settings, clock, universe, random.Random(seed), record)
        self._gateway = Gateway(settings, clock, universe, self._feed.sample)

    def start(self, publish: Publish) -> None:
        """Feed and gateway run; what they hear is published from their threads."""
        self._gateway.start(publish)
        self._feed.start(publish)

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:
        """The gateway does it."""
        self._gateway.carry_out(command, context, now)

    def stop(self) -> None:
        """Neither runs any more."""
        try:
            self._feed.stop()
        finally:
            self._gateway.stop()
