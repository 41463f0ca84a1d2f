"""Why an order was made and what became of it: its whole chain, from the market event to the last fill, by the journal.

Backwards, each message names its cause; forwards, everything about an order names its cloid. What should be there and
is not is said by name, so that "complete" is a finding and not a hope.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from shared.codec import decode
from shared.ids import Cloid, Role
from shared.instrument import Instrument
from shared.journal import JournalReader
from shared.messages import AnyMessage
from shared.messages.market import BookUpdate, UniverseUpdate
from shared.messages.order import (
    ActionAnswered,
    ActionSent,
    CancelOrder,
    FillBooked,
    OrderChanged,
    PostAction,
    SignatureRefused,
    SignedAction,
    SignRequest,
    SubmitOrder,
    VenueOrder,
)
from shared.messages.risk import OrderApproved, OrderDenied
from shared.messages.signal import CancelIntent, OrderIntent
from shared.order import Trigger, is_open
from shared.record import Entry
from shared.units import Px, Sz, Usd, usd_to_float

_CHAIN_MAX: Final = 16
"""Causes followed back from an intent; a longer chain would be a loop."""

_OF_ORDERS: Final = (
    OrderIntent, OrderApproved, OrderDenied, CancelIntent, SubmitOrder, CancelOrder, SignRequest, SignedAction,
    SignatureRefused, PostAction, ActionSent, ActionAnswered, VenueOrder, OrderChanged, FillBooked,
)  # fmt: skip

AboutOrder: TypeAlias = (
    OrderIntent
    | OrderApproved
    | OrderDenied
    | CancelIntent
    | SubmitOrder
    | CancelOrder
    | SignRequest
    | SignedAction
    | SignatureRefused
    | PostAction
    | ActionSent
    | ActionAnswered
    | VenueOrder
    | OrderChanged
    | FillBooked
)


class Step(msgspec.Struct, frozen=True):
    """One message of the chain: its place in the journal, when, who said what, its cause, and its content."""

    seq: int
    ns: int
    source: Role
    kind: str
    cause: int
    facts: dict[str, Any]


class Story(msgspec.Struct, frozen=True):
    """One order: what led to it and what became of it, in the journal's order.

    `missing` names the links that should be there; empty: the chain is whole. Money in USDC, of this order's fills.
    """

    cloid: Cloid
    strategy: str
    coin: str
    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    missing: tuple[str, ...]
    filled: str
    fees_usd: float
    closed_pnl_usd: float


class Stories:
    """The stories in one journal, read in one pass."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._instruments: dict[str, Instrument] = {}
        self._of: dict[Cloid, list[tuple[Entry, AboutOrder]]] = {}
        kinds = {kind.__name__ for kind in _OF_ORDERS}
        for entry in reader.messages():
            if entry.kind in kinds:
                message = decode(entry.body)
                assert isinstance(message, AboutOrder)
                for cloid in cloids_of(message):
                    self._of.setdefault(cloid, []).append((entry, message))
            elif entry.kind == UniverseUpdate.__name__:
                message = decode(entry.body)
                assert isinstance(message, UniverseUpdate)
                self._instruments |= {instrument.coin: instrument for instrument in message.instruments}

    def __iter__(self) -> Iterator[Story]:
        """The story of every order that was wanted, in the order of the wishes."""
        return (story for story in map(self.of, self._of) if story is not None)

    def cloids(self, part: str) -> list[Cloid]:
        """Orders whose cloid is this, or begins or ends with it."""
        wanted = part.removeprefix("0x")
        return [cloid for cloid in self._of if cloid[2:].startswith(wanted) or cloid.endswith(wanted)]

    def of(self, cloid: Cloid) -> Story | None:
        """The story of one order; None if the journal does not know that anybody wanted it."""
        told = self._of.get(cloid, [])
        wish = next(((entry, message) for entry, message in told if isinstance(message, OrderIntent)), None)
        if wish is None:
            return None
        entry, intent = wish
        assert isinstance(intent, OrderIntent)
        before = self._causes(entry)
        fills = [message.fill for _, message in told if isinstance(message, FillBooked)]
        return Story(
            cloid=cloid,
            strategy=intent.strategy,
            coin=intent.coin,
            before=tuple(before),
            steps=tuple(self._step(entry, message) for entry, message in told),
            missing=tuple(_missing(before, [message for _, message in told])),
            filled=self._sz(intent.coin, Sz(sum(fill.sz for fill in fills))),
            fees_usd=usd_to_float(Usd(sum(fill.fee_usd for fill in fills))),
            closed_pnl_usd=usd_to_float(Usd(sum(fill.closed_pnl_usd for fill in fills))),
        )

    def _causes(self, entry: Entry) -> list[Step]:
        """What led to a message, first cause first."""
        chain: list[Step] = []
        cause = entry.cause
        while cause and len(chain) < _CHAIN_MAX:
            found = self._reader.message(cause)
            if found is None:
                break
            chain.append(self._step(found, decode(found.body)))
            cause = found.cause
        return chain[::-1]

    def _step(self, entry: Entry, message: AnyMessage) -> Step:
        facts = {name: self._told(message, name) for name in message.__struct_fields__}
        if isinstance(message, BookUpdate):
            facts |= {"bids": self._told_level(message, "bids"), "asks": self._told_level(message, "asks")}
        if isinstance(message, FillBooked):
            facts = {name: self._told(message.fill, name) for name in message.fill.__struct_fields__}
        return Step(entry.seq, entry.ts, entry.source, entry.kind, entry.cause, facts)

    def _told(self, message: Any, name: str) -> Any:
        """A field in people's units, as far as the coin is known."""
        value, coin = getattr(message, name), getattr(message, "coin", None)
        if isinstance(value, bytes):
            return f"{len(value)} bytes"
        if value is None:
            return None
        if isinstance(value, Trigger) and coin is not None:
            return f"{value.kind} when the mark reaches {self._px(coin, value.px)}"
        if coin is not None and (name == "px" or name.endswith("_px")):
            return self._px(coin, value)
        if name in {"sz", "filled_sz", "orig_sz"} and coin is not None:
            return self._sz(coin, value)
        if name.endswith("_usd") and isinstance(value, int):
            return usd_to_float(Usd(value))
        if isinstance(value, UniverseUpdate):
            return f"{len(value.instruments)} instruments"
        return value

    def _told_level(self, book: BookUpdate, side: str) -> str:
        levels = getattr(book, side)
        best = f"{self._px(book.coin, levels[0].px)} x {self._sz(book.coin, levels[0].sz)}" if levels else "empty"
        return f"{best} ({len(levels)} levels)"

    def _px(self, coin: str, px: Px) -> str:
        known = self._instruments.get(coin)
        return known.px_text(px) if known else f"{px} ticks"

    def _sz(self, coin: str, sz: Sz) -> str:
        known = self._instruments.get(coin)
        return known.sz_text(sz) if known else f"{sz} lots"


