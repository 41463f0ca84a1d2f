"""What to cancel and what to close, from what the venue says is open. Pure.

Closing orders are immediate-or-cancel and reduce-only, so one too many can't open anything: the venue clips it to what
is there. Their price gives way a little more with each of some tries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from hats.security_architect.actions import Action, Cancel, CancelEntry, Limit, Order, OrderEntry, OrderType, TwapCancel
from orchestrator.watchdog.guard import Aim
from shared.errors import VenueProtocolError
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.order import Side, Tif
from shared.rules.spot import is_spot_asset, spot_asset_of
from shared.units import Px, Rounding, Sz

T = TypeVar("T")
ENTRIES_MAX: Final = 20
"""Entries of one action, as the signer's policy allows."""
_SLIPPAGE_FIRST: Final = 0.02
_SLIPPAGE_MOST: Final = 0.20
_TRIES: Final = 5
"""So many prices, each further away than the last; then it begins anew: what is too far for the venue's bands is never
taken, and what was too near may trade by then."""
_SINGLY_FROM: Final = 2
"""From this try on each position has an action of its own, for the venue may refuse a whole one for one coin."""


class OpenOrder(msgspec.Struct, frozen=True, rename="camel"):
    """An order as `frontendOpenOrders` writes it; further fields are ignored."""

    coin: str
    oid: int
    side: str
    sz: str
    is_trigger: bool = False
    order_type: str = ""
    reduce_only: bool = False


class Position(NamedTuple):
    """What is held of a coin: signed lots."""

    coin: str
    net_sz: int


class _Held(msgspec.Struct):
    coin: str
    szi: str


class _AssetPosition(msgspec.Struct):
    position: _Held


class _Clearinghouse(msgspec.Struct, rename="camel"):
    asset_positions: list[_AssetPosition]


_ORDERS: Final = msgspec.json.Decoder(list[OpenOrder])
_STATE: Final = msgspec.json.Decoder(_Clearinghouse)
_MIDS: Final = msgspec.json.Decoder(dict[str, str])


class OpenTwap(NamedTuple):
    """One of the venue's own TWAPs that is at work."""

    coin: str
    twap_id: int


class _TwapState(msgspec.Struct):
    coin: str


class _TwapStatus(msgspec.Struct):
    status: str


class _Twap(msgspec.Struct, rename="camel"):
    state: _TwapState
    status: _TwapStatus
    twap_id: int | None = None


_TWAPS: Final = msgspec.json.Decoder(list[_Twap])
_TWAP_AT_WORK: Final = frozenset({"activated", "waitingForTrigger"})


class Account(NamedTuple):
    """What the venue says is open; None: it did not say."""

    orders: tuple[OpenOrder, ...] | None
    positions: tuple[Position, ...] | None
    twaps: tuple[OpenTwap, ...] | None = ()


def read_twaps(reply: bytes) -> tuple[OpenTwap, ...]:
    """Those at work by `twapHistory`, newest word first; VenueProtocolError if it makes no sense."""
    try:
        history = _TWAPS.decode(reply)
    except (msgspec.MsgspecError, ValueError) as error:
        raise VenueProtocolError(f"expected TWAPs: {error}", reply[:100].decode("utf-8", "replace")) from error
    newest = {one.twap_id: one for one in reversed(history) if one.twap_id is not None}
    return tuple(
        OpenTwap(one.state.coin, twap_id)
        for twap_id, one in sorted(newest.items())
        if one.status.status in _TWAP_AT_WORK
    )


def read_orders(reply: bytes) -> tuple[OpenOrder, ...]:
    """Those open by `frontendOpenOrders`; VenueProtocolError if it makes no sense."""
    try:
        return tuple(_ORDERS.decode(reply))
    except (msgspec.MsgspecError, ValueError) as error:
        raise VenueProtocolError(f"expected orders: {error}", reply[:100].decode("utf-8", "replace")) from error


def read_positions(reply: bytes, instruments: Mapping[str, Instrument]) -> tuple[Position, ...]:
    """Those held by `clearinghouseState`; VenueProtocolError if it makes no sense or a coin is not listed."""
    try:
        held = [entry.position for entry in _STATE.decode(reply).asset_positions]
        positions = [Position(each.coin, _lots(each.szi, instruments[each.coin])) for each in held]
    except (msgspec.MsgspecError, ValueError, KeyError) as error:
        raise VenueProtocolError(f"expected positions: {error!r}", reply[:100].decode("utf-8", "replace")) from error
    return tuple(position for position in positions if position.net_sz)


def read_mids(reply: bytes) -> dict[str, float]:
    """The mids that `allMids` tells, in USDC; VenueProtocolError if it makes no sense."""
    try:
        return {coin: float(text) for coin, text in _MIDS.decode(reply).items()}
    except (msgspec.MsgspecError, ValueError) as error:
        raise VenueProtocolError(f"expected mids: {error}", reply[:100].decode("utf-8", "replace")) from error


