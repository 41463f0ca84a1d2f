"""Forecasts against what came."""

from __future__ import annotations

import pytest

from hats.microstructure_analyst.coin import CoinState
from hats.microstructure_analyst.judgement import beyond_quotes_bps, judge_claims, judge_fill, make_claim
from shared.book import Level
from shared.messages.market import BookUpdate
from shared.messages.order import Fill
from shared.order import Side
from shared.units import Ns, Px, Sz, Usd

STALE_NS = 1_000


def seen(mid_shift: int = 0, ns: int = 1) -> CoinState:
    """A coin that saw one two-level book around 10000."""
    coin = CoinState()
    bids = tuple(Level(Px(px + mid_shift), Sz(10), 1) for px in (9_990, 9_980))
    asks = tuple(Level(Px(px + mid_shift), Sz(10), 1) for px in (10_010, 10_020))
    coin.take_book(BookUpdate("BTC", Ns(ns), Ns(ns), bids, asks), 3, 1_000, 1_000)
    return coin


def fill(px: int, sz: int, oid: int = 7, ns: int = 2) -> Fill:
    """A buy that took."""
    zero = Usd(0)
    return Fill("BTC", Side.BUY, Px(px), Sz(sz), oid, None, 1, True, zero, zero, 0, Ns(ns), Ns(ns))


def test_a_clairvoyant_claim_scores_one_and_the_mid_zero() -> None:
    """The right forecast saves all of the mid's error, the mid itself none of it, a wrong one loses."""
    for microprice, expected in ((10_010.0, 1.0), (10_000.0, 0.0), (9_990.0, -3.0)):
        coin = seen()
        make_claim(coin, microprice, Ns(0), 100)
        coin.mid = 10_010.0
        assert judge_claims(coin, Ns(100), 100) == [pytest.approx(expected)]


def test_claims_are_judged_once_when_due() -> None:
    """Nothing before the horizon; dropped when the later mid came far too late."""
    coin = seen()
    make_claim(coin, 10_001.0, Ns(0), 100)
    assert judge_claims(coin, Ns(99), 100) == []
    assert judge_claims(coin, Ns(201), 100) == []
    assert coin.claims == []


def test_claims_are_spaced() -> None:
    """A claim a moment after the last is not remembered."""
    coin = seen()
    for ns in (0, 10, 25):
        make_claim(coin, 10_000.0, Ns(ns), 100)
    assert [claim.made_ns for claim in coin.claims] == [0, 25]


def test_a_fill_through_two_levels_is_foretold_level_by_level() -> None:
    """The second part of an order is compared with the second level."""
    coin = seen()
    first, second = judge_fill(coin, fill(10_010, 10), 0.0, STALE_NS), judge_fill(coin, fill(10_020, 5), 0.0, STALE_NS)
    assert first == pytest.approx((10.0, 10.0))
    assert second == pytest.approx((20.0, 20.0))
    assert judge_fill(coin, fill(10_010, 5, oid=8), 1.5, STALE_NS) == pytest.approx((11.5, 10.0))


def test_no_older_book_no_judgement() -> None:
    """A fill older than every kept book, long after the last of them, or larger than it, is not comparable."""
    coin = seen()
    assert judge_fill(coin, fill(10_010, 5, ns=1), 0.0, STALE_NS) is None
    assert judge_fill(coin, fill(10_010, 500), 0.0, STALE_NS) is None
    assert judge_fill(coin, fill(10_010, 5, ns=1_002), 0.0, STALE_NS) is None


def test_prints_inside_the_quotes_are_no_distance() -> None:
    """Distance counts only what lies outside; without quotes it is unknown."""
    coin = seen()
    assert beyond_quotes_bps(coin, 10_000) == 0.0
    assert beyond_quotes_bps(coin, 10_020) == pytest.approx(10.0)
    assert beyond_quotes_bps(coin, 9_980) == pytest.approx(10.0)
    assert beyond_quotes_bps(CoinState(), 9_980) is None
