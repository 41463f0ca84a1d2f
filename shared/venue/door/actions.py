"""The /exchange schemas: what a signed request may say, and the exact form of it that the venue hashes."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from shared.venue.door.signatures import address_from_text

U32 = Annotated[int, Meta(ge=0, lt=2**32)]
U64 = Annotated[int, Meta(ge=0, le=2**63 - 1)]
I64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Number = Annotated[str, Meta(pattern=r"\A[0-9]+(\.[0-9]+)?\Z", max_length=64)]
Address = Annotated[str, Meta(pattern=r"\A(0x)?[0-9a-fA-F]{40}\Z")]
CloidText = Annotated[str, Meta(pattern=r"\A(0x)?[0-9a-fA-F]{32}\Z")]
HexWord = Annotated[str, Meta(pattern=r"\A0x[0-9a-fA-F]{1,64}\Z")]
MAX_DECIMALS: Final = 8


class SignatureWire(Struct, frozen=True):
    """r and s as the client spelled them (leading zeros may lack), v is 27 or 28."""

    r: HexWord
    s: HexWord
    v: U64


class Envelope(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The outer object of every /exchange request."""

    action: dict[str, Any]
    nonce: U64
    signature: SignatureWire
    vault_address: Address | None = None
    expires_after: U64 | None = None


class LimitKind(Struct, frozen=True):
    """A plain limit order."""

    tif: Literal["Alo", "Ioc", "Gtc", "FrontendMarket"]


class TriggerKind(Struct, frozen=True, rename="camel"):
    """A stop or a take-profit."""

    is_market: bool
    trigger_px: Number
    tpsl: Literal["tp", "sl"]


class OrderKind(Struct, frozen=True, omit_defaults=True):
    """Exactly one of the two."""

    limit: LimitKind | None = None
    trigger: TriggerKind | None = None

    def __post_init__(self) -> None:
        if (self.limit is None) == (self.trigger is None):
            raise ValueError("expected exactly one of limit and trigger")


class OrderWire(Struct, frozen=True, omit_defaults=True):
    """One order; unknown fields beside these are ignored."""

    asset: U32 = field(name="a")
    is_buy: bool = field(name="b")
    px: Number = field(name="p")
    sz: Number = field(name="s")
    reduce_only: bool = field(name="r")
    kind: OrderKind = field(name="t")
    cloid: CloidText | None = field(name="c", default=None)

    def canonical(self) -> OrderWire:
        """The same order as the venue hashes it."""
        kind = self.kind
        if kind.trigger is not None:
            trigger = msgspec.structs.replace(kind.trigger, trigger_px=canonical_number(kind.trigger.trigger_px))
            kind = OrderKind(trigger=trigger)
        px, sz = canonical_number(self.px), canonical_number(self.sz)
        return OrderWire(self.asset, self.is_buy, px, sz, self.reduce_only, kind, canonical_cloid(self.cloid))


class PriorityGrouping(Struct, frozen=True, rename={"rate": "p"}):
    """A priority fee instead of a grouping."""

    rate: U64


class Builder(Struct, frozen=True, rename={"address": "b", "fee": "f"}):
    """Who built the front end, and what it takes in tenths of a basis point."""

    address: Address
    fee: U64