def kept_triggers(account: Account, aim: Aim, instruments: Mapping[str, Instrument]) -> frozenset[int]:
    """Oids of what is left alone if the aim allows: the triggers that cover a position of which a stop covers all.

    A take-profit alone protects nothing. While nobody knows what is held, any of them may be such a trigger.
    """
    if aim is not Aim.PROTECT or account.orders is None:
        return frozenset()
    triggers = [order for order in account.orders if order.is_trigger and order.reduce_only]
    if account.positions is None:
        return frozenset(order.oid for order in triggers)
    held = dict(account.positions)
    covering = [order for order in triggers if _covers(order, held.get(order.coin, 0), instruments)]
    stopped = {order.coin for order in covering if order.order_type.startswith("Stop")}
    return frozenset(order.oid for order in covering if order.coin in stopped)


def _covers(trigger: OpenOrder, net_sz: int, instruments: Mapping[str, Instrument]) -> bool:
    closing = "A" if net_sz > 0 else "B"
    return net_sz != 0 and trigger.side == closing and _lots(trigger.sz, instruments[trigger.coin]) >= abs(net_sz)


def to_close(account: Account, aim: Aim, kept: frozenset[int]) -> tuple[Position, ...]:
    """The positions that must go: all, none, or those without triggers that are kept."""
    if aim is Aim.CANCEL or account.positions is None:
        return ()
    if aim is Aim.FLATTEN:
        return account.positions
    if account.orders is None:
        return ()  # which of them have a stop, the next look tells
    protected = {order.coin for order in account.orders if order.oid in kept}
    return tuple(position for position in account.positions if position.coin not in protected)


def assets_of(coins: Iterable[str], instruments: Mapping[str, Instrument]) -> dict[str, int]:
    """The ids by which orders in these coins are cancelled, perps or spot pairs; a coin that is neither is left out."""
    found = {coin: instruments[coin].asset if coin in instruments else spot_asset_of(coin) for coin in coins}
    return {coin: asset for coin, asset in found.items() if asset is not None}


def cancels(orders: Iterable[OpenOrder], kept: frozenset[int], assets: Mapping[str, int]) -> Iterator[Action]:
    """Actions that cancel every order but those kept, risk-adding ones first. `assets`: ids by coin."""
    doomed = sorted((order for order in orders if order.oid not in kept), key=lambda order: order.reduce_only)
    entries = [CancelEntry(assets[order.coin], order.oid) for order in doomed if order.coin in assets]
    perps = [entry for entry in entries if not is_spot_asset(entry.asset)]
    pairs = [entry for entry in entries if is_spot_asset(entry.asset)]
    # apart, for the venue may refuse a whole action for one entry, and what the desk trades are perps
    return (Cancel(tuple(batch)) for part in (perps, pairs) for batch in _batches(part))


def twap_cancels(twaps: Iterable[OpenTwap], assets: Mapping[str, int]) -> Iterator[Action]:
    """Actions that end every TWAP: each would go on trading by itself. `assets`: ids by coin."""
    return (TwapCancel(assets[twap.coin], twap.twap_id) for twap in twaps if twap.coin in assets)


def closes(
    positions: Sequence[Position],
    mids: Mapping[str, float],
    instruments: Mapping[str, Instrument],
    attempt: int,
    cloids: Iterator[Cloid],
) -> Iterator[Action]:
    """Actions that close the positions at the `attempt`-th try (from 0); a coin without a mid can't be priced yet."""
    entries = [
        _close(position, mids[position.coin], instruments[position.coin], attempt, next(cloids))
        for position in positions
        if mids.get(position.coin, 0.0) > 0.0
    ]
    return (Order(tuple(batch), "na") for batch in _batches(entries, ENTRIES_MAX if attempt < _SINGLY_FROM else 1))


def _close(position: Position, mid: float, instrument: Instrument, attempt: int, cloid: Cloid) -> OrderEntry:
    side = Side.SELL if position.net_sz > 0 else Side.BUY
    slippage = min(_SLIPPAGE_FIRST * 2 ** (attempt % _TRIES), _SLIPPAGE_MOST)
    px: Px = instrument.px_on_tick(
        mid * (1 + side.value * slippage), Rounding.UP if side is Side.BUY else Rounding.DOWN
    )
    px = max(px, Px(instrument.tick(1)))  # what costs less than a tick is sold at a tick
    return OrderEntry(
        asset=instrument.asset,
        is_buy=side is Side.BUY,
        px=instrument.px_text(px),
        sz=instrument.sz_text(abs(position.net_sz)),
        reduce_only=True,
        kind=OrderType(Limit(Tif.IOC)),
        cloid=cloid,
    )


def _lots(text: str, instrument: Instrument) -> int:
    """Signed lots from the venue's text."""
    size: Sz = instrument.sz(text.removeprefix("-"))
    return -size if text.startswith("-") else size


def _batches(entries: Sequence[T], most: int = ENTRIES_MAX) -> Iterator[Sequence[T]]:
    for start in range(0, len(entries), most):
        yield entries[start : start + most]
