"""What the backstop takes besides positions is booked once, to the last unit, whichever is heard first."""

from __future__ import annotations

from itertools import permutations

import pytest

from hats.performance_quant_analyst.handover import DELEVERAGED
from hats.performance_quant_analyst.ledger import Ledger
from shared.ids import FOREIGN
from shared.messages.account import AccountLiquidated
from shared.messages.order import Fill, FillBooked
from shared.order import Side
from shared.units import Ns, Px, Sz, Usd
from tests.unit.hats.performance_quant_analyst.test_ledger import fill, opened

START_USD = 1_000_000_000
AT = Ns(500)


def taken(coin: str, side: Side, px: int, sz: int, mark_px: int, direction: str = "", at: Ns = AT) -> FillBooked:
    """A fill past the book."""
    said = Fill(
        coin, side, Px(px), Sz(sz), 9, None, 9, True, Usd(0), Usd(0), 0, at, at, direction, backstop_mark_px=Px(mark_px)
    )
    return FillBooked(said, FOREIGN)


def told(value_usd: int, *positions: tuple[str, int], at: Ns = AT) -> AccountLiquidated:
    """The venue's entry of it."""
    return AccountLiquidated(Usd(value_usd), positions, "0x1", at, at)


def hedged() -> Ledger:
    """Long 10 lots of one coin, short 7 of another, at 1000 and 300; worth 7 less than in the beginning at 993, 300."""
    ledger = opened(START_USD)
    ledger.book(fill("BTC", Side.BUY, 1000, 10))
    ledger.book(fill("ETH", Side.SELL, 300, 7))
    return ledger


def hear(ledger: Ledger, message: FillBooked | AccountLiquidated) -> None:
    """One of both kinds."""
    if isinstance(message, FillBooked):
        ledger.book(message)
    else:
        ledger.book_liquidation(message)


@pytest.mark.parametrize("pxs", [(993, 300), (900, 320), (1, 10**9)], ids=["at the mark", "beyond it", "at any price"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_all_that_was_left_is_gone(pxs: tuple[int, int], order: tuple[int, ...]) -> None:
    """Two legs and the entry, in every order: no cash is left, and the two sides of the ledger agree."""
    ledger = hedged()
    messages = (
        taken("BTC", Side.SELL, pxs[0], 10, 993),
        taken("ETH", Side.BUY, pxs[1], 7, 300),
        told(START_USD - 70, ("BTC", 10), ("ETH", -7)),
    )
    for n in order:
        hear(ledger, messages[n])
    assert ledger.cash_usd == 0
    assert ledger.equity_usd() == 0
    assert ledger.residual_usd(ledger.lines()) == 0
    assert ledger.as_of(AT - 1)[0] == START_USD - 10_000 + 2_100, "before that instant it was there"
    assert not ledger.book_liquidation(messages[2])
    assert ledger.cash_usd == 0


@pytest.mark.parametrize(("value_usd", "cash_usd"), [(-70, 0), (START_USD - 70, START_USD - 70)])
def test_who_is_deleveraged_keeps_what_is_left_and_is_forgiven_a_debt(value_usd: int, cash_usd: int) -> None:
    """Both legs at their marks; the start is such that the margin is worth as much as the entry says."""
    ledger = opened(value_usd + 70)
    ledger.book(fill("BTC", Side.BUY, 1000, 10))
    ledger.book(taken("BTC", Side.SELL, 993, 10, 993, DELEVERAGED))
    ledger.book_liquidation(told(value_usd, ("BTC", 10)))
    assert ledger.cash_usd == cash_usd
    assert ledger.residual_usd(ledger.lines()) == 0


def test_what_the_book_took_in_the_same_instant_is_no_part_of_it() -> None:
    """A fifth went to the book, the rest to the backstop: two entries, and only the latter's margin is gone."""
    ledger = opened(START_USD)
    ledger.book(fill("BTC", Side.BUY, 1000, 10))
    ledger.book(fill("BTC", Side.SELL, 990, 2, "foreign", exch_ns=AT))
    assert not ledger.book_liquidation(told(START_USD - 70, ("BTC", 2)))
    ledger.book(taken("BTC", Side.SELL, 993, 8, 993))
    assert ledger.cash_usd > 0
    assert ledger.book_liquidation(told(START_USD - 76, ("BTC", 8)))
    assert ledger.cash_usd == 0


def test_what_was_before_the_opening_changes_nothing() -> None:
    """The account was read after it; and a stranger's deleveraging on whose other side we were has no entry of ours."""
    ledger = hedged()
    assert not ledger.book_liquidation(told(5, ("BTC", 10), at=Ns(10)))
    ledger.book(taken("BTC", Side.SELL, 993, 10, 993, DELEVERAGED))
    assert ledger.cash_usd == START_USD - 10_000 + 2_100 + 9_930
