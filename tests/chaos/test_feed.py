"""Short versions of the feed's campaigns; the long ones are `python -m tests.bench.feed_cuts` and its neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.messages.market import BadKind
from tests.bench import feed_cuts, feed_hostile, feed_stalls


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_cut_in_four_ways_it_comes_back_and_declares_what_it_missed() -> None:
    """Reset, half-open, mid-frame and close 1000, over real sockets: no fill missed, every cut a gap, quota kept."""
    found = feed_cuts.run(cuts=8, seconds=24, seed=3)
    broken = feed_cuts.broken(found)
    # how fast is a figure of the quiet machine that the campaign runs on
    assert [promise for promise in broken if "p95" not in promise] == [], found


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_silence_with_pings_answered_is_seen_and_takes_the_quotes_off(tmp_path: Path) -> None:
    """A whole desk at virtual time: within 5 s, and 2 s more."""
    found = feed_stalls.run(stalls=5, seed=1, folder=tmp_path)
    assert feed_stalls.broken(found) == [], found


def test_nothing_comes_of_a_hostile_frame_but_its_record() -> None:
    """Each is counted by its kind, and the sound book after it is believed."""
    found = feed_hostile.run(frames=1_000, seed=2)
    assert feed_hostile.broken(found) == [], found


def test_the_judges_of_the_campaigns_can_say_no() -> None:
    """Figures that break a promise are named."""
    bad_cuts = {
        "came_back": False, "connections_in_any_minute": 31, "back_p95_s": 5.1, "fills": 1, "fills_missed": 1,
        "fills_twice": 1, "trades_twice": 0, "cuts_undeclared": 1, "trades": 1, "trades_missed_outside_gaps": 1,
        "frames_all_accounted": False,
    }  # fmt: skip
    assert len(feed_cuts.broken(bad_cuts)) == 8
    bad_stalls = {"stalls": 2, "met_a_quote": 2, "seen_max_s": 5.1, "gone_after_max_s": 2.1, "quotes_left": 1.0}
    assert len(feed_stalls.broken(bad_stalls)) == 3
    assert len(feed_stalls.broken(bad_stalls | {"met_a_quote": 1})) == 4


def test_every_kind_that_can_be_sent_is_sent() -> None:
    """Those that are missing are no frames: a missed fill, a missed trade, a failed read, an answer, and the rest."""
    silent = {BadKind.FILL_CHAIN, BadKind.INCOMPLETE, BadKind.UNANSWERED, BadKind.UNDOCUMENTED, BadKind.OTHER}
    assert set(feed_hostile.KINDS) == set(BadKind) - silent
