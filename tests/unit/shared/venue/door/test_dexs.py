"""Several dexs at the door: each with its own meta, contexts, mids, orders, standing and feeds."""

from __future__ import annotations

from typing import Any

import pytest

from shared.instrument import Instrument
from shared.rules.funding import FundingTerms
from shared.units import MS, USD, Px, Usd
from shared.venue.core.commands import OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.dealings import SendAsset
from shared.venue.core.deployers import move_collateral
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import MarginMode, list_perp
from shared.venue.core.rulings import Delist, Halt, SetOracle, SetPostOnly
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, Socket
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire, post

XYZ = Dex(name="xyz", full_name="XYZ", deployer="0x" + "de" * 20)
GOLD, TSLA = 110_000, 110_001


def make_door(**chosen: Any) -> Door:
    """BTC at 50,000 on the first dex, xyz:GOLD (capped) and xyz:TSLA at 100; Alice is long 10 GOLD from Bob."""
    listings = [
        list_perp(Instrument("BTC", 0, 5, 40)),
        list_deployed(XYZ, 1, 0, "GOLD", 2, 20, oi_cap_usd=Usd(1_000 * USD)),
        list_deployed(
            XYZ, 1, 1, "TSLA", 2, 10, margin_mode=MarginMode.NO_CROSS, funding=FundingTerms(multiplier_e6=500_000)
        ),
    ]
    fund = {client.address: Usd(100_000 * USD) for client in (ALICE, BOB)}
    door = Door(Exchange(listings, start_ns=START, dexs=[XYZ]), DoorSettings(**({"fund": fund} | chosen)), START)
    world = door.exchange._world
    for client in (ALICE, BOB):
        assert move_collateral(world, world.accounts.by_user[client.address], 0, 1, 40_000 * USD) is None
    door.apply(SetPrices(0, Px(500_000)), START)
    door.apply(SetOracle(1, ((GOLD, Px(1_000_000)), (TSLA, Px(1_000_000)))), START)
    for client, is_buy in ((BOB, False), (ALICE, True)):
        spec = OrderSpec(GOLD, is_buy, Px(1_000_000), Instrument("", 0, 2, 1).sz("10"), False, Tif.GTC)
        door.apply(PlaceOrders(client.address, (spec,)), START)
    return door


def ask(door: Door, kind: str, **more: Any) -> Any:
    """The answer to an /info question."""
    return post(door, "/info", {"type": kind, **more}, START)


def test_each_dex_lists_its_own() -> None:
    """Universe, contexts and mids by dex; all metas in order."""
    door = make_door()
    first, other = ask(door, "meta"), ask(door, "meta", dex="xyz")
    assert [row["name"] for row in first["universe"]] == ["BTC"]
    assert [row["name"] for row in other["universe"]] == ["xyz:GOLD", "xyz:TSLA"]
    assert other["universe"][1]["marginMode"] == "noCross"
    assert [table[0] for table in other["marginTables"]] == [50]
    assert ask(door, "allPerpMetas") == [first, other]
    meta, ctxs = ask(door, "metaAndAssetCtxs", dex="xyz")
    assert (meta, [ctx["openInterest"] for ctx in ctxs]) == (other, ["10.0", "0.0"])
    assert ask(door, "allMids", dex="xyz") == {"xyz:GOLD": "100.0"}
    assert ask(door, "allMids") == {}
    assert [row[0] for row in ask(door, "predictedFundings")] == ["BTC"]
    assert [venue for venue, _ in ask(door, "predictedFundings")[0][1]] == ["BinPerp", "HlPerp", "BybitPerp"]


def test_dexs_tell_their_terms_and_limits() -> None:
    """Multipliers, caps, deposits; the first dex has no limits to tell."""
    door = make_door()
    none, dex = ask(door, "perpDexs")
    assert (none, dex["name"], dex["deployerFeeScale"]) == (None, "xyz", "1.0")
    assert dex["assetToFundingMultiplier"] == [["xyz:TSLA", "0.5"]]
    assert dex["assetToFundingInterestRate"] == [["xyz:TSLA", "0.0001"]]
    assert ask(door, "perpDexLimits", dex="xyz")["coinToOiCap"] == [["xyz:GOLD", "1000.0"]]
    assert ask(door, "perpDexLimits", dex="") is None
    assert ask(door, "perpDexStatus", dex="xyz") == {"totalNetDeposit": "80000.0"}
    assert ask(door, "perpDexStatus", dex="") == {"totalNetDeposit": "120000.0"}
    assert ask(door, "perpsAtOpenInterestCap", dex="xyz") == ["xyz:GOLD"]
    assert ask(door, "perpsAtOpenInterestCap") == []


def test_standing_and_orders_are_apart() -> None:
    """What a user has on one dex does not show on the other."""
    door = make_door()
    state = ask(door, "clearinghouseState", user=ALICE.address, dex="xyz")
    assert [row["position"]["coin"] for row in state["assetPositions"]] == ["xyz:GOLD"]
    assert ask(door, "clearinghouseState", user=ALICE.address)["withdrawable"] == "60000.0"
    reply = ALICE.send(door, order_action(order_wire("99", "1", tif="Alo", asset=TSLA)))
    (resting,) = reply["response"]["data"]["statuses"]
    for kind in ("openOrders", "frontendOpenOrders"):
        assert ask(door, kind, user=ALICE.address) == []
        assert [row["oid"] for row in ask(door, kind, user=ALICE.address, dex="xyz")] == [resting["resting"]["oid"]]


