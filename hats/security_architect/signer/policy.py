"""What may be signed at all. Default deny: an action that is not named here is refused, whoever asks."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, Struct

from hats.security_architect.actions import (
    OVER_CAP,
    Action,
    BatchModify,
    Cancel,
    CancelByCloid,
    CancelEntry,
    CloidCancelEntry,
    Noop,
    Order,
    OrderEntry,
    ScheduleCancel,
    TwapCancel,
    TwapOrder,
    TwapTerms,
)
from hats.security_architect.signer.bounds import Limits
from hats.security_architect.signer.typed_data import Network
from shared.errors import UnitError
from shared.ids import is_cloid
from shared.rules.twap import is_duration
from shared.units import DAY, MS, USD_DECIMALS, scaled_from_str, str_from_scaled

_DECIMALS: Final = 8
"""More decimals than any perp price or size has."""

_CHARACTERS_MAX: Final = 32
_MICRO_USD_SHIFT: Final = 10 ** (2 * _DECIMALS - USD_DECIMALS)
_NONCE_WINDOW_MS: Final = DAY // MS
"""The venue takes nonces from two days behind to one day ahead; one that is further off could never act."""


class AssetRule(Struct, frozen=True):
    """An asset that may be traded, and the largest size of one order in coins as a decimal (None: only the notional).

    A sell's limit price bounds its notional from below only, so a cap on notional alone would let a huge sell pass at
    a tiny price; the cap on size does not.
    """

    asset: int
    sz_max: str | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """The signer's law. It is set when the process starts and nobody can change it after.

    `max_notional_usd` (micro-USDC) is per order that may add exposure; a reduce-only order can only close what is
    there, and a cap on it would stand in the way of a kill. `limits` bound all that add exposure together.
    """

    network: Network
    assets: tuple[AssetRule, ...]
    max_notional_usd: int
    limits: Limits = Limits()
    expires_ahead_ms_max: int = 30_000
    entries_max: int = 20


def refusal(policy: Policy, action: Action, nonce: int, expires_after_ms: int, now_ms: int) -> str | None:
    """Why this may not be signed; None if it may. `expires_after_ms` 0: absent."""
    if abs(nonce - now_ms) > _NONCE_WINDOW_MS:
        return f"nonce {nonce} is more than a day from now"
    if (expired := expiry_fault(expires_after_ms, now_ms)) is not None:
        return expired
    match action:
        case Order(orders=orders):
            return _late(policy, expires_after_ms, now_ms) or order_fault(policy, orders)
        case BatchModify(modifies=modifies):
            targets = (entry.oid for entry in modifies if isinstance(entry.oid, str))
            return (
                _late(policy, expires_after_ms, now_ms)
                or next((f"target {target!r} is no cloid" for target in targets if not is_cloid(target)), None)
                or order_fault(policy, tuple(entry.order for entry in modifies))
            )
        case Cancel(cancels=cancels):
            return _cancels(policy, cancels)
        case CancelByCloid(cancels=cancels):
            bad = next((entry.cloid for entry in cancels if not is_cloid(entry.cloid)), None)
            return f"{bad!r} is no cloid" if bad is not None else _cancels(policy, cancels)
        case TwapOrder(twap=twap):
            return _late(policy, expires_after_ms, now_ms) or _twap(policy, twap)
        case TwapCancel(asset=asset):
            return None if _rule(policy, asset) else f"asset {asset} is not allowed"
        case ScheduleCancel(time=time):
            return None if time is UNSET or time > now_ms else "scheduled cancel lies in the past"
        case Noop():
            return None


def expiry_fault(expires_after_ms: int, now_ms: int) -> str | None:
    """Why the venue would not take it any more by its time; None if it would. `expires_after_ms` 0: absent."""
    return f"expired {now_ms - expires_after_ms} ms ago" if expires_after_ms and expires_after_ms <= now_ms else None


def _late(policy: Policy, expires_after_ms: int, now_ms: int) -> str | None:
    if not expires_after_ms:
        return "an order must expire"
    ahead_ms = expires_after_ms - now_ms
    if ahead_ms > policy.expires_ahead_ms_max:
        return f"expires {ahead_ms} ms ahead, at most {policy.expires_ahead_ms_max} allowed"
    return None


def _rule(policy: Policy, asset: int) -> AssetRule | None:
    return next((rule for rule in policy.assets if rule.asset == asset), None)


def _twap(policy: Policy, twap: TwapTerms) -> str | None:
    """What of the venue's own TWAP can be judged without its ticket, for the wire has no price."""
    if _rule(policy, twap.asset) is None:
        return f"asset {twap.asset} is not allowed"
    if not is_duration(twap.minutes):
        return f"a TWAP of {twap.minutes} minutes"
    try:
        _positive(twap.sz)
    except UnitError as error:
        return str(error)
    if not twap.reduce_only and not policy.max_notional_usd:
        return f"{OVER_CAP}: a TWAP that may add exposure"
    return None


