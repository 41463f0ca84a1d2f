"""What is cancelled and closed, and at which price."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.security_architect.actions import Cancel, Limit, Order, OrderType, TwapCancel, to_json
from hats.security_architect.signer.policy import AssetRule, Policy, refusal
from hats.security_architect.signer.typed_data import Network
from orchestrator.watchdog import plan
from orchestrator.watchdog.guard import Aim
from orchestrator.watchdog.plan import Account, OpenOrder, Position
from shared.errors import VenueProtocolError
from shared.ids import WATCHDOG_NUMBER, cloid_for
from shared.instrument import Instrument
from shared.order import Tif

COINS = {"BTC": Instrument("BTC", 0, 5, 40), "ETH": Instrument("ETH", 1, 4, 25)}
NOW_MS = 1_800_000_000_000
NOTHING_MAY_GROW = Policy(network=Network.TESTNET, assets=(AssetRule(0), AssetRule(1)), max_notional_usd=0)


def order(coin: str = "BTC", oid: int = 1, **changes: Any) -> OpenOrder:
    """An open order."""
    return msgspec.structs.replace(OpenOrder(coin, oid, "B", "0.5"), **changes)


def closing(positions: list[Position], mids: dict[str, float], attempt: int = 0) -> list[Order]:
    """The closing actions."""
    cloids = (cloid_for(0, WATCHDOG_NUMBER, number) for number in itertools.count(1))
    made = list(plan.closes(positions, mids, COINS, attempt, cloids))
    assert all(isinstance(action, Order) for action in made)
    return [action for action in made if isinstance(action, Order)]


def test_the_account_is_read_from_the_venues_words() -> None:
    """Signed lots; positions of nothing are none; further fields do not matter."""
    stop = {"coin": "BTC", "oid": 7, "side": "A", "sz": "0.1", "isTrigger": True, "orderType": "Stop Market"}
    orders = msgspec.json.encode([stop | {"reduceOnly": True, "more": 1}])
    held = [{"type": "oneWay", "position": {"coin": c, "szi": s}} for c, s in (("BTC", "-0.25"), ("ETH", "0.0"))]
    assert plan.read_orders(orders) == (
        OpenOrder("BTC", 7, "A", "0.1", is_trigger=True, order_type="Stop Market", reduce_only=True),
    )
    assert plan.read_positions(msgspec.json.encode({"assetPositions": held}), COINS) == (Position("BTC", -25_000),)


@pytest.mark.parametrize(
    "state",
    [b"null", b'{"assetPositions":[{"position":{"coin":"XYZ","szi":"1"}}]}',
     b'{"assetPositions":[{"position":{"coin":"BTC","szi":"much"}}]}'],
)  # fmt: skip
def test_nonsense_is_no_empty_account(state: bytes) -> None:
    """An account that can't be read is an error, never "nothing is open"."""
    with pytest.raises(VenueProtocolError, match="expected positions"):
        plan.read_positions(state, COINS)
    with pytest.raises(VenueProtocolError, match="expected orders"):
        plan.read_orders(b"{}")


def test_every_order_is_cancelled_those_that_add_risk_first() -> None:
    """In batches that the signer takes."""
    orders = [order(oid=n, reduce_only=n % 2 == 0) for n in range(45)]
    made = [action for action in plan.cancels(orders, frozenset({3}), {"BTC": 0}) if isinstance(action, Cancel)]
    oids = [entry.oid for action in made for entry in action.cancels]
    assert sorted(oids) == [n for n in range(45) if n != 3]
    assert [len(action.cancels) for action in made] == [20, 20, 4]
    assert all(n % 2 for n in oids[:21])


def test_a_stop_that_covers_its_position_protects_it() -> None:
    """Only with the aim to protect, and only if it closes all of it."""
    stop = order(oid=5, side="A", sz="0.5", is_trigger=True, order_type="Stop Market", reduce_only=True)
    account = Account((order(), stop), (Position("BTC", 50_000), Position("ETH", -10)))
    kept = plan.kept_triggers(account, Aim.PROTECT, COINS)
    assert kept == {5}
    assert plan.to_close(account, Aim.PROTECT, kept) == (Position("ETH", -10),)
    assert plan.kept_triggers(account, Aim.FLATTEN, COINS) == frozenset()
    assert plan.to_close(account, Aim.FLATTEN, frozenset()) == account.positions
    assert plan.to_close(account, Aim.CANCEL, frozenset()) == ()
    for useless in ({"sz": "0.49"}, {"side": "B"}, {"reduce_only": False}, {"is_trigger": False}, {"coin": "ETH"},
                    {"order_type": "Take Profit Market"}, {"order_type": ""}):  # fmt: skip
        weak = Account((msgspec.structs.replace(stop, **useless),), (Position("BTC", 50_000),))
        assert plan.kept_triggers(weak, Aim.PROTECT, COINS) == frozenset()


