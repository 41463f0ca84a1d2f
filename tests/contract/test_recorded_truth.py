"""A trade that somebody made on the venue and recorded is made again here, and told in the same words and numbers."""

from __future__ import annotations

from typing import Any

from shared.instrument import Instrument
from shared.units import MS, SECOND, USD, Ns, Usd
from shared.venue.core.commands import CancelOrder, CancelOrders, Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Resting
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from tests.unit.shared.venue.door.wire_client import WireClient, order_action, order_wire, post

# Recorded from api.hyperliquid.xyz in August 2025 (userFillsByTime and orderStatus of one account).
FILLS: list[dict[str, Any]] = [
    {
        "coin": "ETH",
        "px": "4307.4",
        "sz": "0.0025",
        "side": "B",
        "time": 1755857898644,
        "startPosition": "0.0",
        "dir": "Open Long",
        "closedPnl": "0.0",
        "hash": "0x7d6e6ad7ce8fdfdf7ee8041907273d010f0082bd6982feb12137162a8d83b9ca",
        "oid": 37907159219,
        "crossed": True,
        "fee": "0.004845",
        "tid": 1070455675927460,
        "feeToken": "USDC",
        "twapId": None,
    },
    {
        "coin": "ETH",
        "px": "4303.7",
        "sz": "0.0025",
        "side": "A",
        "time": 1755857910772,
        "startPosition": "0.0025",
        "dir": "Close Long",
        "closedPnl": "-0.00925",
        "hash": "0x93ebdf1acc4dd95a9565041907278a010a00f7006740f82c37b48a6d8b41b345",
        "oid": 37907165748,
        "crossed": True,
        "fee": "0.004841",
        "tid": 912424546441675,
        "feeToken": "USDC",
        "twapId": None,
    },
]
ORDER: dict[str, Any] = {
    "status": "order",
    "order": {
        "order": {
            "coin": "ETH",
            "side": "A",
            "limitPx": "3960.7",
            "sz": "0.0",
            "oid": 37907165748,
            "timestamp": 1755857910772,
            "triggerCondition": "N/A",
            "isTrigger": False,
            "triggerPx": "0.0",
            "children": [],
            "isPositionTpsl": False,
            "reduceOnly": True,
            "orderType": "Market",
            "origSz": "0.0025",
            "tif": "FrontendMarket",
            "cloid": None,
        },
        "status": "filled",
        "statusTimestamp": 1755857910772,
    },
}
OURS = {"hash", "oid", "tid"}
MAKER = "0x" + "ee" * 20
ETH = Instrument("ETH", 1, 4, 25)


def _quote(door: Door, is_buy: bool, px: str, now: Ns) -> int:
    """The oid of a maker's order at the price at which the venue's book stood."""
    spec = OrderSpec(1, is_buy, ETH.px(px), ETH.sz("1"), False, Tif.ALO)
    (status,) = door.apply(PlaceOrders(MAKER, (spec,)), now).statuses
    assert isinstance(status, Resting)
    return status.oid


def _without(shown: dict[str, Any], names: set[str]) -> list[tuple[str, Any]]:
    """Keys and values in order, with the values of `names` left out."""
    return [(key, None if key in names else value) for key, value in shown.items()]


def test_a_recorded_round_trip_is_told_alike() -> None:
    """Same orders at same times and prices: fees, PnL, words, key order and spelling are the venue's."""
    opened, closed = (Ns(fill["time"] * MS) for fill in FILLS)
    start, client = Ns(opened - SECOND), WireClient(3)
    exchange = Exchange([list_perp(Instrument("BTC", 0, 5, 40)), list_perp(ETH)], start_ns=start)
    door = Door(exchange, DoorSettings(fund={client.address: Usd(1_000 * USD)}), start)
    door.apply(Deposit(MAKER, Usd(10**6 * USD)), start)
    door.apply(SetPrices(1, ETH.px("4305")), start)
    ask = _quote(door, False, "4307.4", start)
    buy = order_wire("4650.4", "0.0025", tif="FrontendMarket", asset=1)
    sell = order_wire("3960.7", "0.0025", is_buy=False, tif="FrontendMarket", asset=1, reduce_only=True)
    replies = [post(door, "/exchange", client.body(order_action(buy), nonce=opened // MS), opened)]
    door.apply(CancelOrders(MAKER, (CancelOrder(1, oid=ask),)), opened)
    _quote(door, True, "4303.7", opened)
    replies.append(post(door, "/exchange", client.body(order_action(sell), nonce=closed // MS), closed))

    fills = post(door, "/info", {"type": "userFillsByTime", "user": client.address, "startTime": 0}, closed)
    assert [_without(fill, OURS) for fill in fills] == [_without(fill, OURS) for fill in FILLS]
    filled = [reply["response"]["data"]["statuses"][0]["filled"] for reply in replies]
    assert [(one["totalSz"], one["avgPx"]) for one in filled] == [("0.0025", "4307.4"), ("0.0025", "4303.7")]
    asked = {"type": "orderStatus", "user": client.address, "oid": filled[1]["oid"]}
    status = post(door, "/info", asked, closed)
    assert list(status["order"]) == list(ORDER["order"])
    assert _without(status["order"]["order"], OURS) == _without(ORDER["order"]["order"], OURS)
    assert status["order"]["statusTimestamp"] == ORDER["order"]["statusTimestamp"]


def test_an_untouched_account_is_told_alike() -> None:
    """The recorded state of an account without anything is ours, key by key."""
    recorded = {
        "marginSummary": {"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"},
        "crossMarginSummary": {
            "accountValue": "0.0",
            "totalNtlPos": "0.0",
            "totalRawUsd": "0.0",
            "totalMarginUsed": "0.0",
        },
        "crossMaintenanceMarginUsed": "0.0",
        "withdrawable": "0.0",
        "assetPositions": [],
        "time": 1765661071083,
    }
    now = Ns(1765661071083 * MS)
    door = Door(Exchange([list_perp(Instrument("BTC", 0, 5, 40))], start_ns=now), DoorSettings(), now)
    state = post(door, "/info", {"type": "clearinghouseState", "user": "0x" + "12" * 20}, now)
    assert (state, list(state)) == (recorded, list(recorded))


def test_market_metadata_is_told_alike() -> None:
    """`meta` and `metaAndAssetCtxs` have the recorded keys in the recorded order; one tier is named by its leverage."""
    row = {"szDecimals": 5, "name": "BTC", "maxLeverage": 40, "marginTableId": 40}
    keys = [
        "funding",
        "openInterest",
        "prevDayPx",
        "dayNtlVlm",
        "premium",
        "oraclePx",
        "markPx",
        "midPx",
        "impactPxs",
        "dayBaseVlm",
    ]
    door = Door(Exchange([list_perp(Instrument("BTC", 0, 5, 40))]), DoorSettings(), Ns(0))
    meta, (ctx,) = post(door, "/info", {"type": "metaAndAssetCtxs", "dex": ""}, Ns(0))
    assert (meta["universe"], list(meta["universe"][0])) == ([row], list(row))
    assert list(ctx) == keys
    assert list(meta) == ["universe", "marginTables", "collateralToken"]
    assert meta["marginTables"][:2] == [
        [50, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 50}]}],
        [
            51,
            {
                "description": "tiered 10x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 10},
                    {"lowerBound": "3000000.0", "maxLeverage": 5},
                ],
            },
        ],
    ]
