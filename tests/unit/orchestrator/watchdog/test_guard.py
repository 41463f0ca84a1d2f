"""When the watchdog acts, and that it does not stop by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.watchdog.guard import Aim, Beat, DeadMan, Guard, Kept, Phase, Work
from shared.units import SECOND

BEAT = Beat(7, True)
SILENCE_NS = 3 * SECOND


def guard(aim: Aim = Aim.FLATTEN, dead_man_ns: int = 0, left: Kept | None = None) -> Guard:
    """A fresh one, at time 0."""
    return Guard(aim, SILENCE_NS, dead_man_ns, left)


def phase_of(made: Guard) -> Phase:
    """Where it stands now."""
    return made.phase


def test_waits_for_the_first_heartbeat() -> None:
    """Before the desk lives there is nothing to watch."""
    assert guard().due(3_600 * SECOND) is Work.NOTHING


def test_acts_on_silence_and_not_a_nanosecond_before() -> None:
    """At its limit nothing, one beyond it everything."""
    made = guard()
    made.beat(BEAT, 0)
    assert made.due(SILENCE_NS) is Work.NOTHING
    assert made.due(SILENCE_NS + 1) is Work.ENFORCE
    assert (made.phase, made.reason) == (Phase.ACTING, "no heartbeat for 3.0 s")


def test_its_own_standing_still_is_no_silence_of_the_desk() -> None:
    """A watchdog that was stopped for half a minute listens again for the rest of the time before it acts."""
    made = guard()
    made.beat(BEAT, 0)
    assert made.due(SECOND) is Work.NOTHING
    made.stood_still(30 * SECOND)
    assert made.due(31 * SECOND) is Work.NOTHING
    assert made.due(33 * SECOND) is Work.NOTHING
    assert made.due(33 * SECOND + 1) is Work.ENFORCE


def test_a_late_heartbeat_does_not_stop_it() -> None:
    """The desk may be half dead; only the operator ends it."""
    made = guard()
    made.beat(BEAT, 0)
    made.due(SILENCE_NS + 1)
    made.beat(BEAT, SILENCE_NS + 2)
    made.dismiss()
    assert made.is_latched
    made.rearm(SILENCE_NS + 3)
    made.beat(BEAT, SILENCE_NS + 4)
    assert (made.phase, made.reason) == (Phase.WATCHING, "")


def test_looks_again_after_it_is_safe() -> None:
    """What a dead desk's last order opens later is closed too."""
    made = guard()
    made.order("operator", 0)
    made.looked(2, 1, 0)
    assert phase_of(made) is Phase.ACTING
    assert made.due(SECOND) is Work.ENFORCE
    made.looked(0, 0, SECOND)
    assert phase_of(made) is Phase.SAFE
    assert made.due(5 * SECOND - 1) is Work.NOTHING
    assert made.due(5 * SECOND) is Work.ENFORCE
    made.looked(0, 1, 5 * SECOND)
    assert phase_of(made) is Phase.ACTING


