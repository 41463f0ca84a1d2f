"""The events of one command, sorted by who wants to hear them, in the venue's JSON."""

from __future__ import annotations

from collections.abc import Container, Iterable

from shared.instrument import Instrument
from shared.venue.core.events import (
    BookChanged,
    Event,
    FillHappened,
    FundingPaid,
    OrderChanged,
    PricesChanged,
    TradeHappened,
)
from shared.venue.door import render
from shared.venue.door.render import Json
from shared.venue.door.subscriptions import AnySubscription, OrderUpdates, Trades, UserEvents, UserFills, UserFundings


class BlockDigest:
    """Lists by user or coin, each in order of occurrence, made only for feeds in `wanted`; dicts serve as ordered sets.

    `users` are those whose orders, fills or funding changed, `traded` and `touched` the coins with prints and with
    another book, `repriced` those whose mark or oracle moved.
    """

    __slots__ = ("fills", "fundings", "repriced", "touched", "traded", "trades", "updates", "users")

    def __init__(
        self, events: Iterable[Event], instruments: dict[int, Instrument], wanted: Container[AnySubscription]
    ) -> None:
        self.updates: dict[str, list[Json]] = {}
        self.fills: dict[str, list[Json]] = {}
        self.fundings: dict[str, list[Json]] = {}
        self.trades: dict[str, list[Json]] = {}
        self.users: dict[str, None] = {}
        self.traded: dict[str, None] = {}
        self.touched: dict[str, None] = {}
        self.repriced: dict[str, None] = {}
        for event in events:
            self._sort(event, instruments, wanted)

    def _sort(self, event: Event, instruments: dict[int, Instrument], wanted: Container[AnySubscription]) -> None:
        match event:
            case OrderChanged():
                user = event.order.user
                self.users[user] = None
                if OrderUpdates(user) in wanted:
                    update = render.order_update(instruments[event.order.asset], event)
                    self.updates.setdefault(user, []).append(update)
            case FillHappened(user=user):
                self.users[user] = None
                if UserFills(user) in wanted or UserEvents(user) in wanted:
                    self.fills.setdefault(user, []).append(render.fill(instruments[event.asset], event))
            case TradeHappened():
                instrument = instruments[event.asset]
                self.traded[instrument.coin] = None
                if Trades(instrument.coin) in wanted:
                    self.trades.setdefault(instrument.coin, []).append(render.trade(instrument, event))
            case FundingPaid(user=user):
                self.users[user] = None
                if UserFundings(user) in wanted or UserEvents(user) in wanted:
                    paid = render.funding_event(instruments[event.asset], event)
                    self.fundings.setdefault(user, []).append(paid)
            case BookChanged():
                self.touched[instruments[event.asset].coin] = None
            case PricesChanged():
                self.repriced[instruments[event.asset].coin] = None