def test_a_take_profit_stays_beside_its_stop_alone() -> None:
    """It closes a position that is kept, and would be an orphan of one that is closed."""
    stop = order(oid=5, side="A", sz="0.5", is_trigger=True, order_type="Stop Market", reduce_only=True)
    take = msgspec.structs.replace(stop, oid=6, order_type="Take Profit Market")
    held = (Position("BTC", 50_000),)
    assert plan.kept_triggers(Account((stop, take), held), Aim.PROTECT, COINS) == {5, 6}
    alone = Account((take,), held)
    kept = plan.kept_triggers(alone, Aim.PROTECT, COINS)
    assert kept == frozenset()
    assert plan.to_close(alone, Aim.PROTECT, kept) == held


def test_what_the_venue_did_not_say_is_not_guessed() -> None:
    """Without the positions any stop may be one that protects; without the orders no position is known to be bare."""
    stop = order(oid=5, side="A", sz="0.5", is_trigger=True, reduce_only=True)
    blind = Account((order(), stop), None)
    assert plan.kept_triggers(blind, Aim.PROTECT, COINS) == {5}
    assert plan.kept_triggers(blind, Aim.FLATTEN, COINS) == frozenset()
    assert plan.to_close(blind, Aim.FLATTEN, frozenset()) == ()
    held = (Position("BTC", 50_000),)
    assert plan.to_close(Account(None, held), Aim.PROTECT, frozenset()) == ()
    assert plan.to_close(Account(None, held), Aim.FLATTEN, frozenset()) == held


def test_the_price_gives_way_with_each_try_and_begins_anew() -> None:
    """Two per cent, four, eight ... twenty: a venue that takes no more than ten sees ten again, after hours too."""
    pxs = [closing([Position("BTC", 1)], {"BTC": 100_000.0}, attempt)[0].orders[0].px for attempt in range(6)]
    assert pxs == ["98000", "96000", "92000", "84000", "80000", "98000"]
    assert closing([Position("BTC", -1)], {"BTC": 100_000.0})[0].orders[0].px == "102000"
    assert closing([Position("BTC", 1)], {"BTC": 100_000.0}, 10_001)[0].orders[0].px == "96000"


def test_what_is_refused_together_is_tried_one_by_one() -> None:
    """The venue may refuse a whole action for one coin in it."""
    held, mids = [Position("BTC", 1), Position("ETH", 2)], {"BTC": 100_000.0, "ETH": 2_000.0}
    assert [len(action.orders) for action in closing(held, mids, 1)] == [2]
    assert [len(action.orders) for action in closing(held, mids, 2)] == [1, 1]


def test_a_coin_without_a_mid_waits() -> None:
    """No price is invented; the others are closed."""
    (action,) = closing([Position("BTC", 1), Position("ETH", 2)], {"ETH": 2_000.0})
    assert [entry.asset for entry in action.orders] == [1]
    assert closing([Position("BTC", 1)], {"BTC": 0.0}) == []


@given(
    net_sz=st.integers(-(10**9), 10**9).filter(bool),
    mid=st.floats(1e-3, 1e6, allow_nan=False),
    attempt=st.integers(0, 50),
)
def test_every_closing_order_only_reduces_and_may_be_signed(net_sz: int, mid: float, attempt: int) -> None:
    """Immediate-or-cancel, reduce-only, against the position, all of it, valid to the tick, within a cap of nothing."""
    for action in closing([Position("ETH", net_sz)], {"ETH": mid}, attempt):
        (entry,) = action.orders
        assert entry.reduce_only
        assert entry.kind == OrderType(Limit(Tif.IOC))
        assert entry.is_buy is (net_sz < 0)
        assert COINS["ETH"].sz(entry.sz) == abs(net_sz)
        assert COINS["ETH"].is_on_tick(COINS["ETH"].px(entry.px))
        assert to_json(action)
        assert refusal(NOTHING_MAY_GROW, action, NOW_MS, NOW_MS + 10_000, NOW_MS) is None


def test_every_twap_at_work_is_ended() -> None:
    """By the newest word on each; those that ended, and those without an id, are left."""

    def told(number: int | None, status: str) -> dict[str, Any]:
        return {"time": 1, "state": {"coin": "ETH"}, "status": {"status": status}, "twapId": number}

    history = [told(3, "finished"), told(2, "activated"), told(3, "activated"), told(None, "activated"),
               told(4, "waitingForTrigger"), told(5, "terminated")]  # fmt: skip
    twaps = plan.read_twaps(msgspec.json.encode(history))
    assert [twap.twap_id for twap in twaps] == [2, 4]
    actions = list(plan.twap_cancels(twaps, {"ETH": 1}))
    assert [action.twap_id for action in actions if isinstance(action, TwapCancel)] == [2, 4]
    assert plan.read_twaps(b"[]") == ()
    with pytest.raises(VenueProtocolError):
        plan.read_twaps(b"{}")