def order_fault(policy: Policy, orders: tuple[OrderEntry, ...]) -> str | None:
    """Why the orders of one action may not be signed; None if they may."""
    if not 1 <= len(orders) <= policy.entries_max:
        return f"{len(orders)} entries, expected 1 to {policy.entries_max}"
    return next((reason for order in orders if (reason := _order(policy, order)) is not None), None)


def _order(policy: Policy, order: OrderEntry) -> str | None:
    rule = _rule(policy, order.asset)
    if rule is None:
        return f"asset {order.asset} is not allowed"
    if not is_cloid(order.cloid):
        return f"{order.cloid[:_CHARACTERS_MAX]!r} is no cloid"
    try:
        px, sz = _positive(order.px), _positive(order.sz)
    except UnitError as error:
        return str(error)
    fault = _kind_fault(order)
    if fault is not None:
        return fault
    if order.reduce_only:
        return None
    if rule.sz_max is not None and sz > scaled_from_str(rule.sz_max, _DECIMALS):
        return f"{OVER_CAP}: size {order.sz} exceeds {rule.sz_max} of asset {order.asset}"
    if px * sz > policy.max_notional_usd * _MICRO_USD_SHIFT:
        limit = str_from_scaled(policy.max_notional_usd, USD_DECIMALS)
        return f"{OVER_CAP}: notional {str_from_scaled(px * sz, 2 * _DECIMALS)} exceeds {limit}"
    return None


def _kind_fault(order: OrderEntry) -> str | None:
    """What is wrong with how the order is to be worked. What sleeps at the venue may only reduce: nobody looks then."""
    limit, trigger = order.kind.limit, order.kind.trigger
    if (limit is UNSET) == (trigger is UNSET):
        return "expected a limit or a trigger"
    if trigger is UNSET:
        return None
    if not order.reduce_only:
        return "a trigger may only reduce"
    try:
        _positive(trigger.trigger_px)
    except UnitError as error:
        return str(error)
    return None


def _positive(text: str) -> int:
    if len(text) > _CHARACTERS_MAX:
        raise UnitError(f"expected a number of at most {_CHARACTERS_MAX} characters, got {len(text)}")
    value = scaled_from_str(text, _DECIMALS)
    if value <= 0 or str_from_scaled(value, _DECIMALS) != text:
        raise UnitError(f"expected a positive number without idle zeros, got {text!r}")
    return value


def _cancels(policy: Policy, cancels: tuple[CancelEntry, ...] | tuple[CloidCancelEntry, ...]) -> str | None:
    if not 1 <= len(cancels) <= policy.entries_max:
        return f"{len(cancels)} entries, expected 1 to {policy.entries_max}"
    allowed = {rule.asset for rule in policy.assets}
    bad = next((entry.asset for entry in cancels if entry.asset not in allowed), None)
    return None if bad is None else f"asset {bad} is not allowed"
