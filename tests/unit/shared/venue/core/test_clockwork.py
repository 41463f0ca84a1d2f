"""Time: marks, premium samples and funding fall due on their grids, however the commands lie."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.rules.funding import hourly_rate_e10
from shared.units import HOUR, MS, SECOND
from shared.venue.core.commands import PassTime, Tif
from shared.venue.core.events import FundingPaid, PricesChanged
from shared.venue.core.policy import VenuePolicy
from tests.unit.shared.venue.core.floor import Floor

TO_THE_HOUR = (-1_700_000_000 * SECOND) % HOUR


def premium_floor() -> Floor:
    """Impact prices 1 % above the oracle: bids at 101 and asks at 102, thick; b is long 10 from c."""
    floor = Floor()
    floor.sell("c", "100", "10")
    floor.buy("b", "100", "10", Tif.IOC)
    floor.buy("a", "101", "300")
    floor.sell("a", "102", "300")
    return floor


@given(st.lists(st.integers(1, 900), max_size=6))
def test_a_gap_counts_like_steps(steps: list[int]) -> None:
    """While nothing changes, one long silence gives the same funding as many short ones."""
    floor = premium_floor()
    for seconds in steps:
        floor.do(PassTime(), seconds * SECOND)
    floor.do(PassTime(), 2 * HOUR - (floor.now % HOUR))
    first, second = floor.exchange.funding_history(4)[:2]
    assert first.premium_e10 == second.premium_e10 == 10**8
    assert first.rate_e10 == hourly_rate_e10(10**8)


def test_the_oldest_fundings_of_a_user_are_forgotten() -> None:
    """With two kept, five hours leave the last two payments; the policy says how many."""
    floor = Floor(policy=VenuePolicy(kept_fundings=2))
    floor.sell("c", "100", "10")
    floor.buy("b", "100", "10", Tif.IOC)
    floor.buy("a", "101", "300")
    floor.sell("a", "102", "300")
    floor.do(PassTime(), 5 * HOUR)
    paid = floor.exchange.fundings("b")
    assert [event.time_ms * MS for event in paid] == [floor.now // HOUR * HOUR - HOUR, floor.now // HOUR * HOUR]


def test_several_hours_at_once_are_paid_one_by_one() -> None:
    """Three hours of silence bring three payments, each at its hour."""
    floor = premium_floor()
    floor.do(PassTime(), TO_THE_HOUR + 2 * HOUR)
    paid = [event for event in floor.events if isinstance(event, FundingPaid) and event.user == "b"]
    assert [event.time_ms % 3_600_000 for event in paid] == [0, 0, 0]
    assert len({event.time_ms for event in paid}) == 3
    assert all(event.usd == -(10 * 100 * event.rate_e10) // 10_000 for event in paid)


def test_the_mean_weighs_samples_by_number() -> None:
    """A premium that stood for a quarter of the hour counts a quarter."""
    floor = premium_floor()
    floor.do(PassTime(), TO_THE_HOUR)
    floor.do(PassTime(), 45 * 60 * SECOND)
    floor.oracle("101.5")
    floor.do(PassTime(), 15 * 60 * SECOND)
    assert floor.exchange.funding_history(4)[-1].premium_e10 == 10**8 * 3 // 4


def test_a_thin_book_gives_no_samples() -> None:
    """Nobody quotes SOL, so its hour has no premium and no funding, as empty books were recorded."""
    floor = premium_floor()
    floor.do(PassTime(), TO_THE_HOUR)
    (point,) = floor.exchange.funding_history(5)
    assert (point.premium_e10, point.rate_e10) == (0, 0)


def test_marks_move_with_time_alone() -> None:
    """The averages approach the book although the oracle says nothing new; no more than once in 3 s."""
    floor = premium_floor()
    floor.do(PassTime(), 3 * SECOND)
    assert [event.asset for event in floor.events if isinstance(event, PricesChanged)] == [4]
    before = floor.exchange.mark(4)
    assert before > floor.exchange.oracle(4)
    floor.do(PassTime(), SECOND // 2)
    assert floor.exchange.mark(4) == before