@pytest.mark.parametrize(("chosen", "status"), [("null", 500), ("unprocessable", 422)])
def test_unknown_dexs(chosen: str, status: int) -> None:
    """A status by choice over HTTP; an invalid subscription over the WebSocket."""
    door = make_door(unknown_dex=chosen)
    for body in (b'{"type":"meta","dex":"abc"}', b'{"type":"openOrders","user":"0x' + b"1" * 40 + b'","dex":"abc"}'):
        assert door.http("/info", "application/json", body, START)[0] == status
    assert Socket(door).subscribe("allMids", dex="abc")[0]["channel"] == "error"


def test_feeds_name_their_dex() -> None:
    """Mids, orders, standing and contexts of one dex; standing and contexts of all."""
    door = make_door()
    socket, user = Socket(door), ALICE.address
    mids = socket.subscribe("allMids", dex="xyz")[-1]["data"]
    assert mids == {"mids": {"xyz:GOLD": "100.0"}, "dex": "xyz"}
    assert "dex" not in socket.subscribe("allMids", dex="")[-1]["data"]
    assert socket.subscribe("openOrders", user=user, dex="xyz")[-1]["data"]["dex"] == "xyz"
    state = socket.subscribe("clearinghouseState", user=user, dex="xyz")[-1]["data"]
    assert (state["dex"], len(state["clearinghouseState"]["assetPositions"])) == ("xyz", 1)
    ctxs = socket.subscribe("assetCtxs", dex="xyz")[-1]["data"]
    assert (ctxs["dex"], len(ctxs["ctxs"])) == ("xyz", 2)
    everything = socket.subscribe("allDexsAssetCtxs")[-1]["data"]["ctxs"]
    assert [(name, len(rows)) for name, rows in everything] == [("", 1), ("xyz", 2)]
    states = socket.subscribe("allDexsClearinghouseState", user=user)[-1]["data"]
    assert [name for name, _ in states["clearinghouseStates"]] == ["", "xyz"]
    assert states["clearinghouseStates"][1][1] == state["clearinghouseState"]


def test_a_delisting_is_seen_everywhere() -> None:
    """`isDelisted` in meta, the settlement among the fills, nothing to trade."""
    door = make_door()
    door.apply(Delist(GOLD), START)
    assert ask(door, "meta", dex="xyz")["universe"][0]["isDelisted"] is True
    fill = ask(door, "userFills", user=ALICE.address)[0]
    assert (fill["dir"], fill["side"], fill["sz"], fill["fee"]) == ("Settlement", "A", "10.0", "0.0")
    assert ask(door, "clearinghouseState", user=ALICE.address, dex="xyz")["assetPositions"] == []
    reply = ALICE.send(door, order_action(order_wire("99", "1", asset=GOLD)))
    assert reply == {"status": "err", "response": "Trading is halted"}


def test_halts_and_upgrades_answer_in_the_venues_words() -> None:
    """A halted asset fails the action, an upgrade the batch; the nonce is burned either way."""
    door = make_door()
    door.apply(Halt(0, True), START)
    order = order_action(order_wire("49000", "0.01"))
    assert ALICE.send(door, order) == {"status": "err", "response": "Trading is halted"}
    door.apply(Halt(0, False), START)
    door.apply(SetPostOnly(True), START)
    signed = ALICE.body(order)
    statuses = post(door, "/exchange", signed, START)["response"]["data"]["statuses"]
    assert statuses == [{"error": "Only post-only orders allowed immediately after network upgrade"}]
    assert post(door, "/exchange", signed, START)["status"] == "err"


def test_sub_accounts_2_tells_every_dex() -> None:
    """One state a dex, in order; `subAccounts` tells the first alone."""
    door = make_door()
    ALICE.send(door, {"type": "createSubAccount", "name": "x"})
    assert ask(door, "subAccounts2", user=ALICE.address) is None
    door.exchange._world.accounts.by_user[ALICE.address].volume_usd = 100_000 * USD
    sub = ALICE.send(door, {"type": "createSubAccount", "name": "x"})["response"]["data"]
    door.apply(SendAsset(ALICE.address, sub, "xyz", "xyz", "USDC", "25", 1), START)
    row = ask(door, "subAccounts2", user=ALICE.address)[0]
    values = [(dex, state["marginSummary"]["accountValue"]) for dex, state in row["dexToClearinghouseState"]]
    assert values == [("", "0.0"), ("xyz", "25.0")]


def test_an_agent_s_transfer_has_its_nonce_twice() -> None:
    """The one inside must be the envelope's."""
    door = make_door()
    action = {
        "type": "agentSendAsset",
        "destination": ALICE.address,
        "sourceDex": "xyz",
        "destinationDex": "",
        "token": "USDC",
        "amount": "5",
        "fromSubAccount": "",
        "nonce": START // MS + 7,
    }
    reply = post(door, "/exchange", ALICE.body(action, START // MS + 8))
    assert reply == {"status": "err", "response": "Nonce mismatch."}
    reply = post(door, "/exchange", ALICE.body(action, START // MS + 7))
    assert reply == {"status": "ok", "response": {"type": "default"}}
    assert door.exchange.net_deposit_usd(1) == 79_995 * USD
