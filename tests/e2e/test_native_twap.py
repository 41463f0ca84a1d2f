"""The venue's own TWAP on a whole desk: approved as a whole, worked there in parts, found again, and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.ids import OPERATOR, OPERATOR_NUMBER, Cloid, Role, cloid_for
from shared.messages.account import Reconciled
from shared.messages.control import Armed, KillLevel, KillOrdered
from shared.messages.order import FenceOrder, FillBooked, OrderChanged, QueryTwap
from shared.messages.parent import NativeTwap, ParentOrder, ParentState
from shared.order import OrderState, Side
from shared.units import MINUTE, SECOND, USD, Ns, Px, Rounding, Sz, round_to_multiple
from shared.venue.core.timed_commands import PlaceTwap, TwapSpec
from shared.venue.faults.catalogue import DropRequest, LoseAnswer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def new_desk(folder: Path) -> Rehearsal:
    """A desk without strategies of its own, about to begin."""
    quiet: dict[str, Any] = {"hats": {"quant_strategist": {"strategies": []}}}
    return rehearse(Settings.model_validate(quiet), folder / "journal.sqlite", seed=3)


def desk_of(folder: Path) -> Rehearsal:
    """The same, trading."""
    desk = new_desk(folder)
    desk.run_for(10)
    return desk


def begun(desk: Rehearsal, *, usd: int = 600, minutes: int = 5, limit_bps: int = 150) -> Cloid:
    """A parent for so much ETH over so long."""
    instrument = desk.heart.situation.instruments["ETH"]
    mark = desk.exchange.mark(instrument.asset)
    limit = round_to_multiple(mark * (10_000 + limit_bps) // 10_000, instrument.tick(mark), Rounding.NEAREST)
    parent = cloid_for(1, OPERATOR_NUMBER, 1)
    ends = Ns(desk.stage.clock.now() + minutes * MINUTE + 20 * SECOND)
    terms = ParentOrder(
        parent, OPERATOR, "ETH", Side.BUY, Sz(usd * USD // mark), Px(limit), NativeTwap(), False, ends, "test"
    )
    desk.stage.publish(Role.OPERATOR, terms)
    return parent


def at_work(desk: Rehearsal) -> list[int]:
    """Ids of the TWAPs that the exchange works on for us."""
    return [twap.twap_id for twap in desk.exchange.twaps(desk.master)]


def assert_equal(desk: Rehearsal) -> None:
    """Every comparison was clean, and what we hold is what the exchange holds."""
    compared = [decode(entry.body) for entry in desk.journal.reader.messages(kind=Reconciled.__name__)]
    assert all(one.is_clean for one in compared if isinstance(one, Reconciled)), compared
    last: dict[Cloid, OrderChanged] = {}
    for entry in desk.journal.reader.messages(kind=OrderChanged.__name__):
        change = decode(entry.body)
        assert isinstance(change, OrderChanged)
        last[change.cloid] = change
    held = sum(change.side.value * change.filled_sz for change in last.values())
    assert desk.positions().get("ETH", 0) == held


def test_it_is_worked_to_its_end_and_its_parts_are_ours(tmp_path: Path) -> None:
    """One approval for all of it; every part is booked against it, and no fill is foreign."""
    desk = desk_of(tmp_path)
    try:
        parent = begun(desk)
        desk.run_for(60)
        assert len(at_work(desk)) == 1
        assert desk.heart.situation.parents[parent].filled_sz > 0
        desk.run_for(290)
        word = desk.heart.situation.parents[parent]
        assert word.state is ParentState.FILLED, word
        assert word.filled_sz == word.sz
        assert not at_work(desk)
        assert_equal(desk)
    finally:
        desk.close()


def test_a_kill_ends_it_at_the_exchange(tmp_path: Path) -> None:
    """It does not go on trading by itself, and what it bought is sold."""
    desk = desk_of(tmp_path)
    try:
        begun(desk)
        desk.run_for(60)
        assert at_work(desk)
        desk.stage.publish(Role.OPERATOR, KillOrdered(KillLevel.FLATTEN, "test"))
        desk.run_for(15)
        assert not at_work(desk)
        assert not desk.positions()
        desk.run_for(40)  # longer than to the next part of one that were still at work
        assert not desk.positions()
    finally:
        desk.close()


def test_one_whose_answer_is_lost_is_found_and_never_placed_twice(tmp_path: Path) -> None:
    """It has no cloid at the exchange: its history tells, and its parts tell its id."""
    desk = desk_of(tmp_path)
    try:
        desk.venue.faults.arm(LoseAnswer(share=1.0, ending="hang"), desk.stage.clock.now())
        parent = begun(desk)
        desk.run_for(4)
        desk.venue.faults.clear()
        desk.run_for(40)
        assert desk.journal.reader.counts().get(QueryTwap.__name__, 0) > 0
        assert len(at_work(desk)) == 1
        assert desk.heart.situation.parents[parent].filled_sz > 0
        assert_equal(desk)
    finally:
        desk.close()


def test_one_that_never_arrived_is_fenced_and_nothing_is_left(tmp_path: Path) -> None:
    """Dropped on its way: its nonce is spent on a noop or its time passes, and the next child is another one."""
    desk = desk_of(tmp_path)
    try:
        desk.venue.faults.arm(DropRequest(share=1.0, ending="cut"), desk.stage.clock.now())
        begun(desk, minutes=6)
        desk.run_for(3)
        desk.venue.faults.clear()
        desk.run_for(60)
        counts = desk.journal.reader.counts()
        assert counts.get(FenceOrder.__name__, 0) > 0
        changes = [decode(entry.body) for entry in desk.journal.reader.messages(kind=OrderChanged.__name__)]
        assert OrderState.EXPIRED in {one.state for one in changes if isinstance(one, OrderChanged)}
        assert len(at_work(desk)) == 1
        assert_equal(desk)
    finally:
        desk.close()


def test_one_that_an_earlier_run_left_is_ended_before_this_one_trades(tmp_path: Path) -> None:
    """It was at work when the desk began, which is armed once the exchange says that it ended; nothing is foreign."""
    desk = new_desk(tmp_path)
    try:
        instrument = next(one.instrument for one in desk.exchange.listings.values() if one.instrument.coin == "ETH")
        left = TwapSpec(instrument.asset, True, instrument.sz("2"), False, 30, False)
        desk.exchange.apply(PlaceTwap(desk.master, left), desk.stage.clock.now())
        (twap_id,) = at_work(desk)
        desk.run_for(40)  # longer than to its next part
        assert not at_work(desk)
        said = desk.journal.reader.messages
        compared = [(one.ts, decode(one.body)) for one in said(kind=Reconciled.__name__)]
        clean = [at for at, word in compared if isinstance(word, Reconciled) and word.is_clean]
        changes = [(one.ts, decode(one.body)) for one in said(kind=OrderChanged.__name__)]
        (ended,) = [at for at, one in changes if isinstance(one, OrderChanged) and one.state is OrderState.CANCELLED]
        assert ended <= min(clean)
        assert min(one.ts for one in said(kind=Armed.__name__)) >= ended
        booked = [decode(one.body) for one in said(kind=FillBooked.__name__)]
        assert {one.fill.twap_id for one in booked if isinstance(one, FillBooked)} <= {twap_id}
        assert all(word.is_clean for at, word in compared if isinstance(word, Reconciled) and at > ended)
        held = sum(one.fill.sz for one in booked if isinstance(one, FillBooked))
        assert desk.positions().get("ETH", 0) >= held
    finally:
        desk.close()
