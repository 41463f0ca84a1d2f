"""Reads that take several requests, as sans-I/O generators: each yields a request and is sent the reply's body."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final

import msgspec

from hats.exchange_architect import candles, wire_info
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import bad_data
from shared.errors import VenueProtocolError
from shared.ids import Cloid
from shared.instrument import ms_from_ns
from shared.messages import Message
from shared.messages.market import BadKind, QueryCandles
from shared.messages.order import Fill, QueryTwap
from shared.units import MS, Ns

INFO: Final = "/info"
EXCHANGE: Final = "/exchange"
PAGE: Final = 2_000
"""Most fills of one reply."""
KEPT: Final = 10_000
"""The venue keeps so many of the newest fills. Source: fact sheet 1.4."""
MOST_PAGES: Final = 2 * KEPT // PAGE
"""Pages overlap, by far less than half."""

Errand = Generator[bytes, bytes, list[Message]]
"""Yields /info bodies, is sent each reply's body, returns messages; VenueProtocolError if a reply makes no sense."""


def read_universe(user: str | None, clock: Callable[[], Ns]) -> Errand:
    """UniverseUpdate from meta and, with a user, their fees; then BadData for coins whose margin is not told."""
    meta = yield wire_info.body("meta")
    fees = None if user is None else (yield wire_info.body("userFees", user=user))
    update = wire_info.universe_update(meta, fees, clock())
    return [update, *wire_info.untold_tables(update, meta)]


def read_order(user: str, cloid: Cloid, universe: Universe, clock: Callable[[], Ns]) -> Errand:
    """VenueOrder: what the venue says of one order, as of when it was asked."""
    begun_ns = clock()
    reply = yield wire_info.body("orderStatus", user=user, oid=cloid)
    return [wire_info.venue_order(reply, cloid, universe, begun_ns)]


def read_twaps(user: str, queries: Sequence[QueryTwap], universe: Universe, clock: Callable[[], Ns]) -> Errand:
    """VenueOrder for each query: what the venue says of that TWAP of its own, as of when it was asked."""
    begun_ns = clock()
    reply = yield wire_info.body("twapHistory", user=user)
    return [wire_info.twap_order(reply, query, universe, begun_ns) for query in queries]


def read_account(
    user: str, fills_since_ns: int, universe: Universe, clock: Callable[[], Ns], *, with_twaps: bool = False
) -> Errand:
    """AccountSnapshot, then BadData for what of it can't be used.

    Fills are read last, so that none that moved the positions read before them, or is counted in a TWAP, is missing.
    Each reading may take long, so that the snapshot counts as received when the first was asked for: no part of it is
    older than that. Fills that the venue has dropped are not counted as read.
    """
    begun_ns = clock()
    state = yield wire_info.body("clearinghouseState", user=user)
    orders = yield wire_info.body("frontendOpenOrders", user=user)
    history = (yield wire_info.body("twapHistory", user=user)) if with_twaps else None
    fills: dict[tuple[Ns, str, int], Fill] = {}
    bad: list[Message] = []
    start_ms = ms_from_ns(max(fills_since_ns, 0))
    for _ in range(MOST_PAGES):
        reply = yield wire_info.body("userFillsByTime", user=user, startTime=start_ms)
        page, unread, entries = wire_info.fill_page(reply, universe, clock())
        # a page starts at the last millisecond of the one before, so its first fills are repeats
        fills |= {fill.trade: fill for fill in page}
        bad += unread
        if entries < PAGE:
            break
        if not page or ms_from_ns(page[-1].exch_ns) == start_ms:
            raise VenueProtocolError("userFillsByTime: a full page without progress in time")
        start_ms = ms_from_ns(page[-1].exch_ns)
    else:
        raise VenueProtocolError("userFillsByTime: no end of fills")
    since_ns, read, is_cut = Ns(max(fills_since_ns, 0)), tuple(fills.values()), len(fills) + len(bad) >= KEPT
    if is_cut:
        since_ns = Ns(min((fill.exch_ns for fill in read), default=begun_ns) + 1)
        lost = f"more fills than the venue keeps: those before {since_ns} are lost"
        bad.append(bad_data("userFillsByTime", "", lost, b"", begun_ns, BadKind.INCOMPLETE))
    snapshot, unusable = wire_info.account_snapshot(state, orders, read, universe, begun_ns, since_ns, history)
    return [msgspec.structs.replace(snapshot, is_cut=is_cut), *bad, *unusable]


def read_allowance(user: str, clock: Callable[[], Ns]) -> Errand:
    """AllowanceTold: the requests that the address has used and may use."""
    reply = yield wire_info.body("userRateLimit", user=user)
    return [wire_info.allowance(reply, clock())]


def read_candles(query: QueryCandles, universe: Universe, clock: Callable[[], Ns]) -> Errand:
    """CandlesTold, then BadData for entries that can't be read."""
    reply = yield candles.snapshot_body(query.coin, query.interval, query.since_ns // MS, query.until_ns // MS)
    return [*candles.told(reply, query, universe.instrument, clock())]


def run(errand: Errand, ask: Callable[[bytes], bytes]) -> list[Message]:
    """The errand's messages, with `ask` carrying each body to the venue and its reply back."""
    body = next(errand)
    while True:
        try:
            body = errand.send(ask(body))
        except StopIteration as done:
            messages: list[Message] = done.value
            return messages
