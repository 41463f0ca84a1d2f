"""The venue's actions that this house may sign, as types: strict to read, and written in signing key order.

Field order is what the venue hashes. Source: Hyperliquid documentation, "Exchange endpoint"; SDK 0.24.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from shared.errors import DataError
from shared.messages.order import ActionKind, CancelOrder, SubmitOrder
from shared.order import Side, Tif, Trigger, TriggerKind, VenueTwap
from shared.units import Px, px_to_str, sz_to_str

Asset = Annotated[int, Meta(ge=0, lt=1 << 31)]
"""The venue's index of what is traded; bounded, so that nothing read here can overflow in the hash."""
Oid = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""The venue's order id."""
Milliseconds = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""A time as the venue counts it."""


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a limit order stays."""

    tif: Tif


class TriggerTerms(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a sleeping order waits for, and whether it trades at the market then (within its limit price)."""

    is_market: bool
    trigger_px: str
    tpsl: TriggerKind


class OrderType(Struct, frozen=True, forbid_unknown_fields=True):
    """A limit order or a trigger; the signer's policy wants exactly one of them."""

    limit: Limit | UnsetType = UNSET
    trigger: TriggerTerms | UnsetType = UNSET


class OrderEntry(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"asset": "a", "is_buy": "b", "px": "p", "sz": "s", "reduce_only": "r", "kind": "t", "cloid": "c"},
):
    """One order. The house names each by a cloid; one without is refused."""

    asset: Asset
    is_buy: bool
    px: str
    sz: str
    reduce_only: bool
    kind: OrderType
    cloid: str


class CloidCancelEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Cancel of the order with our id."""

    asset: Asset
    cloid: str


class CancelEntry(Struct, frozen=True, forbid_unknown_fields=True, rename={"asset": "a", "oid": "o"}):
    """Cancel of the order with the venue's id."""

    asset: Asset
    oid: Oid


class ModifyEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """An order instead of the one that `oid` names (the venue's id or a cloid)."""

    oid: Oid | str
    order: OrderEntry


class Order(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="order"):
    """Place orders. `builder` is an unknown field here: nobody is paid for routing ours."""

    orders: tuple[OrderEntry, ...]
    grouping: Literal["na"]


class BatchModify(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="batchModify"):
    """Replace orders."""

    modifies: tuple[ModifyEntry, ...]


class Cancel(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="cancel"):
    """Cancel by the venue's ids."""

    cancels: tuple[CancelEntry, ...]


class CancelByCloid(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="cancelByCloid"):
    """Cancel by our ids."""

    cancels: tuple[CloidCancelEntry, ...]


class TwapTerms(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"asset": "a", "is_buy": "b", "sz": "s", "reduce_only": "r", "minutes": "m", "randomize": "t"},
):
    """What the venue is to trade in even parts over `minutes`; it takes neither a price nor a cloid."""

    asset: Asset
    is_buy: bool
    sz: str
    reduce_only: bool
    minutes: Annotated[int, Meta(ge=0, lt=1 << 31)]
    randomize: bool


class TwapOrder(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="twapOrder"):
    """The venue's own TWAP. `details` (a trigger) is an unknown field here."""

    twap: TwapTerms


class TwapCancel(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="twapCancel",
    rename={"asset": "a", "twap_id": "t"},
):
    """End the venue's own TWAP."""

    asset: Asset
    twap_id: Oid


class Noop(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="noop"):
    """Spend the nonce and do nothing: it fences a request in flight."""


class ScheduleCancel(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="scheduleCancel"):
    """Let the venue cancel everything at `time` (ms); without it, no longer."""

    time: Milliseconds | UnsetType = UNSET


Action = Order | BatchModify | Cancel | CancelByCloid | TwapOrder | TwapCancel | Noop | ScheduleCancel


class Signature(NamedTuple):
    """A recoverable secp256k1 signature as the venue takes it: `v` is 27 or 28."""

    r: int
    s: int
    v: int


class _Typed(Struct, frozen=True):
    type: str


SIGNER_SAYS: Final = "signer"
"""Refusals that begin so came from the signer (or its silence), not from the Hat."""
OVER_CAP: Final = "over the cap"
"""The signer's reasons that begin so are its law against orders that others should not have approved."""
NO_ORACLE: Final = "no oracle price"
"""The signer's reasons that begin so say that it is blind: what adds exposure waits until its own feeder is back."""

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[Action]] = msgspec.json.Decoder(Action)
_TYPED: Final = msgspec.json.Decoder(_Typed)
_TYPE_CHARACTERS_MAX: Final = 40


def to_json(action: Action) -> bytes:
    """The action's one form: no spaces, keys in signing order."""
    return _ENCODER.encode(action)


def read_action(data: bytes) -> Action:
    """The action that `data` is.

    DataError if it is not one of ours, or not in its one form: with a second way to write an action, what was checked
    and what is hashed could differ.
    """
    try:
        action = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{_type_of(data)}: {error}") from error
    if to_json(action) != data:
        raise DataError(f"{_type_of(data)}: not in canonical form")
    return action


def order_entry(order: SubmitOrder) -> OrderEntry:
    """The order in the venue's words."""
    return OrderEntry(
        asset=order.asset,
        is_buy=order.side is Side.BUY,
        px=px_to_str(order.px, order.sz_decimals),
        sz=sz_to_str(order.sz, order.sz_decimals),
        reduce_only=order.reduce_only,
        kind=_kind(order),
        cloid=order.cloid,
    )


def modify_entry(order: SubmitOrder) -> ModifyEntry:
    """The order in the place of the one that it replaces."""
    assert order.replaces is not None, f"{order.cloid} replaces nothing"
    return ModifyEntry(order.replaces, order_entry(order))


def _kind(order: SubmitOrder) -> OrderType:
    if not isinstance(order.how, Trigger):
        return OrderType(Limit(order.tif))
    px = px_to_str(Px(order.how.px), order.sz_decimals)
    return OrderType(trigger=TriggerTerms(order.tif is Tif.IOC, px, order.how.kind))


def cancel_entry(cancel: CancelOrder) -> CloidCancelEntry:
    """The cancel in the venue's words."""
    return CloidCancelEntry(cancel.asset, cancel.cloid)


def twap_terms(order: SubmitOrder, how: VenueTwap) -> TwapTerms:
    """The venue's own TWAP in its words."""
    return TwapTerms(
        order.asset, order.side is Side.BUY, sz_to_str(order.sz, order.sz_decimals), order.reduce_only, how.minutes,
        how.randomize,
    )  # fmt: skip


def kind_of(order: SubmitOrder) -> ActionKind:
    """What the order's action does."""
    if isinstance(order.how, VenueTwap):
        return ActionKind.TWAP
    return ActionKind.ORDER if order.replaces is None else ActionKind.MODIFY


def post_body(action: bytes, nonce: int, expires_after_ms: int, signature: Signature) -> bytes:
    """The JSON to post, with `action` byte for byte as it was signed. `expires_after_ms` 0: never expires.

    r and s are written without leading zeros, as the official SDK writes them.
    """
    expires = str(expires_after_ms) if expires_after_ms else "null"
    tail = (
        f',"nonce":{nonce},"signature":{{"r":"{signature.r:#x}","s":"{signature.s:#x}","v":{signature.v}}}'
        f',"vaultAddress":null,"expiresAfter":{expires}}}'
    )
    return b'{"action":' + action + tail.encode()


def _type_of(data: bytes) -> str:
    try:
        return _TYPED.decode(data).type[:_TYPE_CHARACTERS_MAX]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "not an action"
