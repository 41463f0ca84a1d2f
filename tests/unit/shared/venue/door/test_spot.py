"""Spot at the doors: tokens, pairs, contexts, balances, orders and fills in the venue's shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.units import USD, Ns, Usd
from shared.venue.core.commands import IssueToken, SetPrices
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp, list_spot
from shared.venue.core.tokens import USDC
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.flow.spot_coins import SPOT_PAIRS
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, BTC, Socket
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire, post

RECORDED = Path(__file__).parents[6] / "shared/data/hyperliquid/go_hyperliquid_testdata"
needs_recordings = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded replies are not on this machine")
HYPE = next(pair for pair in SPOT_PAIRS if pair.base.name == "HYPE")
HYPE_ASSET = 10_107


def make_door() -> Door:
    """BTC, PURR/USDC, @107 and @142; Alice has 1,000 USDC on spot, Bob 100 HYPE; HYPE begins at 40."""
    listings = [list_perp(BTC), *(list_spot(pair) for pair in SPOT_PAIRS)]
    fund = {client.address: Usd(100 * USD) for client in (ALICE, BOB)}
    door = Door(Exchange(listings, start_ns=START), DoorSettings(fund=fund), START)
    door.apply(IssueToken(ALICE.address, 0, USDC.wei("1000")), START)
    door.apply(IssueToken(BOB.address, HYPE.base.index, HYPE.base.wei("100")), START)
    door.apply(SetPrices(HYPE_ASSET, door.answers.instruments[HYPE_ASSET].px("40")), START)
    return door


def traded() -> Door:
    """Bob offered 2.5 HYPE at 40, Alice took 1 in two orders' time, and bids 39 for 1."""
    door = make_door()
    BOB.send(door, order_action(order_wire("40", "2.5", is_buy=False, asset=HYPE_ASSET)))
    ALICE.send(door, order_action(order_wire("41", "1", tif="Ioc", asset=HYPE_ASSET)))
    ALICE.send(door, order_action(order_wire("39", "1", asset=HYPE_ASSET)))
    return door


def info(door: Door, kind: str, **asked: Any) -> Any:
    """The answer to a question."""
    return post(door, "/info", {"type": kind, **asked})


def recorded(name: str, kind: str) -> Any:
    """The recorded reply to a question."""
    for one in yaml.safe_load((RECORDED / f"{name}.yaml").read_text())["interactions"]:
        if json.loads(one["request"]["body"])["type"] == kind:
            return json.loads(one["response"]["body"])
    raise AssertionError(f"no {kind} in {name}")


@needs_recordings
def test_tokens_and_pairs_are_mainnet_s() -> None:
    """Every token and pair listed here is, field by field, one that was recorded."""
    ours, theirs = info(make_door(), "spotMeta"), recorded("SpotMeta", "spotMeta")
    for part in ("tokens", "universe"):
        known = {one["name"]: one for one in theirs[part]}
        assert [one["name"] for one in ours[part]]
        for one in ours[part]:
            assert list(one) == list(known[one["name"]])
            volatile = {"evmContract", "fullName", "deployerTradingFeeShare"}
            assert {k: v for k, v in one.items() if k not in volatile} == {
                k: v for k, v in known[one["name"]].items() if k not in volatile
            }


def test_without_pairs_there_is_no_spot() -> None:
    """A perp-only exchange answers as before: nothing listed."""
    door = Door(Exchange([list_perp(BTC)], start_ns=START), DoorSettings(), START)
    assert info(door, "spotMetaAndAssetCtxs") == [{"universe": [], "tokens": []}, []]


@needs_recordings
def test_contexts_have_the_recorded_keys() -> None:
    """Keys and types as recorded; prices, volume and supply are ours."""
    meta, ctxs = info(traded(), "spotMetaAndAssetCtxs")
    theirs = recorded("SpotMetaAndAssetCtxs", "spotMetaAndAssetCtxs")[1][0]
    assert [ctx["coin"] for ctx in ctxs] == [pair["name"] for pair in meta["universe"]]
    assert list(ctxs[1]) == list(theirs)
    assert ctxs[1] == {
        "prevDayPx": "40.0",
        "dayNtlVlm": "40.0",
        "markPx": "40.0",
        "midPx": "39.5",
        "circulatingSupply": "100.0",
        "coin": "@107",
        "totalSupply": "999631892.09481501",
        "dayBaseVlm": "1.0",
    }
    assert ctxs[0]["midPx"] is None


@needs_recordings
def test_balances_are_told_as_recorded() -> None:
    """Total, hold and entry notional of each token; no rows for a stranger."""
    door = traded()
    theirs = recorded("SpotUserState", "spotClearinghouseState")
    ours = info(door, "spotClearinghouseState", user=ALICE.address)
    assert [list(row) for row in ours["balances"]] == [list(row) for row in theirs["balances"][:2]]
    assert ours["balances"] == [
        {"coin": "USDC", "token": 0, "total": "960.0", "hold": "39.0", "entryNtl": "0.0"},
        {"coin": "HYPE", "token": 150, "total": "0.9993", "hold": "0.0", "entryNtl": "40.0"},
    ]
    assert info(door, "spotClearinghouseState", user="0x" + "77" * 20) == {"balances": []}


