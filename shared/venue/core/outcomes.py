"""What a command came to: a status for each entry, or an error for all, and the events that it caused."""

from __future__ import annotations

import msgspec

from shared.units import Sz
from shared.venue.core.events import Event


class Resting(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order rests on the book (after a partial fill, perhaps)."""

    oid: int
    cloid: str | None


class Filled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order traded and nothing of it rests; `avg_px_text` is truncated to the coin's price decimals."""

    oid: int
    cloid: str | None
    total_sz: Sz
    avg_px_text: str


class Refused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The venue's error text for this entry, exactly as it is sent."""

    error: str


class Cancelled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The entry was cancelled."""


class Awaiting(msgspec.Struct, frozen=True, tag=True):
    """A child or position order was taken and waits: `phase` is waitingForFill or waitingForTrigger."""

    oid: int
    cloid: str | None
    phase: str


class Opened(msgspec.Struct, frozen=True, tag=True):
    """An account came to be at this address."""

    user: str


class TwapRunning(msgspec.Struct, frozen=True, tag=True):
    """The TWAP order runs, or waits for its trigger."""

    twap_id: int


Status = Resting | Filled | Refused | Cancelled | Awaiting | Opened | TwapRunning


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What a command came to: `error` if it was refused as a whole, else one status an entry; then what happened."""

    statuses: tuple[Status, ...] = ()
    error: str | None = None
    events: tuple[Event, ...] = ()
