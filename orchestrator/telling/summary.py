"""What a run came to, counted from its journal alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from orchestrator.scoring import nearest_rank
from shared.codec import decode
from shared.journal import JournalReader
from shared.messages.account import LedgerReport
from shared.messages.order import (
    ActionAnswered,
    ActionSent,
    AnswerKind,
    FillBooked,
    OrderChanged,
    PostAction,
)
from shared.messages.risk import OrderDenied
from shared.order import OrderState
from shared.units import US, usd_to_float


class OrderCounts(msgspec.Struct, frozen=True):
    """Orders by what became of them; `rejected` by the venue's or our own reason, `denied` by risk, never sent."""

    sent: int
    acked: int
    filled: int
    cancelled: int
    rejected: dict[str, int]
    denied: dict[str, int]


class TickToWire(msgspec.Struct, frozen=True):
    """Book received to signed bytes on the socket, microseconds; None without samples."""

    p50: float | None
    p99: float | None
    n: int


class Summary(msgspec.Struct, frozen=True):
    """The figures of a run."""

    orders: OrderCounts
    fills: int
    fees_usd: float | None
    funding_usd: float | None
    pnl_usd: float | None
    equity_usd: float | None
    net_sz: dict[str, int]
    tick_to_wire_us: TickToWire
    messages: dict[str, int]


def summarise(reader: JournalReader) -> Summary:
    """The summary of all that the journal holds."""
    fills = [_decoded(entry.body, FillBooked) for entry in reader.messages(kind=FillBooked.__name__)]
    net_sz: Counter[str] = Counter()
    for booked in fills:
        net_sz[booked.fill.coin] += booked.fill.side.value * booked.fill.sz
    ledger = _last_ledger(reader)
    return Summary(
        orders=_orders(reader),
        fills=len(fills),
        fees_usd=None if ledger is None else usd_to_float(ledger.fees_usd),
        funding_usd=None if ledger is None else usd_to_float(ledger.funding_usd),
        pnl_usd=None if ledger is None else usd_to_float(ledger.equity_usd - ledger.start_equity_usd),
        equity_usd=None if ledger is None else usd_to_float(ledger.equity_usd),
        net_sz={coin: sz for coin, sz in sorted(net_sz.items()) if sz},
        tick_to_wire_us=_tick_to_wire(reader),
        messages=reader.counts(),
    )


def _orders(reader: JournalReader) -> OrderCounts:
    posted = {
        cloid
        for entry in reader.messages(kind=PostAction.__name__)
        if (action := _decoded(entry.body, PostAction)).kind.places
        for cloid in action.cloids
    }
    sent = posted & {
        cloid
        for entry in reader.messages(kind=ActionSent.__name__)
        for cloid in _decoded(entry.body, ActionSent).cloids
    }
    acked = {
        answer.cloid
        for entry in reader.messages(kind=ActionAnswered.__name__)
        if (answer := _decoded(entry.body, ActionAnswered)).answer in (AnswerKind.RESTING, AnswerKind.FILLED)
    }
    last: dict[str, OrderChanged] = {}
    for entry in reader.messages(kind=OrderChanged.__name__):
        change = _decoded(entry.body, OrderChanged)
        last[change.cloid] = change
    states = Counter(change.state for change in last.values())
    rejected = Counter(change.reason for change in last.values() if change.state is OrderState.REJECTED)
    denied = Counter(
        str(_decoded(entry.body, OrderDenied).reason) for entry in reader.messages(kind=OrderDenied.__name__)
    )
    return OrderCounts(
        sent=len(sent),
        acked=len(acked & sent),
        filled=states[OrderState.FILLED],
        cancelled=states[OrderState.CANCELLED],
        rejected=dict(sorted(rejected.items())),
        denied=dict(sorted(denied.items())),
    )


def _tick_to_wire(reader: JournalReader) -> TickToWire:
    samples = [
        (_decoded(entry.body, ActionSent).sent_ns - entry.origin_ns) / US
        for entry in reader.messages(kind=ActionSent.__name__)
        if entry.origin_ns
    ]
    if not samples:
        return TickToWire(None, None, 0)
    return TickToWire(nearest_rank(samples, 0.5), nearest_rank(samples, 0.99), len(samples))


def _last_ledger(reader: JournalReader) -> LedgerReport | None:
    last = None
    for entry in reader.messages(kind=LedgerReport.__name__):
        last = entry
    return None if last is None else _decoded(last.body, LedgerReport)


def _decoded(body: bytes, kind: type[Any]) -> Any:
    message = decode(body)
    assert isinstance(message, kind)
    return message
