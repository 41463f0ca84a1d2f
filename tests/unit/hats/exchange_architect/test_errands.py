"""What is read of the venue in several requests: the account, page by page, and orders that are asked about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hats.exchange_architect import errands
from shared.errors import VenueProtocolError
from shared.messages.account import AccountSnapshot, RunningTwap, VenuePosition
from shared.messages.market import BadData, BadKind
from shared.messages.order import QueryTwap, VenueOrder, VenueOrderStatus
from shared.order import Side, Trigger, TriggerKind
from shared.units import SECOND, Ns, Px, Usd
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import CLOID, T0, T0_MS, USER, Venue, history_line


def account(venue: Venue, since: int = T0) -> list[Any]:
    """What reading the account says."""
    return errands.run(errands.read_account(USER, since, scene.universe(), lambda: T0), venue)


def test_the_account_is_money_positions_orders_and_fills() -> None:
    """The documents' sample: equity as told, cash as the venue's raw USD, exact positions."""
    venue = Venue(
        clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[scene.order()], userFillsByTime=[scene.fill(1)]
    )
    (snapshot,) = account(venue)
    assert isinstance(snapshot, AccountSnapshot)
    assert (snapshot.equity_usd, snapshot.withdrawable_usd) == (13109482328, 13104514502)
    assert snapshot.cash_usd == 13009454678
    assert snapshot.positions == (VenuePosition("ETH", 335, Usd(335 * 298_630), 20),)
    assert [order.status for order in snapshot.open_orders] == [VenueOrderStatus.OPEN]
    assert [fill.tid for fill in snapshot.fills] == [1]
    assert venue.asked[-1] == {"type": "userFillsByTime", "user": USER, "startTime": T0_MS}


def test_fills_of_one_trade_id_at_two_times_are_two() -> None:
    """What the venue documents as unique is time, coin and trade id together."""
    both = [scene.fill(1, T0_MS), scene.fill(1, T0_MS + 1)]
    (snapshot,) = account(Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[], userFillsByTime=both))
    assert len(snapshot.fills) == 2


def test_an_account_is_as_old_as_the_first_of_its_readings() -> None:
    """What happened while it was read may be missing in it, however late the last reply came."""
    venue = Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[], userFillsByTime=[])
    times = iter(range(T0, T0 + 10 * SECOND, SECOND))
    (snapshot,) = errands.run(errands.read_account(USER, T0, scene.universe(), lambda: Ns(next(times))), venue)
    assert isinstance(snapshot, AccountSnapshot)
    assert snapshot.recv_ns == T0
    assert snapshot.fills_since_ns == T0


def test_the_word_on_an_order_is_as_old_as_its_question() -> None:
    """A reply that comes late still says how things stood before: as an absence it may prove nothing any more."""
    universe, twap = scene.universe(), QueryTwap(CLOID, None, "ETH", Side.BUY, scene.ETH.sz("2"), T0)
    venue = Venue(orderStatus={"status": "unknownOid"}, twapHistory=[])

    def clock() -> Ns:
        return Ns(T0 + len(venue.asked) * SECOND)

    words = errands.run(errands.read_order(USER, CLOID, universe, clock), venue)
    words += errands.run(errands.read_twaps(USER, (twap,), universe, clock), venue)
    told = [(word.status, word.recv_ns) for word in words if isinstance(word, VenueOrder)]
    assert told == [(VenueOrderStatus.UNKNOWN_OID, T0), (VenueOrderStatus.UNKNOWN_OID, T0 + SECOND)]


def test_the_account_tells_the_twaps_at_work_if_asked() -> None:
    """The newest line on each counts; without the question nothing is known."""
    lines = [history_line(9, "terminated", "1.0"), history_line(8, "activated", "0.5"), history_line(9, "activated")]
    venue = Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[], userFillsByTime=[], twapHistory=lines)
    (snapshot,) = errands.run(errands.read_account(USER, T0, scene.universe(), lambda: T0, with_twaps=True), venue)
    assert isinstance(snapshot, AccountSnapshot)
    coin = scene.ETH
    assert snapshot.twaps == (RunningTwap(8, "ETH", Side.BUY, coin.sz("2"), coin.sz("0.5"), 5, False, False),)
    assert [request["type"] for request in venue.asked][-2:] == ["twapHistory", "userFillsByTime"]
    (plain,) = account(venue)
    assert plain.twaps is None


@pytest.mark.parametrize(("word", "kind"), [
    ("Stop Market", TriggerKind.STOP_LOSS), ("Stop Limit", TriggerKind.STOP_LOSS),
    ("Take Profit Market", TriggerKind.TAKE_PROFIT), ("Take Profit Limit", TriggerKind.TAKE_PROFIT),
])  # fmt: skip
def test_a_listed_trigger_says_which_way_it_waits(word: str, kind: TriggerKind) -> None:
    """A stop that were taken for a take-profit would protect nothing."""
    listed = scene.order(isTrigger=True, triggerPx="2500.5", orderType=word)
    (snapshot,) = account(
        Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[listed], userFillsByTime=[])
    )
    assert [order.trigger for order in snapshot.open_orders] == [Trigger(Px(250_050), kind)]


def test_a_trigger_of_a_kind_that_we_do_not_know_is_reported() -> None:
    """It is not guessed."""
    listed = scene.order(isTrigger=True, triggerPx="2500.5", orderType="Trailing Stop")
    said = account(Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[listed], userFillsByTime=[]))
    assert [type(message) for message in said] == [AccountSnapshot, BadData]


def test_noisy_money_is_rounded_to_the_micro() -> None:
    """2703997.4500000002 is 2703997.45 USDC."""
    state = json.loads(json.dumps(scene.CLEARINGHOUSE)) | {"withdrawable": "2703997.4500000002"}
    (snapshot,) = account(Venue(clearinghouseState=state, frontendOpenOrders=[], userFillsByTime=[]))
    assert snapshot.withdrawable_usd == 2_703_997_450_000


def test_what_is_not_listed_is_reported_and_the_rest_kept() -> None:
    """A spot order in the account is BadData beside the snapshot, not its end."""
    orders = [scene.order(coin="@107"), scene.order()]
    said = account(Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=orders, userFillsByTime=[]))
    assert [type(message) for message in said] == [AccountSnapshot, BadData]
    assert len(said[0].open_orders) == 1


def test_fills_are_paged_without_loss_or_repeat() -> None:
    """2,500 fills come in pages of 2,000 that overlap in one millisecond; each is told once, in order."""
    everything = [scene.fill(tid, T0_MS + tid // 3) for tid in range(2_500)]

    def page(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in everything if one["time"] >= request["startTime"]][: errands.PAGE]

    venue = Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[], userFillsByTime=page)
    (snapshot,) = account(venue)
    assert [fill.tid for fill in snapshot.fills] == list(range(2_500))


@pytest.mark.parametrize(("traded", "is_cut"), [(9_999, False), (12_000, True)])
def test_all_that_the_venue_keeps_is_read_and_what_it_lost_is_said(traded: int, is_cut: bool) -> None:
    """It keeps the 10,000 newest: the newest of all is among what was read, and nothing older counts as read."""
    kept = [scene.fill(tid, T0_MS + tid // 3) for tid in range(traded)][-errands.KEPT :]

    def page(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in kept if one["time"] >= request["startTime"]][: errands.PAGE]

    snapshot, *bad = account(Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[], userFillsByTime=page))
    assert [fill.tid for fill in snapshot.fills] == [one["tid"] for one in kept]
    oldest_ns = min(fill.exch_ns for fill in snapshot.fills)
    assert (snapshot.is_cut, snapshot.fills_since_ns) == (is_cut, oldest_ns + 1 if is_cut else T0)
    assert [one.kind for one in bad] == [BadKind.INCOMPLETE] * is_cut


def test_a_history_without_end_is_an_error() -> None:
    """More than the venue can have: it is not read for ever, and nothing of it counts as read."""

    def page(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [scene.fill(n, request["startTime"] + n) for n in range(errands.PAGE)]

    with pytest.raises(VenueProtocolError, match="end"):
        account(Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[], userFillsByTime=page))


def test_a_page_that_does_not_advance_is_an_error() -> None:
    """2,000 fills of one millisecond would loop for ever; that is said instead."""
    page = [scene.fill(tid) for tid in range(errands.PAGE)]
    with pytest.raises(VenueProtocolError, match="progress"):
        account(Venue(clearinghouseState=scene.CLEARINGHOUSE, frontendOpenOrders=[], userFillsByTime=page))