def test_fills_are_told_in_their_own_tokens() -> None:
    """`dir` is Buy or Sell, the start is the balance, the fee is in the token received; merged ones add up."""
    door = traded()
    taken = info(door, "userFills", user=ALICE.address)[0]
    assert {key: taken[key] for key in ("coin", "side", "dir", "startPosition", "fee", "feeToken", "closedPnl")} == {
        "coin": "@107",
        "side": "B",
        "dir": "Buy",
        "startPosition": "0.0",
        "fee": "0.0007",
        "feeToken": "HYPE",
        "closedPnl": "0.0",
    }
    sold = info(door, "userFills", user=BOB.address)[0]
    assert [sold[key] for key in ("dir", "startPosition", "fee", "feeToken", "closedPnl")] == [
        "Sell",
        "100.0",
        "0.016",
        "USDC",
        "40.0",
    ]
    BOB.send(door, order_action(order_wire("40.5", "1", is_buy=False, asset=HYPE_ASSET)))
    ALICE.send(door, order_action(order_wire("41", "2.5", tif="Ioc", asset=HYPE_ASSET)))
    merged = info(door, "userFills", user=ALICE.address, aggregateByTime=True)[0]
    assert (merged["sz"], merged["px"], merged["fee"], merged["feeToken"]) == ("2.5", "40.2", "0.00175", "HYPE")


def test_a_spot_coin_is_found_where_perps_are() -> None:
    """Mids, books, trades, candles, open orders and order status know `@107`."""
    door = traded()
    assert info(door, "allMids")["@107"] == "39.5"
    assert info(door, "l2Book", coin="@107")["levels"] == [
        [{"px": "39.0", "sz": "1.0", "n": 1}],
        [{"px": "40.0", "sz": "1.5", "n": 1}],
    ]
    assert info(door, "recentTrades", coin="@107")[0]["px"] == "40.0"
    span = {"coin": "@107", "interval": "1m", "startTime": 0, "endTime": None}
    assert info(door, "candleSnapshot", req=span)[0]["v"] == "1.0"
    order = info(door, "openOrders", user=ALICE.address)[0]
    assert (order["coin"], order["limitPx"]) == ("@107", "39.0")
    assert info(door, "orderStatus", user=ALICE.address, oid=order["oid"])["order"]["order"]["coin"] == "@107"
    assert info(door, "historicalOrders", user=ALICE.address)[0]["order"]["coin"] == "@107"
    assert "@107" not in [one["name"] for one in info(door, "meta")["universe"]]
    assert len(info(door, "metaAndAssetCtxs")[1]) == 1


def test_what_is_about_perps_alone_does_not_answer_for_spot() -> None:
    """`activeAssetData` of a pair fails as an unknown coin does; `predictedFundings` has no pairs."""
    door = make_door()
    body = json.dumps({"type": "activeAssetData", "user": ALICE.address, "coin": "@107"}).encode()
    assert door.http("/info", "application/json", body, START)[0] == 500
    assert [row[0] for row in info(door, "predictedFundings")] == ["BTC"]


def test_token_details() -> None:
    """By token id; an unknown one fails."""
    door = traded()
    told = info(door, "tokenDetails", tokenId=HYPE.base.token_id)
    assert (told["name"], told["circulatingSupply"], told["markPx"]) == ("HYPE", "100.0", "40.0")
    body = json.dumps({"type": "tokenDetails", "tokenId": "0x" + "0" * 32}).encode()
    assert door.http("/info", "application/json", body, START)[0] == 500


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (order_wire("40", "1000", asset=HYPE_ASSET), "Insufficient spot balance asset=10107"),
        (order_wire("40", "0.2", asset=HYPE_ASSET), "Order must have minimum value of 10 USDC. asset=10107"),
        (order_wire("40", "1", asset=HYPE_ASSET, reduce_only=True), "Reduce-only is invalid for spot trading."),
    ],
)
def test_refusals(order: dict[str, Any], error: str) -> None:
    """The venue's texts, in the order's status."""
    reply = ALICE.send(make_door(), order_action(order))
    assert reply["response"]["data"]["statuses"] == [{"error": error}]


def test_an_unknown_pair_is_refused_as_a_whole() -> None:
    """`Invalid spot` is an error of the action."""
    reply = ALICE.send(make_door(), order_action(order_wire("40", "1", asset=10_500)))
    assert reply == {"status": "err", "response": "Invalid spot"}


def test_feeds_know_spot() -> None:
    """Contexts come on their own channel, balances and all contexts by subscription, trades by the pair's name."""
    door = traded()
    socket = Socket(door)
    _, ctx = socket.subscribe("activeAssetCtx", coin="@107")
    assert (ctx["channel"], ctx["data"]["coin"], ctx["data"]["ctx"]["markPx"]) == ("activeSpotAssetCtx", "@107", "40.0")
    _, state = socket.subscribe("spotState", user=ALICE.address)
    assert (state["channel"], state["data"]["spotState"]) == (
        "spotState",
        info(door, "spotClearinghouseState", user=ALICE.address),
    )
    _, ctxs = socket.subscribe("spotAssetCtxs")
    assert (ctxs["channel"], len(ctxs["data"])) == ("spotAssetCtxs", len(SPOT_PAIRS))
    socket.subscribe("trades", coin="@107")
    ALICE.send(door, order_action(order_wire("41", "1", tif="Ioc", asset=HYPE_ASSET)), Ns(START + 1))
    prints = [frame for frame in socket.heard() if frame["channel"] == "trades"]
    assert prints[0]["data"][0]["px"] == "40.0"
    assert "midPx" in ctxs["data"][1]
    _, mids = socket.subscribe("allMids")
    assert "@107" in mids["data"]["mids"]
    _, packed = socket.subscribe("fastAssetCtxs")
    assert packed["channel"] == "fastAssetCtxs"


def test_perp_windows_count_no_spot_volume() -> None:
    """What was traded on spot is in the windows of everything, and not in those of perps."""
    windows = dict(info(traded(), "portfolio", user=ALICE.address))
    assert (windows["day"]["vlm"], windows["perpDay"]["vlm"]) == ("40.0", "0.0")
