"""Trades heard beside the venue's candles."""

from __future__ import annotations

from hats.exchange_architect.minutes import Minutes
from hats.exchange_architect.wire import Minute
from shared.messages.market import Trade
from shared.order import Side
from shared.units import MINUTE, SECOND, Ns, Px, Sz


def trade(at: int, lots: int = 2) -> Trade:
    """A trade so many seconds after the epoch."""
    return Trade("BTC", Side.BUY, Px(1), Sz(lots), at, Ns(at * SECOND), Ns(at * SECOND))


def heard(*at: int, counts: tuple[int, int], listen: int = 0) -> Minutes:
    """Minutes in which these trades were heard, with the candle of the second minute."""
    minutes = Minutes()
    minutes.listen("BTC", Ns(listen * SECOND))
    for second in at:
        minutes.heard(trade(second))
    minutes.counted(Minute("BTC", Ns(MINUTE), *counts))
    return minutes


def test_a_whole_minute_is_whole() -> None:
    """Judged once, some seconds after its end, with number and volume."""
    minutes = heard(61, 80, 119, counts=(3, 6))
    assert minutes.over(Ns(124 * SECOND)) == []
    (verdict,) = minutes.over(Ns(125 * SECOND))
    assert verdict.is_whole
    assert verdict.share == 1.0
    assert minutes.over(Ns(200 * SECOND)) == []


def test_a_missed_trade_shows_in_number_or_volume() -> None:
    """Two of three heard; or as many, but not as much."""
    (verdict,) = heard(61, 80, counts=(3, 6)).over(Ns(130 * SECOND))
    assert (verdict.is_whole, verdict.share, verdict.is_cut) == (False, 2 / 3, False)
    (verdict,) = heard(61, 80, 119, counts=(3, 7)).over(Ns(130 * SECOND))
    assert (verdict.is_whole, verdict.share) == (False, 1.0)


def test_a_minute_that_began_before_we_listened_is_not_judged() -> None:
    """Nobody promised to have heard it."""
    assert heard(61, counts=(3, 6), listen=60).over(Ns(130 * SECOND)) != []
    assert heard(80, counts=(3, 6), listen=61).over(Ns(130 * SECOND)) == []


def test_a_cut_excuses_the_minutes_that_it_touches() -> None:
    """Those before and after are held to account; two cuts close to each other count as one."""
    for since, until, is_cut in ((70, 75, True), (0, 30, False), (130, 140, False), (122, 123, True)):
        minutes = heard(61, counts=(3, 6))
        minutes.cut("BTC", Ns(since * SECOND), Ns(until * SECOND))
        minutes.listen("BTC", Ns(until * SECOND))
        (verdict,) = minutes.over(Ns(200 * SECOND))
        assert verdict.is_cut is is_cut, (since, until)
    minutes = heard(61, counts=(3, 6))
    for since in (70, 150):
        minutes.cut("BTC", Ns(since * SECOND), Ns(since * SECOND))
    (verdict,) = minutes.over(Ns(200 * SECOND))
    assert verdict.is_cut
