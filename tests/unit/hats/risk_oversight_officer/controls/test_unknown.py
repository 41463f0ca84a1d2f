"""What nobody said is not taken for good: without any one input nothing is added, and what reduces gets through."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from hats.risk_oversight_officer.controls.table import CONTROLS
from shared.ids import FLATTEN
from shared.instrument import Instrument
from shared.messages import AnyMessage, Message
from shared.messages.account import LedgerReport, Reconciled
from shared.messages.control import Armed, Started, Woke
from shared.messages.market import AssetContext, CaptureStatus, FeedStatus, UniverseUpdate, VenueClockTold
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied
from shared.messages.signal import FeatureUpdate, RegimeUpdate
from shared.order import Side
from shared.rules.margin import MarginTiers
from shared.units import MS, Ns, Px
from tests.unit.hats.risk_oversight_officer.scene import (
    COINS,
    NOW,
    PX,
    booked,
    features,
    intent,
    judged,
    ledger,
    opening,
    say,
    settings,
)

HELD: Final = 100
LIMITS: Final = {"var_required": True, "var_samples_min": 100, "position_limit_usd": 1_000}
RETURNS: Final = None
"""The input that is no message: returns enough to know the tail by."""


class Without(NamedTuple):
    """What is said of an order that adds, and whether a strategy's that reduces and the house's own exit still pass."""

    reason: DenyReason
    reduces: bool = True
    exits: bool = True


INPUTS: Final[dict[type[Message] | None, Without]] = {
    Started: Without(DenyReason.DUPLICATE, reduces=False, exits=False),  # an id of no run is nobody's
    UniverseUpdate: Without(DenyReason.UNKNOWN_COIN, reduces=False, exits=False),  # the wire needs its number and tick
    FeatureUpdate: Without(DenyReason.STALE_DATA, reduces=False, exits=False),  # nothing to price it by
    FeedStatus: Without(DenyReason.STALE_DATA, reduces=False),
    CaptureStatus: Without(DenyReason.NOT_CAPTURED),
    AssetContext: Without(DenyReason.STALE_DATA),
    RegimeUpdate: Without(DenyReason.POSITION_LIMIT),
    Reconciled: Without(DenyReason.DISARMED, reduces=False),
    LedgerReport: Without(DenyReason.NO_EQUITY),
    VenueClockTold: Without(DenyReason.CLOCK_OFFSET),
    Armed: Without(DenyReason.DISARMED, reduces=False),
    RETURNS: Without(DenyReason.VALUE_AT_RISK),
}

OURS: Final = ()
"""A control that looks at the order, at what was approved and at what was heard of our own orders and fills alone."""
BOOK: Final = (FeatureUpdate, FeedStatus)
VALUED: Final = (FeatureUpdate, AssetContext)

NEEDS: Final[dict[str, tuple[type[Message] | None, ...]]] = {
    "purpose": (Reconciled,),
    "drawdown": (LedgerReport,),
    "halted": OURS,
    "armed": (Armed, Reconciled),
    "reducing": OURS,
    "strategy": OURS,
    "coin": (UniverseUpdate,),
    "id": (Started,),
    "tick": (UniverseUpdate,),
    "size": OURS,
    "feed": BOOK,
    "capture": (CaptureStatus,),
    "intent_age": OURS,
    "book_age": BOOK,
    "context_age": (AssetContext,),
    "clock": (VenueClockTold,),
    "spread": BOOK,
    "price_gap": (*BOOK, AssetContext),
    "collar": BOOK,
    "oracle_collar": (AssetContext,),
    "drift_collar": BOOK,
    "trigger": (*BOOK, UniverseUpdate),
    "trigger_reach": OURS,
    "min_notional": OURS,
    "order_notional": OURS,
    "fat_finger": (*BOOK, AssetContext),
    "depth": BOOK,
    "self_match": OURS,
    "position": (*VALUED, RegimeUpdate),
    "gross": VALUED,
    "net": VALUED,
    "cluster": VALUED,
    "strategy_capital": VALUED,
    "equity": (LedgerReport,),
    "cash": (LedgerReport,),
    "daily_loss": (LedgerReport,),
    "leverage": (*VALUED, LedgerReport),
    "concentration": (*VALUED, LedgerReport),
    "size_budget": (*VALUED, LedgerReport, RegimeUpdate),
    "margin_use": (*VALUED, LedgerReport, UniverseUpdate),
    "liquidation_distance": (*VALUED, LedgerReport, UniverseUpdate),
    "funding": (AssetContext,),
    "rate": OURS,
    "strategy_rate": OURS,
    "open_orders": OURS,
    "coin_orders": OURS,
    "in_doubt": OURS,
    "daily_volume": OURS,
    "stress": (*VALUED, LedgerReport),
    "value_at_risk": (*VALUED, LedgerReport, RETURNS),
    "expected_shortfall": (*VALUED, LedgerReport, RETURNS),
}
"""What each control looks at."""


def desk(without: type[Message] | str | None = "", equity_usd: int = 10**6) -> RiskOversightOfficer:
    """An officer who holds HELD of the first coin and heard everything but one thing."""
    hat = RiskOversightOfficer(settings(**LIMITS))
    for message in opening(equity_usd, ()):
        if type(message) is not without:
            say(hat, message)
    hat.state.exposure("AAA").move(HELD)
    if without is not RETURNS:
        for coin in COINS:
            hat.state.returns.rows[coin] = [0] * 100
        hat.state.returns.samples += 1
    return hat


def answers(hat: RiskOversightOfficer, now: Ns = NOW, recv_ns: int | None = None) -> list[OrderApproved | OrderDenied]:
    """What becomes of an order that adds, of a strategy's that reduces, and of the house's own exit."""
    at = now if recv_ns is None else recv_ns
    wishes = (
        intent(1, Side.BUY, 600, PX - 2_000, recv_ns=at),
        intent(2, Side.SELL, 20, reduce_only=True, recv_ns=at),
        intent(3, Side.SELL, HELD, reduce_only=True, recv_ns=at, strategy=FLATTEN, strategy_number=0xFFFF),
    )
    return [judged(hat, wish, now) for wish in wishes]


def test_every_control_and_every_input_is_looked_at() -> None:
    """No control without its inputs here, no input without its removal, no word of the opening that nobody needs."""
    assert set(NEEDS) == {control.name for control in CONTROLS}
    assert {need for needs in NEEDS.values() for need in needs} == set(INPUTS)
    assert {type(message) for message in opening(10**6, ())} == set(INPUTS) - {RETURNS}


def test_with_everything_all_three_pass() -> None:
    """So it is the missing input that denies."""
    assert all(isinstance(answer, OrderApproved) for answer in answers(desk()))


@pytest.mark.parametrize("missing", INPUTS, ids=lambda kind: getattr(kind, "__name__", "returns"))
def test_nothing_is_added_without_it(missing: type[Message] | None) -> None:
    """An order that adds is denied for a reason that fits; what reduces passes unless it needs just that."""
    without = INPUTS[missing]
    adds, reduces, exits = answers(desk(missing))
    assert isinstance(adds, OrderDenied)
    assert adds.reason is without.reason
    assert adds.detail
    assert isinstance(reduces, OrderApproved) is without.reduces, reduces
    assert isinstance(exits, OrderApproved) is without.exits, exits


STALE: Final[dict[type[Message], Without]] = {
    FeatureUpdate: Without(DenyReason.STALE_DATA, reduces=False),
    AssetContext: Without(DenyReason.STALE_DATA),
    LedgerReport: Without(DenyReason.NO_EQUITY),
    RegimeUpdate: Without(DenyReason.POSITION_LIMIT),
}
"""What must be heard again and again."""


@pytest.mark.parametrize("stale", STALE, ids=lambda kind: kind.__name__)
def test_nothing_is_added_on_its_old_word(stale: type[Message]) -> None:
    """As little as without it, once the last word is older than its limit."""
    without, hat = STALE[stale], desk()
    limits = hat._settings
    later = Ns(
        {
            FeatureUpdate: NOW + limits.data_age_limit_ms * MS + 1,
            AssetContext: NOW + limits.context_age_limit_ms * MS + 1,
            LedgerReport: NOW + limits.equity_age_limit_ms * MS + 1,
            RegimeUpdate: NOW + 1 + limits.regime_age_limit_ms * MS + 1,
        }[stale]
    )
    for message in _again(later):
        if type(message) is not stale:
            say(hat, message, later)
    say(hat, Woke(hat.role, "report", later), later)
    adds, reduces, exits = answers(hat, later)
    assert isinstance(adds, OrderDenied)
    assert adds.reason is without.reason
    assert isinstance(reduces, OrderApproved) is without.reduces, reduces
    assert isinstance(exits, OrderApproved) is without.exits, exits


def _again(later: Ns) -> list[AnyMessage]:
    """All of it anew."""
    said: list[AnyMessage] = [ledger(10**6)]
    for message in opening(10**6, ()):
        match message:
            case FeatureUpdate():
                said.append(features(message.coin, later))
            case AssetContext():
                said.append(msgspec.structs.replace(message, recv_ns=later))
            case RegimeUpdate():
                said.append(msgspec.structs.replace(message, bar_close_ns=later))
            case _:
                continue
    return said


@pytest.mark.parametrize(
    "changed",
    [{"mark_px": Px(0)}, {"oracle_px": Px(0)}, {"oracle_px": Px(-1)}],
    ids=" ".join,
)
def test_a_word_without_a_price_is_none(changed: dict[str, Px]) -> None:
    """A context that names no oracle adds nothing and holds up nothing; without a mark our own mid values the coin."""
    hat = desk()
    for message in opening(10**6, ()):
        if isinstance(message, AssetContext):
            say(hat, msgspec.structs.replace(message, **changed))
    adds, reduces, exits = answers(hat)
    assert isinstance(adds, OrderApproved) is ("mark_px" in changed)
    assert isinstance(reduces, OrderApproved)
    assert isinstance(exits, OrderApproved)


def test_another_coin_that_is_held_must_have_a_price_of_today() -> None:
    """Neither its book nor its context was heard for too long: what it is worth now is unknown, so nothing is added."""
    hat = desk()
    say(hat, booked(intent(9, sz=20, coin="BBB"), 20))
    limit_ms = hat._settings.context_age_limit_ms
    for later, is_known in ((Ns(NOW + limit_ms * MS), True), (Ns(NOW + limit_ms * MS + 1), False)):
        for message in _again(later):
            if getattr(message, "coin", "AAA") == "AAA":
                say(hat, message, later)
        answer = judged(
            hat, intent(20 + is_known, Side.BUY, 20, PX - 2_000, recv_ns=later, strategy_number=2 + is_known), later
        )
        assert isinstance(answer, OrderApproved) is is_known
        assert is_known or (isinstance(answer, OrderDenied) and answer.reason is DenyReason.GROSS_EXPOSURE)
    assert isinstance(answers(hat, later)[1], OrderApproved)


@pytest.mark.parametrize("depth", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_depth_that_is_no_number_is_none(depth: float) -> None:
    """The officer denies what adds, and lives."""
    hat = desk()
    say(hat, msgspec.structs.replace(features(), ask_depth_usd=depth, bid_depth_usd=depth))
    adds, reduces, exits = answers(hat)
    assert isinstance(adds, OrderDenied)
    assert adds.reason is DenyReason.ORDER_DEPTH
    assert isinstance(reduces, OrderApproved)
    assert isinstance(exits, OrderApproved)


def test_a_book_without_prices_is_none() -> None:
    """Nothing is divided by a mid of zero."""
    hat = desk()
    say(hat, msgspec.structs.replace(features(), best_bid_px=Px(0), best_ask_px=Px(0)))
    assert all(isinstance(answer, OrderDenied) and answer.reason is DenyReason.STALE_DATA for answer in answers(hat))


def test_a_margin_table_that_nobody_told_allows_no_leverage() -> None:
    """Half of the position is maintenance then, which is more than all of equity."""
    listed = tuple(Instrument(coin, n, 0, 50) for n, coin in enumerate(COINS))
    cases: tuple[tuple[dict[str, MarginTiers], bool], ...] = (({}, True), ({"AAA": ()}, False))
    for tiers, is_told in cases:
        hat = desk(equity_usd=300)
        say(hat, UniverseUpdate(listed, 4500, 1500, NOW, tiers))
        adds, reduces, exits = answers(hat)
        assert isinstance(adds, OrderApproved) is is_told
        assert is_told or (isinstance(adds, OrderDenied) and adds.reason is DenyReason.MARGIN_USE)
        assert isinstance(reduces, OrderApproved)
        assert isinstance(exits, OrderApproved)
