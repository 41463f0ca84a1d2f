"""Coarse books hold what the fine ones hold, in buckets no finer than asked for."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.book import Level
from shared.units import Px, Sz
from shared.venue.core.commands import PlaceOrders
from shared.venue.door.coarse import Grain, coarse
from tests.unit.shared.venue.door.door_fixture import MAKER, Socket, make_door, maker_order
from tests.unit.shared.venue.door.wire_client import START, post

grains = st.sampled_from([Grain(2), Grain(3), Grain(4), Grain(5), Grain(5, 2), Grain(5, 5)])


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 99)), max_size=40), grains, st.booleans())
def test_nothing_is_lost_and_nobody_looks_better_than_he_is(
    rows: list[tuple[int, int]], grain: Grain, is_bid: bool
) -> None:
    """Sizes and orders are kept, prices are apart and on the grid, bids never rise and asks never fall."""
    pxs = sorted(dict(rows), reverse=is_bid)
    fine = [Level(Px(px), Sz(dict(rows)[px]), 1) for px in pxs]
    shown = list(coarse(fine, grain, is_bid))
    assert (sum(one.sz for one in shown), sum(one.n for one in shown)) == (sum(one.sz for one in fine), len(fine))
    for one, then in pairwise(shown):
        assert one.px > then.px if is_bid else one.px < then.px
    for level in fine:
        edge = grain.floor(level.px) if is_bid else grain.ceil(level.px)
        assert 0 <= (level.px - edge if is_bid else edge - level.px) < grain.width(level.px)
        assert edge in {one.px for one in shown}


@pytest.mark.parametrize(
    ("figures", "mantissa", "bids", "asks"),
    [
        (5, None, ["49950.0", "49943.0", "49938.0"], ["50050.0", "50057.0"]),
        (5, 2, ["49950.0", "49942.0", "49938.0"], ["50050.0", "50058.0"]),
        (5, 5, ["49950.0", "49940.0", "49935.0"], ["50050.0", "50060.0"]),
        (4, None, ["49950.0", "49940.0", "49930.0"], ["50050.0", "50060.0"]),
        (2, None, ["49000.0"], ["51000.0"]),
    ],
)
def test_books_are_put_together(figures: int, mantissa: int | None, bids: list[str], asks: list[str]) -> None:
    """The same over HTTP and WebSocket, with the spread of the book itself."""
    door = make_door()
    orders = (maker_order(True, "49943", "1"), maker_order(True, "49938", "1"), maker_order(False, "50057", "2"))
    door.apply(PlaceOrders(MAKER, orders), START)
    asked: dict[str, Any] = {"coin": "BTC", "nSigFigs": figures, "mantissa": mantissa}
    book = post(door, "/info", {"type": "l2Book", **asked})
    assert [[level["px"] for level in side] for side in book["levels"]] == [bids, asks]
    assert (book["spread"], list(book)) == ("100.0", ["coin", "time", "levels", "spread"])
    ack, frame = Socket(door).subscribe("l2Book", **asked)
    assert ack["data"]["subscription"] == {"type": "l2Book", **asked}
    assert frame["data"] == book


@pytest.mark.parametrize(
    "wrong", [{"nSigFigs": 1}, {"nSigFigs": 6}, {"nSigFigs": 5, "mantissa": 1}, {"nSigFigs": 5, "mantissa": 3}]
)
def test_what_the_venue_fails_on(wrong: dict[str, Any]) -> None:
    """500 `null` over HTTP, as measured; no subscription over WebSocket."""
    door = make_door()
    body = json.dumps({"type": "l2Book", "coin": "BTC", **wrong}).encode()
    assert door.http("/info", "application/json", body, START)[::2] == (500, b"null")
    (frame,) = Socket(door).subscribe("l2Book", coin="BTC", **wrong)
    assert frame["data"].startswith("Invalid subscription")