def test_its_looks_fit_into_the_venues_weight() -> None:
    """A minute of looks, while something stays open, while nothing does and while all fail, is no minute's weight."""
    look_weight, budget = 20 + 2 + 2, 1_200  # orders, positions, mids; Hyperliquid's documentation, "Rate limits"
    for open_orders, is_failing in ((1, False), (0, False), (0, True)):
        made, looks = guard(), 0
        made.order("operator", 0)
        for now in range(0, 60 * SECOND, SECOND // 20):
            if made.due(now) is Work.ENFORCE:
                looks += 1
                if is_failing:
                    made.failed("HTTP 429 to a read", now)
                else:
                    made.looked(open_orders, 0, now)
        assert looks * look_weight <= budget // 2, looks


def test_the_next_trouble_is_met_as_fast_as_the_first() -> None:
    """Pauses that grew while something stayed open begin anew."""
    made = guard()
    made.order("operator", 0)
    for n in range(20):
        made.looked(1, 0, n * 10 * SECOND)
    made.looked(0, 0, 200 * SECOND)
    made.looked(1, 0, 204 * SECOND)
    assert made.due(204 * SECOND + SECOND // 4) is Work.ENFORCE


def test_a_refusal_is_said_while_it_goes_on() -> None:
    """A key that the venue does not know closes nothing: the operator must see why."""
    made = guard()
    made.order("operator", 0)
    made.looked(1, 1, 0, "User or API Wallet 0x1 does not exist.")
    assert (made.phase, made.fault) == (Phase.ACTING, "User or API Wallet 0x1 does not exist.")


def test_positions_are_left_where_the_aim_says_so() -> None:
    """Safe means that no order is open; the operator's word closes positions all the same."""
    made = guard(Aim.CANCEL)
    made.beat(BEAT, 0)
    made.due(SILENCE_NS + 1)
    made.looked(0, 3, SILENCE_NS + 1)
    assert phase_of(made) is Phase.SAFE
    made.order("operator", 9 * SECOND)
    assert made.aim is Aim.FLATTEN
    made.looked(0, 3, 9 * SECOND)
    assert phase_of(made) is Phase.ACTING


def test_a_failed_look_is_tried_again_and_said() -> None:
    """It never takes "I could not look" for "nothing is open"."""
    made = guard()
    made.order("operator", 0)
    made.failed("no answer", 0)
    assert (made.phase, made.fault, made.open_orders) == (Phase.ACTING, "no answer", None)
    assert made.due(SECOND) is Work.ENFORCE


def test_a_latched_one_goes_on_after_a_restart() -> None:
    """Its file says why."""
    made = guard(left=Kept("no heartbeat for 3.0 s", Aim.FLATTEN))
    assert made.due(0) is Work.ENFORCE
    assert made.reason == "no heartbeat for 3.0 s"


def test_the_operators_word_survives_a_restart_and_ends_with_it() -> None:
    """What was told to flatten flattens in its next process too; rearmed, it is as configured again."""
    first = guard(Aim.CANCEL)
    first.order("operator", 0)
    second = guard(Aim.CANCEL, left=first.kept)
    second.looked(0, 3, 0)
    assert (second.aim, second.phase) == (Aim.FLATTEN, Phase.ACTING)
    second.rearm(SECOND)
    assert second.aim is Aim.CANCEL
    assert second.kept is None


def test_a_watch_survives_a_restart() -> None:
    """One that is started anew beside a desk that died with it acts once it has listened for its time."""
    first = guard()
    assert first.kept is None
    first.beat(BEAT, 0)
    second = Guard(Aim.FLATTEN, SILENCE_NS, 0, first.kept, 9 * SECOND)
    assert second.phase is Phase.WATCHING
    assert second.due(12 * SECOND) is Work.NOTHING
    assert second.due(12 * SECOND + 1) is Work.ENFORCE
    first.dismiss()
    assert first.kept is None


def test_an_ordered_end_is_no_silence() -> None:
    """A desk that said goodbye may be silent; a new one's heartbeat begins a new watch."""
    made = guard()
    made.beat(BEAT, 0)
    made.dismiss()
    assert made.due(3_600 * SECOND) is Work.NOTHING
    made.beat(Beat(8, False), 3_600 * SECOND)
    assert phase_of(made) is Phase.WATCHING


def test_the_last_heartbeats_of_a_desk_that_said_goodbye_take_nothing_back() -> None:
    """It lives on for some seconds while it is stopped; positions that were to stay would be closed for its silence."""
    made = guard()
    made.beat(BEAT, 0)
    made.dismiss()
    made.beat(BEAT, SECOND)
    assert made.due(10 * SECOND) is Work.NOTHING
    assert (made.phase, made.kept) == (Phase.DISMISSED, None)


def test_the_scheduled_cancel_is_renewed_thrice_in_its_time() -> None:
    """Armed only while something rests; a refusal is kept, word for word, and asked again an hour later."""
    made = guard(dead_man_ns=15 * SECOND)
    made.beat(Beat(7, False), 0)
    assert (made.due(0), made.dead_man) == (Work.NOTHING, DeadMan.IDLE)
    made.beat(BEAT, 0)
    assert made.due(0) is Work.SCHEDULE
    made.scheduled(None, 0)
    made.beat(BEAT, 5 * SECOND)
    assert (made.due(5 * SECOND - 1), made.due(5 * SECOND)) == (Work.NOTHING, Work.SCHEDULE)
    made.scheduled("Cannot set scheduled cancel time until enough volume traded.", 5 * SECOND)
    assert (made.dead_man, made.dead_man_said[:10]) == (DeadMan.REFUSED, "Cannot set")
    made.beat(BEAT, 3_600 * SECOND)
    assert made.due(3_600 * SECOND) is Work.NOTHING
    made.not_scheduled("no answer", 3_600 * SECOND)
    assert made.dead_man is DeadMan.UNKNOWN


def test_a_scheduled_cancel_that_is_not_renewed_is_taken_back() -> None:
    """Else it comes over the next order, or over the stops that an ordered end keeps; it fires ten times a day only."""
    made = guard(dead_man_ns=15 * SECOND)
    made.beat(BEAT, 0)
    made.scheduled(None, 0)
    made.beat(Beat(7, False), SECOND)
    assert made.due(SECOND) is Work.NOTHING, "orders come and go within a second"
    made.beat(Beat(7, False), 5 * SECOND)
    assert made.due(5 * SECOND) is Work.UNSCHEDULE
    made.not_scheduled("no answer", 5 * SECOND)
    assert made.due(6 * SECOND) is Work.UNSCHEDULE
    made.unscheduled(6 * SECOND)
    assert (made.due(6 * SECOND), made.dead_man) == (Work.NOTHING, DeadMan.IDLE)
    made.beat(BEAT, 6 * SECOND)
    assert made.due(6 * SECOND) is Work.SCHEDULE
    made.scheduled(None, 6 * SECOND)
    made.dismiss()
    assert made.due(6 * SECOND) is Work.UNSCHEDULE, "at once: whoever dismisses it ends it soon"


def test_one_that_acts_leaves_the_scheduled_cancel_armed() -> None:
    """It helps."""
    made = guard(dead_man_ns=15 * SECOND)
    made.beat(BEAT, 0)
    made.scheduled(None, 0)
    made.order("operator", SECOND)
    made.looked(0, 0, SECOND)
    assert made.due(4 * SECOND) is Work.NOTHING


@given(st.lists(st.tuples(st.sampled_from(["beat", "dismiss", "due", "looked", "failed"]), st.integers(0, 5 * SECOND))))
def test_once_it_acts_only_the_operator_ends_it(steps: list[tuple[str, int]]) -> None:
    """Whatever comes, in whatever order."""
    made, now, was_latched = guard(), 0, False
    for what, after_ns in steps:
        now += after_ns
        match what:
            case "beat":
                made.beat(BEAT, now)
            case "dismiss":
                made.dismiss()
            case "due":
                made.due(now)
            case "looked" if made.is_latched:
                made.looked(after_ns % 3, after_ns % 2, now)
            case "failed" if made.is_latched:
                made.failed("no answer", now)
        assert made.is_latched or not was_latched
        was_latched = made.is_latched


@pytest.mark.parametrize("aim", list(Aim))
def test_never_safe_while_orders_are_open(aim: Aim) -> None:
    """Whatever it is meant to do with positions."""
    made = guard(aim)
    made.order("operator", 0)
    made.looked(1, 0, 0)
    assert phase_of(made) is Phase.ACTING


@pytest.mark.parametrize("aim", list(Aim))
def test_what_is_left_to_protect_is_not_left_to_a_scheduled_cancel(aim: Aim) -> None:
    """The venue would take the stops that the aim spares; where nothing is spared it may come."""
    made = guard(aim, dead_man_ns=15 * SECOND)
    made.beat(BEAT, 0)
    assert made.due(0) is Work.SCHEDULE
    made.scheduled(None, 0)
    assert made.due(SILENCE_NS + 1) is Work.ENFORCE
    made.looked(0, 0 if aim is Aim.FLATTEN else 1, SILENCE_NS + 2)
    wanted = Work.UNSCHEDULE if aim is Aim.PROTECT else Work.NOTHING
    assert made.due(SILENCE_NS + 2) is wanted
    if aim is Aim.PROTECT:
        made.not_scheduled("no answer", SILENCE_NS + 3)
        assert made.due(SILENCE_NS + 3) is Work.NOTHING
        made.looked(0, 0, SILENCE_NS + SECOND)
        assert made.due(SILENCE_NS + SECOND) is Work.UNSCHEDULE
        made.unscheduled(SILENCE_NS + SECOND)
        assert made.due(SILENCE_NS + SECOND) is Work.NOTHING


def test_its_acts_are_counted() -> None:
    """Each begin of one, and one that a former process left."""
    made = guard()
    made.beat(BEAT, 0)
    assert made.acts == 0
    made.due(SILENCE_NS + 1)
    made.rearm(SILENCE_NS + 2)
    made.order("test", SILENCE_NS + 3)
    assert made.acts == 2
    assert guard(left=made.kept).acts == 1
