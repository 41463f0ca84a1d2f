"""/info replies become instruments, orders and accounts; nonsense is a VenueProtocolError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hats.exchange_architect import errands, wire_info
from shared.errors import VenueProtocolError
from shared.messages.market import BadData, BadKind, UniverseUpdate
from shared.messages.order import AllowanceTold, Fill, QueryTwap, VenueOrder, VenueOrderStatus
from shared.order import Side
from shared.rules.margin import MAINNET_TABLES, MarginTier, single_tier
from shared.units import USD, Ns
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import CLOID, T0, T0_MS, USER, Venue, encoded, history_line

CASSETTES = Path(__file__).parents[5] / "shared/data/hyperliquid"
with_cassettes = pytest.mark.skipif(not CASSETTES.exists(), reason="the recorded replies are not on this machine")


def replies(name: str, kind: str) -> list[bytes]:
    """Bodies of the recorded replies to requests of one type."""
    document = yaml.load((CASSETTES / name).read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    found = []
    for one in document["interactions"]:
        if json.loads(one["request"]["body"])["type"] == kind:
            body = one["response"]["body"]
            found.append((body if isinstance(body, str) else body["string"]).encode())
    return found


def test_asset_ids_are_positions_and_delisted_keep_theirs() -> None:
    """The universe keeps every slot; rates come in 10^-7."""
    update = wire_info.universe_update(encoded(scene.META), encoded(scene.FEES), T0)
    assert [(one.coin, one.asset, one.is_delisted) for one in update.instruments] == [
        ("BTC", 0, False), ("ETH", 1, False), ("MATIC", 2, True),
    ]  # fmt: skip
    assert (update.taker_fee_e7, update.maker_fee_e7) == (4_500, 1_500)


def test_margin_tiers_are_those_of_the_coins_tables() -> None:
    """Two tiers of BTC and ETH; MATIC's one, whose leverage is its table's id, says nothing new."""
    update = wire_info.universe_update(encoded(scene.META), None, T0)
    assert update.margin_tiers == {coin: MAINNET_TABLES[table] for coin, table in (("BTC", 56), ("ETH", 55))}


@pytest.mark.parametrize(
    ("table_id", "tiers", "expected"),
    [
        (None, [], None),
        (40, [], None),
        (20, [], single_tier(20)),
        (77, [("0.0", 40)], None),
        (77, [("0.0", 40), ("1000000.5", 3)], (MarginTier(0, 40), MarginTier(1_000_000_500_000, 3))),
        (78, [("0.0", 40)], ()),
        (77, [], ()),
        (77, [("1.0", 40)], ()),
        (77, [("0.0", 40), ("10.0", 20), ("10.0", 10)], ()),
        (77, [("0.0", 20), ("10.0", 40)], ()),
        (77, [("0.0", 0)], ()),
        (77, [("none", 40)], ()),
        (77, [("0.0", "40")], ()),
    ],
)
def test_a_table_is_read_or_said_to_be_untold(table_id: int | None, tiers: list[Any], expected: Any) -> None:
    """Ids below 50 are leverages; a table that is missing or makes no sense leaves the coin listed, and is reported."""
    perp = {"szDecimals": 5, "name": "BTC", "maxLeverage": 40} | (
        {} if table_id is None else {"marginTableId": table_id}
    )
    rows = [{"lowerBound": bound, "maxLeverage": leverage} for bound, leverage in tiers]
    venue = Venue(meta={"universe": [perp], "marginTables": [[77, {"description": "", "marginTiers": rows}]]})
    update, *bad = errands.run(errands.read_universe(None, lambda: T0), venue)
    assert isinstance(update, UniverseUpdate)
    assert [one.coin for one in update.instruments] == ["BTC"]
    assert update.margin_tiers == ({} if expected is None else {"BTC": expected})
    assert [(one.coin, one.kind) for one in bad if isinstance(one, BadData)] == [("BTC", BadKind.DRIFT)] * (
        expected == ()
    )


def test_fine_fee_rates_are_rounded_against_us() -> None:
    """0.00043201 of notional is not 4320 but 4321 of 10^-7; a rebate shrinks toward zero."""
    fees = scene.FEES | {"userCrossRate": "0.00043201", "userAddRate": "-0.00001005"}
    update = wire_info.universe_update(encoded(scene.META), encoded(fees), T0)
    assert (update.taker_fee_e7, update.maker_fee_e7) == (4_321, -100)


def test_order_status_is_told_or_unknown() -> None:
    """A found order comes with its status; unknownOid comes with the cloid that was asked for."""
    found = {"status": "order", "order": {"order": scene.order(sz="0.0"), "status": "filled", "statusTimestamp": T0_MS}}
    told = wire_info.venue_order(encoded(found), CLOID, scene.universe(), T0)
    assert (told.status, told.oid, told.sz, told.orig_sz, told.exch_ns) == (VenueOrderStatus.FILLED, 1, 0, 76, T0)
    unknown = wire_info.venue_order(b'{"status":"unknownOid"}', CLOID, scene.universe(), T0)
    assert (unknown.status, unknown.cloid) == (VenueOrderStatus.UNKNOWN_OID, CLOID)


@pytest.mark.parametrize("reply", [b"null", b"{}", b'{"status":"new"}', b"<html>", b'{"status":"order","order":{}}'])
def test_nonsense_is_a_protocol_error(reply: bytes) -> None:
    """An undocumented reply is reported, with what came."""
    with pytest.raises(VenueProtocolError):
        wire_info.venue_order(reply, CLOID, scene.universe(), T0)


def test_unreadable_numbers_are_protocol_errors() -> None:
    """Fees, an empty meta, money and a status that can't be read are reported, never guessed."""
    state = json.loads(json.dumps(scene.CLEARINGHOUSE)) | {"withdrawable": "much"}
    odd = {"order": scene.order(limitPx="1.23456789"), "status": "open", "statusTimestamp": 1}
    universe = scene.universe()
    for read in (
        lambda: wire_info.universe_update(encoded(scene.META), encoded(scene.FEES | {"userAddRate": "low"}), T0),
        lambda: wire_info.universe_update(b'{"universe":[]}', None, T0),
        lambda: wire_info.account_snapshot(encoded(state), b"[]", (), universe, T0, T0),
        lambda: wire_info.venue_order(encoded({"status": "order", "order": odd}), CLOID, universe, T0),
    ):
        with pytest.raises(VenueProtocolError):
            read()


