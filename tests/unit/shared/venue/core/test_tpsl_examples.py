"""Worked examples of take-profits and stops from the venue's own documents, with exact fills, PnL and fees.

Sources: [TP] Hyperliquid documentation, "Take profit and stop loss orders (TP/SL)"; [FAQ] its support page "My TP/SL
did not execute correctly". Where they say that an order may or is likely to fill, the book here makes it so.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from shared.venue.core.commands import Grouping
from shared.venue.core.outcomes import Refused
from tests.unit.shared.venue.core.floor import ETH, Floor, spec, trigger


class Example(NamedTuple):
    """A position of 10 (or none) from `entry`, one trigger of 10, a book on the other side, and the mark that comes."""

    name: str
    net: int
    entry: str
    is_buy: bool
    order: tuple[str, str, str]
    book: tuple[tuple[str, str], ...]
    mark: str
    fills: tuple[tuple[str, str], ...]
    rests_at: str | None
    ends_with: str


EXAMPLES = (
    Example(
        "[TP] SL of a long, trigger 10, limit 10: from 11 to 9 at once it rests at 10",
        10, "11", False, ("sl limit", "10", "10"), (("9", "50"),), "9", (), "10", "10",
    ),
    Example(
        "[TP] the same with limit 8 fills between 9 and 8",
        10, "11", False, ("sl limit", "10", "8"), (("9", "6"), ("8.5", "50")), "9",
        (("9", "6"), ("8.5", "4")), None, "0",
    ),
    Example(
        "[FAQ] TP of a long, trigger 12, limit 11.80: sells at 11.80 or better",
        10, "11", False, ("tp limit", "12", "11.8"), (("11.9", "50"),), "12.1", (("11.9", "10"),), None, "0",
    ),
    Example(
        "[FAQ] and does not fill below 11.80 if the price pulls back",
        10, "11", False, ("tp limit", "12", "11.8"), (("11.7", "50"),), "12.1", (), "11.8", "10",
    ),
    Example(
        "[FAQ] SL of a short, trigger 11, limit 11: from 10 to 12 it may not fill",
        -10, "10", True, ("sl limit", "11", "11"), (("12", "50"),), "12", (), "11", "-10",
    ),
    Example(
        "[FAQ] the same with limit 13 fills between 12 and 13",
        -10, "10", True, ("sl limit", "11", "13"), (("12", "4"), ("12.5", "50")), "12",
        (("12", "4"), ("12.5", "6")), None, "0",
    ),
    Example(
        "[FAQ] TP of a short, trigger 9, limit 9.20: buys at 9.20 or better",
        -10, "10", True, ("tp limit", "9", "9.2"), (("9.1", "50"),), "8.9", (("9.1", "10"),), None, "0",
    ),
    Example(
        "[FAQ] and does not fill above 9.20 if the price bounces back",
        -10, "10", True, ("tp limit", "9", "9.2"), (("9.3", "50"),), "8.9", (), "9.2", "-10",
    ),
    Example(
        "[TP] a market SL has 10 % of tolerance: 9.50 and 9 are within, 8.90 is not",
        10, "11", False, ("sl market", "10", "9"), (("9.5", "4"), ("9", "3"), ("8.9", "50")), "10",
        (("9.5", "4"), ("9", "3")), None, "3",
    ),
    Example(
        "[FAQ] a market TP may fill at a loss though it was triggered at a profitable price",
        10, "11", False, ("tp market", "12", "10.8"), (("10.9", "50"),), "12", (("10.9", "10"),), None, "0",
    ),
    Example(
        "[FAQ] stop market, entering a long: only if the price is higher than the current one",
        0, "10", True, ("sl market", "11", "12.1"), (("11.5", "50"),), "11", (("11.5", "10"),), None, "10",
    ),
    Example(
        "[FAQ] stop market, entering a short: only if the price is lower than the current one",
        0, "10", False, ("sl market", "9", "8.1"), (("8.8", "50"),), "9", (("8.8", "10"),), None, "-10",
    ),
    Example(
        "[FAQ] buy stop limit, its limit lower than the stop: rests for a pull-back",
        0, "10", True, ("sl limit", "11", "10.8"), (("11.2", "50"),), "11", (), "10.8", "0",
    ),
    Example(
        "[FAQ] sell stop limit, its limit higher than the stop: rests for a bounce",
        0, "10", False, ("sl limit", "9", "9.2"), (("8.8", "50"),), "9", (), "9.2", "0",
    ),
)  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_documents_examples(example: Example) -> None:
    """Fills, resting limit and position are as told; PnL and fee follow from them to the micro-USDC."""
    floor = Floor()
    floor.oracle(example.entry)
    if example.net:
        floor.place("a", spec(example.net < 0, example.entry, "10"))
        floor.place("b", spec(example.net > 0, example.entry, "10"))
    for px, sz in example.book:
        floor.place("c", spec(not example.is_buy, px, sz))
    kind, trigger_px, limit_px = example.order
    (status,) = floor.place(
        "b", trigger(example.is_buy, kind, trigger_px, limit_px, "10", reduce_only=example.net != 0)
    )
    assert not isinstance(status, Refused)
    floor.oracle(example.mark)
    taken = [fill for fill in floor.fills() if fill.user == "b"]
    assert [(ETH.px_text(fill.px), ETH.sz_text(fill.sz)) for fill in taken] == list(example.fills)
    entry_px, sign = ETH.px(example.entry), 1 if example.net > 0 else -1
    assert sum(fill.closed_pnl for fill in taken) == sum(
        sign * (fill.px - entry_px) * fill.sz for fill in taken if example.net
    )
    assert [fill.fee for fill in taken] == [fill.px * fill.sz * 45 // 100_000 for fill in taken]
    assert floor.net("b") == example.ends_with
    resting = [ETH.px_text(order.px) for order in floor.exchange.open_orders("b")]
    assert resting == ([] if example.rests_at is None else [example.rests_at])


def test_a_size_of_its_own_does_not_follow_the_position() -> None:
    """[TP] A position TP/SL with a specific size is fixed: 4 of 10, and still 4 of 15."""
    floor = Floor()
    floor.sell("a", "100", "15")
    floor.buy("b", "100", "10")
    floor.group("b", Grouping.POSITION_TPSL, trigger(False, "sl market", "90", "80", "4"))
    floor.buy("b", "100", "5")
    floor.buy("a", "85", "50")
    floor.oracle("90")
    assert floor.net("b") == "11"


def test_dragging_a_stop_to_where_it_would_execute_is_an_error() -> None:
    """[TP] A modify to a trigger that is already satisfied fails; the old order is gone, as with every modify."""
    floor = Floor()
    floor.sell("a", "100", "10")
    floor.buy("b", "100", "10")
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    status = floor.modify("b", 3, trigger(False, "sl market", "100", "80", "10"), always=True)
    assert status == Refused("Error placing new order during modify: Invalid TP/SL price. asset=4")
    assert floor.left("b") == {}
