"""The venue's /info: bodies to ask with, replies as messages. A reply that can't be read is a VenueProtocolError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec

from hats.exchange_architect.margin_tables import margin_tiers
from hats.exchange_architect.numbers import Id, Ms, exact, near, ns_from_ms, usd_near
from hats.exchange_architect.records import (
    FillRecord,
    OrderRecord,
    StatusRecord,
    fill_message,
    order_message,
    side_from_wire,
)
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import EXCERPT, UNREADABLE, bad_data, kind_of
from shared.errors import DataError, VenueProtocolError
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.messages.account import AccountSnapshot, RunningTwap, VenuePosition
from shared.messages.market import BadData, BadKind, UniverseUpdate
from shared.messages.order import AllowanceTold, Fill, QueryTwap, VenueOrder, VenueOrderStatus
from shared.order import Side
from shared.units import MS, Ns, Px, Rounding, Sz, Usd, round_ratio

FEE_DECIMALS: Final = 7
BASE_TAKER_E7: Final = 4_500
BASE_MAKER_E7: Final = 1_500
"""The venue's base rates, which hold for an account without volume, stake or referral."""
ENTRY_DIGITS: Final = 4
"""Digits of an average entry price that are read beyond those of a price."""
COST_MOST_USD: Final = 2**62
"""Micro-USDC that no position costs."""
_AT_WORK: Final = ("activated", "waitingForTrigger")
"""What the venue says of a TWAP that goes on trading."""
TWAP_SKEW_MS: Final = 10_000
"""How far the venue's clock may be behind ours when a TWAP is looked for by the time when it was sent."""
S = TypeVar("S")
T = TypeVar("T")


class _Perp(msgspec.Struct, rename="camel"):
    name: str
    sz_decimals: int
    max_leverage: Annotated[int, msgspec.Meta(ge=1)]
    is_delisted: bool = False
    margin_table_id: int | None = None


class _Meta(msgspec.Struct, rename="camel"):
    universe: list[_Perp]
    margin_tables: list[tuple[int, msgspec.Raw]] = []


class _Fees(msgspec.Struct, rename="camel"):
    user_cross_rate: str
    user_add_rate: str


class _Found(msgspec.Struct):
    status: str
    order: StatusRecord | None = None


class _TwapState(msgspec.Struct, rename="camel"):
    coin: str
    side: str
    sz: str
    executed_sz: str
    timestamp: Ms
    minutes: int = 0
    reduce_only: bool = False
    randomize: bool = False


class _TwapStatus(msgspec.Struct):
    status: str
    description: str = ""


class _Twap(msgspec.Struct, rename="camel"):
    time: int
    state: _TwapState
    status: _TwapStatus
    twap_id: Id | None = None


class _Margin(msgspec.Struct, rename="camel"):
    account_value: str
    total_raw_usd: str


class _Leverage(msgspec.Struct):
    value: int


class _Position(msgspec.Struct, rename="camel"):
    coin: str
    szi: str
    entry_px: str | None
    leverage: _Leverage


class _Held(msgspec.Struct):
    position: _Position


class _Clearinghouse(msgspec.Struct, rename="camel"):
    margin_summary: _Margin
    withdrawable: str
    asset_positions: list[msgspec.Raw]
    time: Ms = 0


class _RateLimit(msgspec.Struct, rename="camel"):
    n_requests_used: int
    n_requests_cap: int


_rate_limit: Final = msgspec.json.Decoder(_RateLimit)
_twaps: Final = msgspec.json.Decoder(list[_Twap])
_meta: Final = msgspec.json.Decoder(_Meta)
_fees: Final = msgspec.json.Decoder(_Fees)
_found: Final = msgspec.json.Decoder(_Found)
_clearinghouse: Final = msgspec.json.Decoder(_Clearinghouse)
_held: Final = msgspec.json.Decoder(_Held)
_order: Final = msgspec.json.Decoder(OrderRecord)
_fill: Final = msgspec.json.Decoder(FillRecord)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])


def body(kind: str, **fields: Any) -> bytes:
    """The JSON body of one /info request; fields that are None are left out."""
    return msgspec.json.encode({"type": kind} | {name: value for name, value in fields.items() if value is not None})


def universe_update(meta: bytes, fees: bytes | None, recv_ns: Ns) -> UniverseUpdate:
    """What is listed and the fees we pay; without an account (no `fees`) the venue's base fees.

    Asset ids are positions in the list. Rates finer than 10^-7 are rounded up, against us; the referral discount is
    not counted on.
    """
    listed = _read(_meta, meta, "meta")
    perps = listed.universe
    instruments = tuple(
        Instrument(perp.name, asset, perp.sz_decimals, perp.max_leverage, perp.is_delisted)
        for asset, perp in enumerate(perps)
        if 0 <= perp.sz_decimals <= 6
    )
    if not instruments:
        raise VenueProtocolError("expected a meta with perps", _start(meta))
    tiers = margin_tiers(perps, listed.margin_tables)
    if fees is None:
        return UniverseUpdate(instruments, BASE_TAKER_E7, BASE_MAKER_E7, recv_ns, tiers)
    rates = _read(_fees, fees, "userFees")
    try:
        taker, maker = (near(r, FEE_DECIMALS, Rounding.UP) for r in (rates.user_cross_rate, rates.user_add_rate))
    except ValueError as error:
        raise VenueProtocolError(f"userFees: {error}", _start(fees)) from error
    return UniverseUpdate(instruments, taker, maker, recv_ns, tiers)


