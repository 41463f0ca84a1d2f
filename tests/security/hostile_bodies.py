"""Hostile input, seeded: valid bodies and frames bent in every way that a reader of JSON may stumble over."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, MAKER
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire

_DEEP: Final[Any] = json.loads("[" * 60 + "]" * 60)
_STRANGE: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**300, 0.5, -0.0, 1e308, 1e-320,
    "", " ", "0", "-1", "1e5", "NaN", "Infinity", "0x", "0x" + "f" * 40, "0x" + "F" * 64, "BTC", "btc", "xyz", "spot",
    "\x00", "\u2028", "\ud800", "١٢٣", "1.", ".5", "00001", "9" * 64, "9" * 65, "0." + "0" * 30 + "1", "x" * 20_000,
    [], [None], [[]], {}, {"": {}}, {"type": "order"}, _DEEP, list(range(300)),
)  # fmt: skip
_TYPES: Final = (
    "application/json", "application/json", "application/json", "application/json; charset=utf-8", "text/plain", "",
    "application/x-www-form-urlencoded", "application/jsonp", "APPLICATION/JSON", "application/vnd.x+json", None,
)  # fmt: skip
_WORDS: Final = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-",
    b"01",
    b"'a'",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"//",
    b"\x00",
)


def questions() -> list[dict[str, Any]]:
    """One of every sort of question."""
    user, now = ALICE.address, START // 10**6
    span = {"startTime": now - 10**7, "endTime": now}
    asked: list[dict[str, Any]] = [
        {"type": name}
        for name in (
            "meta",
            "allMids",
            "metaAndAssetCtxs",
            "spotMeta",
            "spotMetaAndAssetCtxs",
            "perpDexs",
            "exchangeStatus",
        )
    ]
    asked += [
        {"type": name, "user": user}
        for name in (
            "clearinghouseState", "openOrders", "frontendOpenOrders", "userFills", "historicalOrders", "userFees",
            "portfolio",
            "spotClearinghouseState", "userRateLimit", "subAccounts", "referral", "userRole", "extraAgents", "webData2",
        )
    ]  # fmt: skip
    asked += [
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 2},
        {"type": "recentTrades", "coin": "BTC"},
        {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "1m", **span}},
        {"type": "fundingHistory", "coin": "BTC", **span},
        {"type": "userFunding", "user": user, **span},
        {"type": "userNonFundingLedgerUpdates", "user": user, **span},
        {"type": "userFillsByTime", "user": user, **span, "aggregateByTime": True},
        {"type": "orderStatus", "user": user, "oid": 1},
        {"type": "activeAssetData", "user": user, "coin": "BTC"},
        {"type": "maxBuilderFee", "user": user, "builder": MAKER},
    ]
    return asked


def actions() -> list[dict[str, Any]]:
    """One of every sort of action."""
    wire, cloid = order_wire("49900", "0.01"), "0x" + "ab" * 16
    typed = {"signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}
    trigger = wire | {"t": {"trigger": {"isMarket": True, "triggerPx": "49000", "tpsl": "sl"}}, "r": True}
    return [
        order_action(wire),
        order_action(wire | {"c": cloid}, order_wire("50050", "0.01", tif="Ioc")),
        {"type": "order", "orders": [wire, trigger], "grouping": "normalTpsl"},
        {"type": "order", "orders": [wire], "grouping": "na", "builder": {"b": MAKER, "f": 10}},
        {"type": "cancel", "cancels": [{"a": 0, "o": 1}]},
        {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": cloid}]},
        {"type": "modify", "oid": 1, "order": wire},
        {"type": "batchModify", "modifies": [{"oid": cloid, "order": wire}]},
        {"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": 5},
        {"type": "updateIsolatedMargin", "asset": 0, "isBuy": True, "ntli": 1_000_000},
        {"type": "topUpIsolatedOnlyMargin", "asset": 0, "leverage": "2.5"},
        {"type": "noop"},
        {"type": "scheduleCancel", "time": START // 10**6 + 10_000},
        {"type": "twapOrder", "twap": {"a": 0, "b": True, "s": "1", "r": False, "m": 5, "t": False}},
        {"type": "createSubAccount", "name": "x"},
        {"type": "registerReferrer", "code": "HOSTILE"},
        {"type": "setReferrer", "code": "HOSTILE"},
        {"type": "usdSend", **typed, "destination": BOB.address, "amount": "1", "time": START // 10**6},
        {"type": "withdraw3", **typed, "destination": BOB.address, "amount": "5", "time": START // 10**6},
        {"type": "usdClassTransfer", **typed, "amount": "1", "toPerp": False, "nonce": START // 10**6},
        {
            "type": "spotSend",
            **typed,
            "destination": BOB.address,
            "token": "USDC",
            "amount": "1",
            "time": START // 10**6,
        },
        {"type": "approveAgent", **typed, "agentAddress": MAKER, "agentName": "x", "nonce": START // 10**6},
    ]


def subscriptions() -> list[dict[str, Any]]:
    """One of many sorts of subscription."""
    user = ALICE.address
    asked: list[dict[str, Any]] = [
        {"type": name, "coin": "BTC"} for name in ("l2Book", "trades", "bbo", "activeAssetCtx")
    ]
    asked += [
        {"type": name, "user": user} for name in ("orderUpdates", "userEvents", "userFills", "userFundings", "webData2")
    ]
    return [*asked, {"type": "allMids"}, {"type": "candle", "coin": "BTC", "interval": "1m"}]


def bent(value: Any, chance: Random) -> Any:
    """A copy of the value with one thing in it replaced, taken away or added."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        draw = chance.random()
        if draw < 0.7:
            return {**value, key: bent(value[key], chance)}
        if draw < 0.85:
            return {name: one for name, one in value.items() if name != key}
        return {**value, chance.choice(("", "type", "x", key + "s")): chance.choice(_STRANGE)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        index = chance.randrange(len(value))
        if chance.random() < 0.1:
            return value * chance.choice((2, 60))
        return [bent(one, chance) if number == index else one for number, one in enumerate(value)]
    return chance.choice(_STRANGE)


def spoilt(body: bytes, chance: Random) -> bytes:
    """The bytes with something wrong in them."""
    at = chance.randrange(len(body) + 1)
    spoilers: tuple[Callable[[], bytes], ...] = (
        lambda: body[:at],
        lambda: body[:at] + chance.choice(_WORDS) + body[at:],
        lambda: body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :],
        lambda: body + chance.choice((b" ", b"x", body, b"\x00")),
        lambda: b"\xef\xbb\xbf" + body,
        lambda: b"[" * chance.choice((10, 1_000, 100_000)) + body,
        lambda: b'{"a":' * chance.choice((10, 1_000, 20_000)) + body,
        lambda: b"9" * chance.choice((20, 5_000, 50_000)),
        lambda: b'{"type":"meta","type":' + body + b"}",
        lambda: body.replace(b"{", b'{"type":"order",', 1),
        lambda: body.replace(b":", b": \t\r\n", 3),
        lambda: b"",
        lambda: body.decode(errors="replace").encode("utf-16"),
    )
    return chance.choice(spoilers)()


def encoded(value: Any) -> bytes:
    """The value as JSON text, lone surrogates as escapes."""
    return json.dumps(value).encode()


def content_type(chance: Random) -> str | None:
    """Mostly JSON's."""
    return chance.choice(_TYPES)