class Action(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    """One supported action; its fields stand in the order in which they are hashed."""

    is_user_signed: ClassVar[bool] = False

    def canonical(self) -> Action:
        """The same action as the venue hashes it: numbers without trailing zeros, lower-case addresses and cloids."""
        return self


class OrderAction(Action, frozen=True, tag="order"):
    """Place a batch of orders."""

    orders: tuple[OrderWire, ...]
    grouping: Literal["na", "normalTpsl", "positionTpsl"] | PriorityGrouping
    builder: Builder | None = None

    def canonical(self) -> OrderAction:
        """Orders and builder in canonical form."""
        builder = self.builder and Builder(canonical_address(self.builder.address), self.builder.fee)
        return OrderAction(tuple(order.canonical() for order in self.orders), self.grouping, builder)


class CancelWire(Struct, frozen=True, rename={"asset": "a", "oid": "o"}):
    """One cancel by venue id."""

    asset: U32
    oid: U64


class CancelAction(Action, frozen=True, tag="cancel"):
    """Cancel a batch by venue id. `fast` asks for the fast lane, which makes no difference here."""

    cancels: tuple[CancelWire, ...]
    fast: bool = field(name="f", default=False)


class CloidCancelWire(Struct, frozen=True):
    """One cancel by client id."""

    asset: U32
    cloid: CloidText


class CancelByCloidAction(Action, frozen=True, tag="cancelByCloid"):
    """Cancel a batch by client id."""

    cancels: tuple[CloidCancelWire, ...]
    fast: bool = field(name="f", default=False)

    def canonical(self) -> CancelByCloidAction:
        """Client ids in canonical form."""
        cancels = (CloidCancelWire(cancel.asset, _cloid(cancel.cloid)) for cancel in self.cancels)
        return CancelByCloidAction(tuple(cancels), self.fast)


class ModifyWire(Struct, frozen=True):
    """One replacement: the order to end, by either id, and the order to place."""

    oid: U64 | CloidText
    order: OrderWire

    def canonical(self) -> ModifyWire:
        """Target and order in canonical form."""
        return ModifyWire(self.oid if isinstance(self.oid, int) else _cloid(self.oid), self.order.canonical())


class ModifyAction(Action, frozen=True, tag="modify"):
    """Replace one order."""

    oid: U64 | CloidText
    order: OrderWire
    always_place: bool = field(name="a", default=False)

    def canonical(self) -> ModifyAction:
        """Target and order in canonical form."""
        entry = ModifyWire(self.oid, self.order).canonical()
        return ModifyAction(entry.oid, entry.order, self.always_place)


class BatchModifyAction(Action, frozen=True, tag="batchModify"):
    """Replace a batch of orders."""

    modifies: tuple[ModifyWire, ...]
    always_place: bool = field(name="a", default=False)

    def canonical(self) -> BatchModifyAction:
        """Targets and orders in canonical form."""
        return BatchModifyAction(tuple(entry.canonical() for entry in self.modifies), self.always_place)


class UpdateLeverageAction(Action, frozen=True, tag="updateLeverage", rename="camel"):
    """Set the leverage on one asset."""

    asset: U32
    is_cross: bool
    leverage: U32


class UpdateIsolatedMarginAction(Action, frozen=True, tag="updateIsolatedMargin", rename="camel"):
    """Move micro-USDC from cross to an isolated position, or back; `is_buy` has no effect."""

    asset: U32
    is_buy: bool
    ntli: I64


class TopUpIsolatedOnlyMarginAction(Action, frozen=True, tag="topUpIsolatedOnlyMargin"):
    """Add margin to an isolated position until its leverage is down to this."""

    asset: U32
    leverage: Number

    def canonical(self) -> TopUpIsolatedOnlyMarginAction:
        """The leverage without needless zeros."""
        return TopUpIsolatedOnlyMarginAction(self.asset, canonical_number(self.leverage))


class NoopAction(Action, frozen=True, tag="noop"):
    """Use up a nonce."""


class TypedAction(Action, frozen=True, rename="camel"):
    """An action that the master key signs as typed data, as it was spelled; agents can't."""

    is_user_signed: ClassVar[bool] = True

    signature_chain_id: Annotated[str, Meta(pattern=r"\A0x[0-9a-fA-F]{1,16}\Z")]
    hyperliquid_chain: Literal["Mainnet", "Testnet"]

    @property
    def stamp(self) -> int:
        """The nonce that was signed; some actions call it their time."""
        message = self.message()
        return int(message["time"] if "time" in message else message["nonce"])

    def message(self) -> dict[str, Any]:
        """The fields as they were signed, with more beside them."""
        message: dict[str, Any] = msgspec.to_builtins(self)
        return message


class ApproveAgentAction(TypedAction, frozen=True, tag="approveAgent", rename="camel"):
    """Let another key trade for the signer."""

    agent_address: Address
    nonce: U64
    agent_name: str | None = None

    def message(self) -> dict[str, Any]:
        """An agent without a name is signed with an empty one."""
        return {"agentName": ""} | super().message()


Supported = Action
"""What has passed the reader of `action_types`."""
TYPES: Final[dict[str, type[Action]]] = {
    "order": OrderAction,
    "cancel": CancelAction,
    "cancelByCloid": CancelByCloidAction,
    "modify": ModifyAction,
    "batchModify": BatchModifyAction,
    "updateLeverage": UpdateLeverageAction,
    "updateIsolatedMargin": UpdateIsolatedMarginAction,
    "topUpIsolatedOnlyMargin": TopUpIsolatedOnlyMarginAction,
    "noop": NoopAction,
    "approveAgent": ApproveAgentAction,
}


def canonical_number(text: str) -> str:
    """`text` without needless zeros; ValueError if more than eight decimals are left."""
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > MAX_DECIMALS:
        raise ValueError(f"expected at most {MAX_DECIMALS} decimals, got {text!r}")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def canonical_address(text: str) -> str:
    """The address in lower case with its prefix; `text` is known to be one."""
    address = address_from_text(text)
    assert address is not None
    return address


def canonical_cloid(text: str | None) -> str | None:
    """The client id in lower case with its prefix; None stays None."""
    return None if text is None else _cloid(text)


def _cloid(text: str) -> str:
    return "0x" + text.lower().removeprefix("0x")