def untold_tables(update: UniverseUpdate, meta: bytes) -> list[BadData]:
    """A record of every coin whose margin tiers `meta` does not tell."""
    why = "a margin table that the reply does not tell"
    untold = [coin for coin, tiers in update.margin_tiers.items() if not tiers]
    return [bad_data("meta", coin, why, meta, update.recv_ns, BadKind.DRIFT) for coin in untold]


def venue_order(reply: bytes, cloid: Cloid, universe: Universe, recv_ns: Ns) -> VenueOrder:
    """What `orderStatus` says of `cloid`; UNKNOWN_OID (with nothing else known) if the venue has no such order."""
    found = _read(_found, reply, "orderStatus")
    if found.order is not None:
        record = found.order
        try:
            return order_message(record.order, record.status, record.status_timestamp, universe, recv_ns)
        except UNREADABLE as error:
            raise VenueProtocolError(f"orderStatus: {error}", _start(reply)) from error
    if found.status != "unknownOid":
        raise VenueProtocolError("expected order or unknownOid", _start(reply))
    nothing = (Px(0), Sz(0), Sz(0))
    return VenueOrder(
        cloid, 0, "", Side.BUY, *nothing, VenueOrderStatus.UNKNOWN_OID, found.status, Ns(recv_ns), recv_ns
    )


def twap_order(reply: bytes, query: QueryTwap, universe: Universe, recv_ns: Ns) -> VenueOrder:
    """What `twapHistory` (newest first) says of one TWAP, as of an order whose oid is the TWAP's id; UNKNOWN_OID if it
    has none like it."""
    history = _read(_twaps, reply, "twapHistory")
    since_ms = query.since_ns // MS - TWAP_SKEW_MS
    try:
        found = next((one for one in history if _is_meant(one, query, since_ms, universe)), None)
        left_sz, orig_sz = Sz(query.sz), query.sz
        if found is not None:
            left_sz = Sz(max(query.sz - exact(found.state.executed_sz, universe.instrument(query.coin).sz_decimals), 0))
    except UNREADABLE as error:
        raise VenueProtocolError(f"twapHistory: {error}", _start(reply)) from error
    status = VenueOrderStatus.UNKNOWN_OID if found is None else _twap_status(found.status.status, left_sz, orig_sz)
    said = "no such TWAP" if found is None else f"{found.status.status} {found.status.description}".rstrip()
    return VenueOrder(
        query.cloid, (found.twap_id or 0) if found is not None else 0, query.coin, query.side, Px(0), left_sz, orig_sz,
        status, said, Ns(recv_ns), recv_ns,
    )  # fmt: skip


def _at_work(history: list[_Twap]) -> list[_Twap]:
    """The TWAPs whose newest line says that they go on; `history` is newest first."""
    newest: dict[int, _Twap] = {}
    for line in history:
        if line.twap_id is not None:
            newest.setdefault(line.twap_id, line)
    return [line for _, line in sorted(newest.items()) if line.status.status in _AT_WORK]


def _running_twap(twap: _Twap, universe: Universe) -> RunningTwap:
    state, decimals = twap.state, universe.instrument(twap.state.coin).sz_decimals
    sz, executed_sz = (Sz(exact(text, decimals)) for text in (state.sz, state.executed_sz))
    side = side_from_wire(state.side)
    assert twap.twap_id is not None
    return RunningTwap(
        twap.twap_id, state.coin, side, sz, executed_sz, state.minutes, state.reduce_only, state.randomize
    )  # fmt: skip


def _is_meant(twap: _Twap, query: QueryTwap, since_ms: int, universe: Universe) -> bool:
    if query.twap_id is not None:
        return twap.twap_id == query.twap_id
    state = twap.state
    return (
        state.coin == query.coin
        and side_from_wire(state.side) is query.side
        and exact(state.sz, universe.instrument(query.coin).sz_decimals) == query.sz
        and state.timestamp >= since_ms
        and twap.twap_id not in query.others
    )


def _twap_status(word: str, left_sz: int, orig_sz: int) -> VenueOrderStatus:
    """What a TWAP's status means for the life of an order; an end with something left is a cancel of the rest."""
    if word in _AT_WORK:
        return VenueOrderStatus.OPEN
    if word not in ("finished", "terminated", "stopped", "error"):
        return VenueOrderStatus.OTHER
    if not left_sz:
        return VenueOrderStatus.FILLED
    is_refused = word == "error" and left_sz == orig_sz
    return VenueOrderStatus.REJECTED if is_refused else VenueOrderStatus.CANCELLED