def test_a_position_without_a_sane_entry_is_reported() -> None:
    """NaN or a negative entry price is BadData beside the snapshot."""
    for entry_px in ("NaN", "-1.0"):
        state = json.loads(json.dumps(scene.CLEARINGHOUSE))
        state["assetPositions"][0]["position"]["entryPx"] = entry_px
        snapshot, bad = wire_info.account_snapshot(encoded(state), b"[]", (), scene.universe(), T0, T0)
        assert (snapshot.positions, len(bad)) == ((), 1)


@with_cassettes
def test_recorded_metas_are_read() -> None:
    """Real mainnet and testnet metas give instruments at their positions."""
    for reply in replies("go_hyperliquid_testdata/Meta.yaml", "meta"):
        update = wire_info.universe_update(reply, None, T0)
        names = [one["name"] for one in json.loads(reply)["universe"]]
        assert [one.coin for one in update.instruments] == names
        assert [one.asset for one in update.instruments] == list(range(len(names)))
        assert all(update.margin_tiers.values())
        told = {
            name: tuple(
                MarginTier(int(float(tier["lowerBound"]) * USD), tier["maxLeverage"]) for tier in table["marginTiers"]
            )
            for one in json.loads(reply)["universe"]
            for table_id, table in json.loads(reply)["marginTables"]
            for name in [one["name"]]
            if table_id == one["marginTableId"] and len(table["marginTiers"]) > 1
        }
        assert told
        assert {coin: tiers for coin, tiers in update.margin_tiers.items() if len(tiers) > 1} == told


@with_cassettes
def test_recorded_fills_and_statuses_are_read() -> None:
    """Real fills and order statuses of 2025 come through whole; fills of 2023 without tid are BadData, not a crash."""
    folder = "go_hyperliquid_testdata"
    pages = replies(f"{folder}/UserFillsByTime.yaml", "userFillsByTime")
    read = [wire_info.fill_page(page, scene.universe(), T0) for page in pages]
    assert sum(entries for _, _, entries in read) == sum(len(fills) for fills, _, _ in read) > 0
    statuses = [
        wire_info.venue_order(reply, CLOID, scene.universe(), T0).status
        for reply in replies(f"{folder}/QueryOrderByOid.yaml", "orderStatus")
    ]
    assert {VenueOrderStatus.FILLED, VenueOrderStatus.UNKNOWN_OID} == set(statuses)
    (old,) = replies("python_sdk_cassettes/test_get_user_fills.yaml", "userFills")
    fills, bad, entries = wire_info.fill_page(old, scene.universe(), T0)
    assert (len(fills), len(bad)) == (0, entries)