def cloids_of(message: AboutOrder) -> tuple[Cloid, ...]:
    """Which orders a message is about: several if an action carries them, none if they are not ours."""
    match message:
        case OrderApproved(intent=intent):
            return (intent.cloid,)
        case FillBooked(fill=fill):
            return () if fill.cloid is None else (fill.cloid,)
        case SignRequest() | SignedAction() | SignatureRefused() | PostAction() | ActionSent():
            return message.cloids
        case _:
            return () if message.cloid is None else (message.cloid,)


def _missing(before: list[Step], told: list[AboutOrder]) -> Iterator[str]:
    """The links that an order's chain should have and has not."""
    if not before:
        yield "the cause of its intent"
    elif before[0].cause:
        yield f"message {before[0].cause}, the cause of its first cause"
    if any(isinstance(message, OrderDenied) for message in told):
        return
    if not any(isinstance(message, OrderApproved) for message in told):
        yield "an approval or a denial"
        return
    yield from _missing_at_venue(told)


def _missing_at_venue(told: list[AboutOrder]) -> Iterator[str]:
    """The same for an order that was approved."""
    end = next((m for m in reversed(told) if isinstance(m, OrderChanged) and not is_open(m.state)), None)
    if not any(isinstance(message, SubmitOrder) for message in told):
        if end is None:
            yield "its submission"
        return
    refused = any(isinstance(m, SignatureRefused) and m.kind.places for m in told)
    signed = {m.nonce for m in told if isinstance(m, SignedAction)}
    if not refused and not signed:
        yield "a signature or its refusal"
    sent = {m.nonce for m in told if isinstance(m, ActionSent)}
    answered = {m.nonce for m in told if isinstance(m, ActionAnswered)}
    if signed and not signed & (sent | answered):
        yield "its way to the venue"
    if sent - answered:
        yield "an answer of the venue"
    if end is None:
        yield "its end"
        return
    filled = sum(m.fill.sz for m in told if isinstance(m, FillBooked))
    if filled != end.filled_sz:
        yield f"fills over {end.filled_sz - filled} lots"