def allowance(reply: bytes, recv_ns: Ns) -> AllowanceTold:
    """What `userRateLimit` says of the address's requests."""
    limit = _read(_rate_limit, reply, "userRateLimit")
    return AllowanceTold(limit.n_requests_used, limit.n_requests_cap, recv_ns)


def account_snapshot(
    state: bytes,
    orders: bytes,
    fills: tuple[Fill, ...],
    universe: Universe,
    recv_ns: Ns,
    fills_since_ns: Ns,
    history: bytes | None = None,
) -> tuple[AccountSnapshot, list[BadData]]:
    """The account, and what of it could not be used (positions, orders or TWAPs in coins that are not listed).

    Without `history` (of TWAPs) nothing is known of those.

    Cash is the venue's `totalRawUsd`: exact whatever the entry prices, unlike equity less unrealised profit.
    """
    summary = _read(_clearinghouse, state, "clearinghouseState")
    held, bad = _each("clearinghouseState", summary.asset_positions, _held.decode, recv_ns)
    positions, strangers = _each("clearinghouseState", held, lambda one: _position(one.position, universe), recv_ns)
    raw_orders = _read(_raws, orders, "frontendOpenOrders")
    open_orders, unread = _each("frontendOpenOrders", raw_orders, lambda raw: _open(raw, universe, recv_ns), recv_ns)
    lines = [] if history is None else _at_work(_read(_twaps, history, "twapHistory"))
    twaps, unknown = _each("twapHistory", lines, lambda line: _running_twap(line, universe), recv_ns)
    try:
        equity, withdrawable = usd_near(summary.margin_summary.account_value), usd_near(summary.withdrawable)
        cash = usd_near(summary.margin_summary.total_raw_usd)
    except UNREADABLE as error:
        raise VenueProtocolError(f"clearinghouseState: {error}", _start(state)) from error
    snapshot = AccountSnapshot(
        equity_usd=equity,
        cash_usd=cash,
        withdrawable_usd=withdrawable,
        positions=tuple(positions),
        open_orders=tuple(open_orders),
        fills=fills,
        exch_ns=ns_from_ms(summary.time),
        recv_ns=recv_ns,
        fills_since_ns=fills_since_ns,
        twaps=None if history is None else tuple(twaps),
    )
    return snapshot, [*bad, *strangers, *unread, *unknown]


def fill_page(reply: bytes, universe: Universe, recv_ns: Ns) -> tuple[list[Fill], list[BadData], int]:
    """The fills of one `userFillsByTime` reply, what could not be read, and how many entries the reply had."""
    raws = _read(_raws, reply, "userFillsByTime")
    fills, bad = _each("userFillsByTime", raws, lambda raw: fill_message(_fill.decode(raw), universe, recv_ns), recv_ns)
    return fills, bad, len(raws)


def _position(position: _Position, universe: Universe) -> VenuePosition:
    coin = universe.instrument(position.coin)
    net_sz = exact(position.szi, coin.sz_decimals)
    # an average has more digits than a price
    entry = near(position.entry_px or "0", coin.px_decimals + ENTRY_DIGITS)
    cost_usd = round_ratio(entry * net_sz, 10**ENTRY_DIGITS, Rounding.NEAREST)
    if entry < 0 or abs(cost_usd) >= COST_MOST_USD:
        raise DataError(f"expected an entry price, got {position.entry_px!r}")
    return VenuePosition(position.coin, net_sz, Usd(cost_usd), position.leverage.value)


def _open(raw: bytes, universe: Universe, recv_ns: Ns) -> VenueOrder:
    record = _order.decode(raw)
    return order_message(record, "open", record.timestamp, universe, recv_ns)


def _each(channel: str, entries: list[S], read: Callable[[S], T], recv_ns: Ns) -> tuple[list[T], list[BadData]]:
    """Every entry that can be read, and a record of every one that can't."""
    good: list[T] = []
    bad: list[BadData] = []
    for entry in entries:
        try:
            good.append(read(entry))
        except UNREADABLE as error:
            raw = bytes(entry) if isinstance(entry, msgspec.Raw) else msgspec.json.encode(entry)
            bad.append(bad_data(channel, "", str(error), raw, recv_ns, kind_of(error)))
    return good, bad


def _read(decoder: msgspec.json.Decoder[T], reply: bytes, what: str) -> T:
    try:
        return decoder.decode(reply)
    except UNREADABLE as error:
        raise VenueProtocolError(f"{what}: {error}", _start(reply)) from error


def _start(reply: bytes) -> str:
    return reply[:EXCERPT].decode("utf-8", errors="replace")