@with_cassettes
def test_recorded_accounts_are_read() -> None:
    """A real account of 2023 with its orders gives a snapshot; coins that we don't list are reported."""
    (state,) = replies("python_sdk_cassettes/test_get_user_state.yaml", "clearinghouseState")
    (orders,) = replies("python_sdk_cassettes/test_get_frontend_open_orders.yaml", "frontendOpenOrders")
    snapshot, bad = wire_info.account_snapshot(state, orders, (), scene.universe(), T0, T0)
    assert [position.coin for position in snapshot.positions] == ["BTC", "ETH"]
    assert snapshot.equity_usd == 1_182_312_496
    assert len(bad) == len(json.loads(state)["assetPositions"]) - 2 + 3


def test_the_universe_errand_asks_for_fees_only_with_a_user() -> None:
    """Without an account the base fees hold."""
    venue = Venue(meta=scene.META, userFees=scene.FEES | {"userCrossRate": "0.0003"})
    (public,) = errands.run(errands.read_universe(None, lambda: T0), venue)
    (private,) = errands.run(errands.read_universe(USER, lambda: T0), venue)
    assert isinstance(public, UniverseUpdate)
    assert isinstance(private, UniverseUpdate)
    assert (public.taker_fee_e7, private.taker_fee_e7) == (4_500, 3_000)
    assert [request["type"] for request in venue.asked] == ["meta", "meta", "userFees"]


def test_the_order_errand_names_user_and_cloid() -> None:
    """orderStatus is asked for the master's address and our cloid."""
    venue = Venue(orderStatus={"status": "unknownOid"})
    (said,) = errands.run(errands.read_order(USER, CLOID, scene.universe(), lambda: T0), venue)
    assert isinstance(said, VenueOrder)
    assert not isinstance(said, Fill)
    assert venue.asked == [{"type": "orderStatus", "user": USER, "oid": CLOID}]


def test_the_count_of_requests() -> None:
    """Used and cap as the venue tells them; anything else is an error."""
    reply = b'{"cumVlm":"2854574.59","nRequestsUsed":2890,"nRequestsCap":2864574,"nRequestsSurplus":0}'
    assert wire_info.allowance(reply, Ns(5)) == AllowanceTold(2_890, 2_864_574, Ns(5))
    with pytest.raises(VenueProtocolError):
        wire_info.allowance(b"null", Ns(5))


def twap_word(
    lines: list[dict[str, Any]], twap_id: int | None = None, others: tuple[int, ...] = ()
) -> tuple[VenueOrderStatus, int, float]:
    """(status, id, share left) that the history tells of that purchase."""
    coin = scene.universe().instrument("ETH")
    query = QueryTwap(CLOID, twap_id, "ETH", Side.BUY, coin.sz("2"), T0, others)
    order = wire_info.twap_order(encoded(lines), query, scene.universe(), T0)
    return order.status, order.oid, order.sz / order.orig_sz


def test_a_twap_is_found_by_its_id_or_by_what_it_looks_like() -> None:
    """The newest line on it counts; without an id only one placed since it was sent can be meant."""
    status = VenueOrderStatus
    lines = [history_line(9, "finished", "2.0"), history_line(8, "activated"), history_line(9, "activated")]
    assert twap_word(lines) == (status.FILLED, 9, 0.0)
    assert twap_word(lines, 8) == (status.OPEN, 8, 1.0)
    assert twap_word(lines, 7)[0] is status.UNKNOWN_OID
    assert twap_word([history_line(9, "activated", at_ms=T0_MS - 60_000)])[0] is status.UNKNOWN_OID
    assert twap_word([])[0] is status.UNKNOWN_OID
    assert twap_word(lines, others=(9,)) == (status.OPEN, 8, 1.0)
    assert twap_word(lines, others=(8, 9))[0] is status.UNKNOWN_OID


@pytest.mark.parametrize(("word", "executed", "expected"), [
    ("activated", "0.5", VenueOrderStatus.OPEN), ("waitingForTrigger", "0.0", VenueOrderStatus.OPEN),
    ("finished", "2.0", VenueOrderStatus.FILLED), ("finished", "1.5", VenueOrderStatus.CANCELLED),
    ("terminated", "0.5", VenueOrderStatus.CANCELLED), ("stopped", "0.0", VenueOrderStatus.CANCELLED),
    ("error", "0.0", VenueOrderStatus.REJECTED), ("error", "0.5", VenueOrderStatus.CANCELLED),
    ("a new word", "0.0", VenueOrderStatus.OTHER),
])  # fmt: skip
def test_every_documented_status_of_a_twap(word: str, executed: str, expected: VenueOrderStatus) -> None:
    """An end with something left is a cancel of the rest; an error before anything traded refused it."""
    assert twap_word([history_line(9, word, executed)], 9)[0] is expected


def test_a_history_that_makes_no_sense_is_an_error() -> None:
    """Never "no such TWAP"."""
    with pytest.raises(VenueProtocolError):
        twap_word([{"time": 1}])
