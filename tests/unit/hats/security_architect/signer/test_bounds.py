"""What adds exposure is bounded together, and by a price that the engine has no hand in; what reduces never is."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from hats.security_architect.actions import Action, read_action
from hats.security_architect.signer.bounds import Added, Bounds, Collar, Limits, full
from hats.security_architect.signer.oracle import Prices
from shared.units import USD

NOW_MS: Final = 1_700_000_000_000
CLOID: Final = "0x4a750000000000010001000000000001"
LIMITS: Final = Limits(window_ms=60_000, orders_max=3, notional_usd_max=1_000 * USD)
PX: Final = 100 * 10**8


def order(px: str = "100", sz: str = "1", *, is_buy: bool = True, reduces: bool = False, entries: int = 1) -> Action:
    """An order action of equal entries."""
    entry: dict[str, Any] = {"a": 0, "b": is_buy, "p": px, "s": sz, "r": reduces, "t": {"limit": {"tif": "Gtc"}}}
    wire = {"type": "order", "orders": [entry | {"c": CLOID}] * entries, "grouping": "na"}
    return read_action(msgspec.json.encode(wire))


def added(bounds: Bounds, action: Action, now_ms: int = NOW_MS) -> bool:
    """Sign it if it may be signed."""
    judged = bounds.judge(action, now_ms)
    if isinstance(judged, str):
        return False
    if judged is not None:
        bounds.add(judged)
    return True


def collared(bps_max: int = 100) -> Bounds:
    """Bounds with a collar and a fresh price of 100."""
    bounds = Bounds(Limits(collar=Collar(bps_max=bps_max, age_ms_max=5_000)))
    assert bounds.oracle.take(Prices(NOW_MS, ((0, PX),)))
    return bounds


def test_count_within_the_window() -> None:
    """The fourth order within a minute is refused, and passes as soon as the first is a window old."""
    bounds = Bounds(LIMITS)
    assert all(added(bounds, order(), NOW_MS + number) for number in range(3))
    assert bounds.judge(order(), NOW_MS + 59_999) == "over the cap: 3 orders within 60000 ms, at most 3"
    assert added(bounds, order(), NOW_MS + 60_000)
    assert not added(bounds, order(), NOW_MS + 60_000)


def test_every_entry_counts() -> None:
    """A batch is as many orders as it has entries, and a replacement counts like an order."""
    assert not added(Bounds(LIMITS), order(entries=4))
    bounds = Bounds(LIMITS)
    entry = msgspec.to_builtins(order())["orders"][0]
    replacing = read_action(msgspec.json.encode({"type": "batchModify", "modifies": [{"oid": 7, "order": entry}] * 3}))
    assert added(bounds, replacing)
    assert not added(bounds, order())


def test_notional_within_the_window() -> None:
    """Exactly the cap passes; a millionth of a dollar more does not."""
    bounds = Bounds(LIMITS)
    assert added(bounds, order(sz="9"))
    assert not added(bounds, order(px="0.000001", sz="100000001"))
    assert added(bounds, order(px="0.000001", sz="100000000"))


def test_what_reduces_is_neither_counted_nor_refused() -> None:
    """A thousand reducing orders pass a full window without a price, and so do cancels."""
    bounds = Bounds(Limits(orders_max=1, collar=Collar(bps_max=1, age_ms_max=1)), [Added(NOW_MS, 1, 0)])
    assert all(bounds.judge(order(reduces=True, sz="9999"), NOW_MS) is None for _ in range(1_000))
    assert bounds.judge(read_action(b'{"type":"noop"}'), NOW_MS) is None


def test_time_that_steps_back_frees_nothing() -> None:
    """What was signed later than now still counts."""
    bounds = Bounds(LIMITS, [Added(NOW_MS + 3_600_000, 3, 0)])
    assert not added(bounds, order())


def test_what_a_former_process_signed_counts() -> None:
    """The window goes on where it was, and a window that is unknown counts as full."""
    bounds = Bounds(LIMITS, [Added(NOW_MS - 59_000, 2, 500 * USD)])
    assert not added(bounds, order(sz="6"))
    assert added(bounds, order(sz="5"))
    assert not added(Bounds(LIMITS, [full(LIMITS, NOW_MS)]), order(sz="0.00001"))


@pytest.mark.parametrize(
    ("px", "is_buy", "passes"),
    [
        ("101", True, True),
        ("101.01", True, False),
        ("1", True, True),
        ("99", False, True),
        ("98.99", False, False),
        ("1000", False, True),
    ],
)
def test_collar(px: str, passes: bool, *, is_buy: bool) -> None:
    """Up to 100 bps worse than the oracle's passes; the safe side is free."""
    assert added(collared(), order(px=px, is_buy=is_buy)) is passes


@pytest.mark.parametrize(("later_ms", "passes"), [(5_000, True), (5_001, False), (-1_000, True), (-1_001, False)])
def test_only_a_fresh_price_counts(later_ms: int, *, passes: bool) -> None:
    """A price that is too old, or from the future, is none: what adds waits, what reduces passes."""
    bounds = collared()
    assert added(bounds, order(), NOW_MS + later_ms) is passes
    assert added(bounds, order(reduces=True), NOW_MS + later_ms)


def test_without_a_price_nothing_is_added() -> None:
    """Before the first reading, and for an asset that the reading leaves out or prices at nothing."""
    bounds = Bounds(Limits(collar=Collar(bps_max=100, age_ms_max=5_000)))
    assert "none was told yet" in str(bounds.judge(order(), NOW_MS))
    for number, pxs in enumerate((((1, PX),), ((0, 0),), ((0, -PX),))):
        bounds.oracle.take(Prices(NOW_MS + number, pxs))
        assert "no oracle price of asset 0" in str(bounds.judge(order(), NOW_MS))


def test_a_low_offer_is_worth_what_it_sells_at() -> None:
    """The notional is taken at the worse of limit and oracle price: a tiny limit price does not hide a huge sell."""
    bounds = Bounds(Limits(notional_usd_max=1_000 * USD, collar=Collar(bps_max=9_999, age_ms_max=5_000)))
    bounds.oracle.take(Prices(NOW_MS, ((0, PX),)))
    assert not added(bounds, order(px="1", sz="10.1", is_buy=False))
    assert added(bounds, order(px="1", sz="10", is_buy=False))


def test_the_newest_reading_counts() -> None:
    """An older reading, or one that is told again, changes nothing."""
    bounds = collared()
    assert not bounds.oracle.take(Prices(NOW_MS, ((0, 2 * PX),)))
    assert not bounds.oracle.take(Prices(NOW_MS - 1, ((0, 2 * PX),)))
    assert bounds.oracle.px(0, 5_000, NOW_MS) == PX
