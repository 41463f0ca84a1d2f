"""Frames, replies and settings in the venue's own shapes (fact sheet 1 to 3), for the Exchange Architect's tests."""

from __future__ import annotations

import json
from typing import Any

from hats.exchange_architect.settings import Settings
from hats.exchange_architect.universe import Universe
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.messages.market import UniverseUpdate
from shared.messages.order import ActionKind, PostAction
from shared.units import SECOND, Ns

USER = "0x5e9ee1089755c3435139848e47e6635505d5a13a"
CLOID = Cloid("0x4a7500000000000100010000000000ff")
T0 = Ns(1_750_000_000 * SECOND)
T0_MS = T0 // 1_000_000
BTC = Instrument("BTC", 0, 5, 40)
ETH = Instrument("ETH", 1, 4, 25)
META = {
    "universe": [
        {"szDecimals": 5, "name": "BTC", "maxLeverage": 40, "marginTableId": 56},
        {"szDecimals": 4, "name": "ETH", "maxLeverage": 25, "marginTableId": 55},
        {"szDecimals": 1, "name": "MATIC", "maxLeverage": 20, "marginTableId": 20, "isDelisted": True},
    ],
    "marginTables": [
        [50, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 50}]}],
        [
            55,
            {
                "description": "tiered 25x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 25},
                    {"lowerBound": "100000000.0", "maxLeverage": 15},
                ],
            },
        ],
        [
            56,
            {
                "description": "tiered 40x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 40},
                    {"lowerBound": "150000000.0", "maxLeverage": 20},
                ],
            },
        ],
    ],
    "collateralToken": 0,
}
FEES = {"userCrossRate": "0.00045", "userAddRate": "0.00015", "activeReferralDiscount": "0.0", "dailyUserVlm": []}


def settings(**changes: Any) -> Settings:
    """Settings for one coin and one user."""
    return Settings(**({"coins": ("BTC",), "user_address": USER} | changes))


def universe() -> Universe:
    """BTC and ETH are listed."""
    listed = Universe()
    listed.learn(UniverseUpdate((BTC, ETH), 4_500, 1_500, T0))
    return listed


def frame(channel: str, data: Any) -> bytes:
    """A frame as the venue sends it."""
    return json.dumps({"channel": channel, "data": data}).encode()


def book(coin: str = "BTC", time_ms: int = T0_MS, bid: str = "113377.0", ask: str = "113397.0") -> bytes:
    """An l2Book frame with one level a side."""
    levels = [[{"px": bid, "sz": "7.6699", "n": 17}], [{"px": ask, "sz": "0.11543", "n": 3}]]
    return frame("l2Book", {"coin": coin, "time": time_ms, "levels": levels})


def trade(tid: int, coin: str = "BTC", time_ms: int = T0_MS, **changes: Any) -> dict[str, Any]:
    """One public trade."""
    users = ["0xe9ed7e16612d676df804f5aecd16e1f9bf9ec9dd", "0x6802b4267f7f2bf7003dcf993c51542245b38329"]
    plain = {"coin": coin, "side": "B", "px": "113390.0", "sz": "0.01", "hash": "0xab", "time": time_ms, "tid": tid}
    return plain | {"users": users} | changes


def fill(tid: int, time_ms: int = T0_MS, **changes: Any) -> dict[str, Any]:
    """One of our fills; prices as recorded."""
    plain = {
        "coin": "ETH", "px": "4307.4", "sz": "0.0025", "side": "B", "time": time_ms, "startPosition": "0.0",
        "dir": "Open Long", "closedPnl": "0.0", "hash": "0x7d6e", "oid": 37907159219, "crossed": True,
        "fee": "0.004845", "tid": tid, "feeToken": "USDC", "twapId": None,
    }  # fmt: skip
    return plain | changes


def fills(*entries: dict[str, Any], snapshot: bool = False) -> bytes:
    """A userFills frame."""
    return frame("userFills", {"user": USER, "fills": list(entries)} | ({"isSnapshot": True} if snapshot else {}))


