"""Jobs in time: priorities, dependencies, deadlines, retries, restarts; and laws that hold whatever happens."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scheduler import DIED, LATE, Job, Scheduler, Stage, Start, State
from shared.errors import ConfigError


def job(name: str = "a", every: int = 100, **changes: object) -> Job:
    """A job due every hundred, done within fifty."""
    return msgspec.structs.replace(Job(name=name, every_ns=every, deadline_ns=50), **changes)


def names(starts: list[Start]) -> list[str]:
    """Which jobs."""
    return [start.name for start in starts]


def test_a_job_runs_when_it_is_due_and_again() -> None:
    """First after its offset, then on its grid, whenever it ended."""
    made = Scheduler([job(offset_ns=10)], limit=1, now=0)
    assert made.due(9) == []
    assert made.due(10) == [Start("a", 1, 1)]
    assert made.ended(Start("a", 1, 1), None, "done", 40)
    assert (made.due(109), made.due(110)) == ([], [Start("a", 2, 1)])
    assert made.state.jobs["a"].succeeded == 1


def test_the_most_urgent_first_and_no_more_than_the_limit() -> None:
    """By priority, then by who waits longest; the rest follows when there is room."""
    made = Scheduler([job("low"), job("high", priority=5), job("middle", priority=1)], limit=2, now=0)
    assert names(made.due(0)) == ["high", "middle"]
    assert made.due(1) == []
    made.ended(Start("high", 1, 1), None, "", 2)
    assert names(made.due(2)) == ["low"]


def test_a_job_waits_for_what_it_depends_on() -> None:
    """Each of its runs needs a success of theirs that is newer than its own last one."""
    made = Scheduler([job("report", after=("compact",)), job("compact")], limit=5, now=0)
    assert names(made.due(0)) == ["compact"]
    made.ended(Start("compact", 1, 1), "no", "", 10)
    assert made.due(20) == []
    assert names(made.due(100)) == ["compact"]
    made.ended(Start("compact", 2, 1), None, "", 110)
    assert made.due(110) == [Start("report", 1, 1)]
    made.ended(Start("report", 1, 1), None, "", 120)
    assert names(made.due(200)) == ["compact"]  # and not report: there is nothing new


def test_a_failure_is_tried_again_with_growing_pauses_and_then_said() -> None:
    """Three attempts, 10 and 20 apart; then it waits for its next time."""
    made = Scheduler([job(attempts=3, retry_ns=10)], limit=1, now=0)
    assert made.due(0) == [Start("a", 1, 1)]
    made.ended(Start("a", 1, 1), "no", "", 1)
    assert (made.due(10), made.due(11)) == ([], [Start("a", 1, 2)])
    made.ended(Start("a", 1, 2), "no", "", 12)
    assert (made.due(31), made.due(32)) == ([], [Start("a", 1, 3)])
    made.ended(Start("a", 1, 3), "never", "", 33)
    known = made.state.jobs["a"]
    assert (known.stage, known.failed, known.detail, known.is_well) == (Stage.IDLE, 1, "never", False)
    assert made.due(100) == [Start("a", 2, 1)]


def test_a_late_run_has_failed_whatever_it_says_later() -> None:
    """At its deadline nothing, one beyond it the end; its own word comes too late."""
    made = Scheduler([job()], limit=1, now=0)
    made.due(0)
    assert made.overdue(50) == []
    assert made.overdue(51) == [Start("a", 1, 1)]
    assert made.state.jobs["a"].detail == LATE
    assert not made.ended(Start("a", 1, 1), None, "done", 52)
    assert made.state.jobs["a"].succeeded == 0


def test_times_missed_are_counted_and_not_made_up_for() -> None:
    """A schedule that slept runs each job once."""
    made = Scheduler([job()], limit=1, now=0)
    assert made.due(950) == [Start("a", 1, 1)]
    assert made.state.jobs["a"].missed == 9
    made.ended(Start("a", 1, 1), None, "", 960)
    assert (made.due(999), made.due(1_000)) == ([], [Start("a", 2, 1)])


def test_what_ran_when_the_process_died_is_tried_again() -> None:
    """The state is all that is needed, as bytes."""
    made = Scheduler([job(attempts=2, retry_ns=5)], limit=1, now=0)
    made.due(0)
    kept = msgspec.json.decode(msgspec.json.encode(made.state), type=State)
    again = Scheduler([job(attempts=2, retry_ns=5), job("new")], limit=1, now=20, state=kept)
    assert again.state.jobs["a"].detail == DIED
    assert names(again.due(20)) == ["new"]
    again.ended(Start("new", 1, 1), None, "", 21)
    assert again.due(25) == [Start("a", 1, 2)]


def test_a_job_that_is_no_more_is_forgotten() -> None:
    """Its state does not haunt the schedule."""
    made = Scheduler([job("a"), job("b")], limit=1, now=0)
    assert set(Scheduler([job("b")], limit=1, now=0, state=made.state).state.jobs) == {"b"}


@pytest.mark.parametrize(
    ("jobs", "problem"),
    [
        ([job("a", after=("b",)), job("b", after=("a",))], "wait for each other: "),
        ([job("a", after=("c",))], "a: after c, which is no job"),
        ([job("a"), job("a")], "every job's name once"),
        ([job("a", every=0)], "a: expected positive times"),
    ],
)
def test_impossible_schedules_are_refused(jobs: list[Job], problem: str) -> None:
    """With what is wrong."""
    with pytest.raises(ConfigError, match=problem):
        Scheduler(jobs, limit=1, now=0)


def test_next_ns_is_when_to_look_again() -> None:
    """The end of a pause, a deadline, or the next time; a job that waits for another has no time."""
    made = Scheduler([job(attempts=2, retry_ns=10)], limit=1, now=0)
    made.due(0)
    assert made.next_ns(0) == 51
    made.ended(Start("a", 1, 1), "no", "", 5)
    assert made.next_ns(5) == 15
    assert made.next_ns(20) == 100


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), limit=st.integers(1, 3), size=st.integers(1, 6))
def test_laws_of_any_schedule(seed: int, limit: int, size: int) -> None:
    """Never two runs of a job, never beyond limit, attempts or deadline; a restart loses nothing; next_ns drives it."""
    rng = random.Random(seed)
    jobs = [
        Job(
            name=str(n), every_ns=rng.randint(1, 80), offset_ns=rng.randint(0, 30), priority=rng.randint(0, 3),
            after=tuple(str(m) for m in range(n) if rng.random() < 0.3), deadline_ns=rng.randint(1, 60),
            attempts=rng.randint(1, 3), retry_ns=rng.randint(0, 20),
        )
        for n in range(size)
    ]  # fmt: skip
    made, now, running = Scheduler(jobs, limit, 0), 0, dict[str, tuple[Start, int]]()
    for _ in range(200):
        for late in made.overdue(now):
            assert now - running.pop(late.name)[1] > made.jobs[late.name].deadline_ns
        for start in made.due(now):
            assert start.name not in running
            assert 1 <= start.attempt <= made.jobs[start.name].attempts
            for other in made.jobs[start.name].after:
                assert made.state.jobs[other].succeeded > 0
            running[start.name] = (start, now)
        assert len(running) <= limit
        for name, (start, began) in list(running.items()):
            assert now - began <= made.jobs[name].deadline_ns
            if rng.random() < 0.5:
                assert made.ended(start, None if rng.random() < 0.7 else "no", "", now)
                del running[name]
        if rng.random() < 0.05:
            state = msgspec.json.decode(msgspec.json.encode(made.state), type=State)
            made, running = Scheduler(jobs, limit, now, state), {}
        following = made.next_ns(now)
        assert following is None or following > now
        now = min(following or now + 1, now + rng.randint(1, 40))
    done = sum(each.succeeded + each.failed for each in made.state.jobs.values())
    assert done + len(running) > 0
