"""The feed of a user's ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from shared.units import Ns
from shared.venue.core.events import Event
from shared.venue.core.ledger_entries import LedgerChanged
from shared.venue.door.actions import Address
from shared.venue.door.desk import Desk
from shared.venue.door.feed import EventFeed, Feed, Message, Subscription
from shared.venue.door.info_ledger import MOST_ENTRIES
from shared.venue.door.ledger_shapes import ledger_row

CHANNEL: Final = "userNonFundingLedgerUpdates"


class LedgerUpdates(Subscription, frozen=True, tag="userNonFundingLedgerUpdates"):
    """Deposits, withdrawals, transfers and liquidations of one user, with a snapshot first."""

    user: Address


def new_entries(desk: Desk, asked: LedgerUpdates, events: Sequence[Event], _: Ns) -> Iterable[Message]:
    """Those of one block."""
    rows = [ledger_row(desk.instruments, event) for event in events if isinstance(event, LedgerChanged)]
    yield CHANNEL, {"user": asked.user, "nonFundingLedgerUpdates": rows}


def past_entries(desk: Desk, asked: LedgerUpdates, _: Ns) -> Iterable[Message]:
    """The snapshot, oldest first."""
    rows = [ledger_row(desk.instruments, one) for one in desk.exchange.ledger(asked.user)[-MOST_ENTRIES:]]
    yield CHANNEL, {"user": asked.user, "nonFundingLedgerUpdates": rows, "isSnapshot": True}


FEEDS: Final[dict[str, Feed]] = {
    CHANNEL: EventFeed(LedgerUpdates, lambda asked: (("ledger", asked.user),), new_entries, past_entries),
}