def order(**changes: Any) -> dict[str, Any]:
    """A full order object."""
    plain = {
        "coin": "ETH", "side": "A", "limitPx": "2412.7", "sz": "0.0076", "oid": 1, "timestamp": T0_MS,
        "triggerCondition": "N/A", "isTrigger": False, "triggerPx": "0.0", "children": [], "isPositionTpsl": False,
        "reduceOnly": True, "orderType": "Limit", "origSz": "0.0076", "tif": "Gtc", "cloid": None,
    }  # fmt: skip
    return plain | changes


def ack(kind: str, method: str = "subscribe", **fields: Any) -> bytes:
    """A subscriptionResponse with the normalised subscription."""
    return frame("subscriptionResponse", {"method": method, "subscription": {"type": kind} | fields})


def acks(coin: str = "BTC") -> list[bytes]:
    """The confirmations of everything that `settings()` asks for."""
    public = [ack("l2Book", coin=coin, nSigFigs=None, mantissa=None), ack("trades", coin=coin)]
    private = [ack("orderUpdates", user=USER), ack("userFills", user=USER, aggregateByTime=False)]
    public += [ack("activeAssetCtx", coin=coin), ack("candle", coin=coin, interval="1m")]
    private += [ack("userFundings", user=USER), ack("userNonFundingLedgerUpdates", user=USER)]
    return [*public, *private]


def post(kind: ActionKind = ActionKind.ORDER, body: bytes | None = None, nonce: int = 7) -> PostAction:
    """A signed order of ETH on its way."""
    entry = {"a": 1, "b": True, "p": "4307.4", "s": "0.0025", "r": False, "t": {"limit": {"tif": "Gtc"}}}
    plain = {"action": {"type": "order", "orders": [entry], "grouping": "na"}, "nonce": nonce}
    return PostAction(kind, CLOID, nonce, json.dumps(plain).encode() if body is None else body)


def ok(kind: str, *statuses: Any) -> bytes:
    """An /exchange answer with statuses."""
    return json.dumps({"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}}).encode()


def err(text: str) -> bytes:
    """An /exchange answer that refuses the whole action."""
    return json.dumps({"status": "err", "response": text}).encode()


CLEARINGHOUSE = {
    "marginSummary": {
        "accountValue": "13109.482328", "totalNtlPos": "100.02765", "totalRawUsd": "13009.454678",
        "totalMarginUsed": "4.967826",
    },
    "crossMarginSummary": {"accountValue": "13104.514502", "totalNtlPos": "0.0", "totalRawUsd": "13104.514502"},
    "crossMaintenanceMarginUsed": "0.0",
    "withdrawable": "13104.514502",
    "assetPositions": [
        {"type": "oneWay", "position": {
            "coin": "ETH", "szi": "0.0335", "leverage": {"type": "isolated", "value": 20, "rawUsd": "-95.059824"},
            "entryPx": "2986.3", "positionValue": "100.02765", "unrealizedPnl": "-0.0134", "returnOnEquity": "-0.002",
            "liquidationPx": "2866.26936529", "marginUsed": "4.967826", "maxLeverage": 50,
        }},
    ],
    "time": 1708622398623,
}  # fmt: skip
"""The documents' own sample."""


def encoded(value: Any) -> bytes:
    """A reply's body."""
    return json.dumps(value).encode()


class Venue:
    """Answers /info bodies from a table by type, and remembers what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    def __call__(self, body: bytes) -> bytes:
        """The reply to one request."""
        request = json.loads(body)
        self.asked.append(request)
        answer = self.answers[request["type"]]
        return encoded(answer(request) if callable(answer) else answer)


def history_line(number: int | None, status: str, executed: str = "0.0", at_ms: int = T0_MS) -> dict[str, Any]:
    """A line of `twapHistory` on a purchase of 2 of the scene's first coin."""
    state = {
        "coin": "ETH", "user": USER, "side": "B", "sz": "2.0", "executedSz": executed, "executedNtl": "0.0",
        "minutes": 5, "reduceOnly": False, "randomize": False, "timestamp": at_ms,
    }  # fmt: skip
    return {"time": at_ms // 1_000, "state": state, "status": {"status": status}, "twapId": number}
