"""Which feeds an event concerns: topics that feeds listen to, named by subject and by coin or user."""

from __future__ import annotations

from collections.abc import Mapping

from shared.instrument import Instrument
from shared.venue.core.events import (
    BookChanged,
    Event,
    FillHappened,
    FundingPaid,
    Liquidated,
    ListingChanged,
    OrderChanged,
    PricesChanged,
    TradeHappened,
    TwapChanged,
)
from shared.venue.core.ledger_entries import LedgerChanged

Topic = tuple[str, str]
"""(subject, coin or user): orders, fills, fundings, liquidations; trades, book, prices; listing; "" is all."""


def topics_of(event: Event, instruments: Mapping[int, Instrument]) -> tuple[Topic, ...]:
    """Where the event is heard."""
    match event:
        case OrderChanged():
            return (("orders", event.order.user),)
        case FillHappened(user=user):
            return (("fills", user),) if event.twap_id is None else (("fills", user), ("slices", user))
        case TwapChanged():
            return (("twaps", event.twap.user),)
        case TradeHappened():
            return (("trades", instruments[event.asset].coin),)
        case FundingPaid(user=user):
            return (("fundings", user),)
        case LedgerChanged(user=user):
            return (("ledger", user),)
        case BookChanged():
            return (("book", instruments[event.asset].coin), ("book", ""))
        case PricesChanged():
            return (("prices", instruments[event.asset].coin),)
        case ListingChanged():
            return (("listing", ""),)
        case Liquidated(user=user):
            return (("liquidations", user),)


def of_user(user: str) -> tuple[Topic, ...]:
    """Everything that changes a user's standing."""
    return ("orders", user), ("fills", user), ("fundings", user), ("ledger", user)
