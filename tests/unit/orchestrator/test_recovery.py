"""A recovered orchestrator stands where the crashed one stood, from a checkpoint or from the first message."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest

from orchestrator import compose
from orchestrator.heart import Heart
from orchestrator.recovery import checkpoint, recover
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from orchestrator.supervisor import Standing, Supervisor
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.mailbox import Mailbox
from shared.messages import AnyMessage
from shared.messages.account import Reconciled
from shared.messages.control import DrainOrdered, KillLevel, KillOrdered, ResumeOrdered
from shared.messages.market import FeedState, FeedStatus
from shared.units import Ns


def _fresh(journal: Journal) -> Heart:
    mailboxes = {role: Mailbox(role) for role in HATS}
    return Heart(journal, compose.CATALOGUE, Supervisor(1, wants_armed=True), mailboxes)


def _waiting(heart: Heart, role: Role) -> list[int]:
    flight = heart.flights.get(role)
    out = [letter.seq for letter in flight.letters] if flight else []
    return sorted(out + [letter.seq for letter in heart.mailboxes[role].letters()])


def _stopped_mid_flight(rehearsal: Rehearsal) -> None:
    """Step on until some Hat has a batch out and letters waiting, so that there is something to lose."""
    for _ in range(100_000):
        rehearsal.run_for(20e-6)
        heart = rehearsal.heart
        if heart.flights and any(heart.mailboxes[role].depth for role in HATS):
            return
    raise AssertionError("never busy")


@pytest.mark.slow
@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_recovery_stands_where_the_crash_was(has_checkpoint: bool, tmp_path: Path) -> None:
    """Mailboxes, timers, the view of the run and every scorecard are the same, and less is folded with a checkpoint."""
    rehearsal = rehearse(Settings(), tmp_path / "journal.sqlite", seed=3)
    try:
        rehearsal.run_for(8)
        _stopped_mid_flight(rehearsal)
        journal, now = rehearsal.journal, rehearsal.stage.clock.now()
        if has_checkpoint:
            journal.put_snapshot(Role.ORCHESTRATOR, journal.last_n, checkpoint(rehearsal.heart, now))
        rehearsal.run_for(2)
        _stopped_mid_flight(rehearsal)
        heart = _fresh(journal)
        folded = recover(heart, journal.reader)
        assert folded < journal.last_seq if has_checkpoint else folded == journal.last_seq
        for role in HATS:
            assert _waiting(heart, role) == _waiting(rehearsal.heart, role), role
        assert heart.timers.pending() == rehearsal.heart.timers.pending()
        assert msgspec.json.encode(heart.situation) == msgspec.json.encode(rehearsal.heart.situation)
        now = rehearsal.stage.clock.now()
        assert heart.scores.cards(now) == rehearsal.heart.scores.cards(now)
    finally:
        rehearsal.close()


@pytest.mark.parametrize("has_checkpoint", [False, True])
@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ([], Standing(wants_armed=True)),
        ([KillOrdered(KillLevel.PAUSE, "test")], Standing(wants_armed=False)),
        ([KillOrdered(KillLevel.PAUSE, "test"), ResumeOrdered("test")], Standing(wants_armed=True)),
        ([DrainOrdered(flatten=False)], Standing(wants_armed=True, is_draining=True)),
    ],
)
def test_what_was_ordered_outlives_the_process(
    said: list[AnyMessage], standing: Standing, has_checkpoint: bool, tmp_path: Path
) -> None:
    """A killed desk is not armed, and a drain not forgotten, because the orchestrator's process began anew."""
    with contextlib.closing(Journal(tmp_path / "journal.sqlite", now_ns=1)) as journal:
        heart = _fresh(journal)
        for message in said:
            heart.publish(Role.OPERATOR, message, Ns(1))
        if has_checkpoint:
            journal.put_snapshot(Role.ORCHESTRATOR, journal.last_n, checkpoint(heart, Ns(1)))
        assert heart.supervisor.standing == standing
        again = _fresh(journal)
        recover(again, journal.reader)
        assert again.supervisor.standing == standing
        again.say([word for role in HATS for word in again.supervisor.restored(role, Ns(2))], Ns(2))
        for role in HATS:
            again.say(again.supervisor.settled_start(role), Ns(2))
        again.publish(Role.EXCHANGE_ARCHITECT, FeedStatus(FeedState.UP, 1, "up", Ns(2)), Ns(2))
        again.publish(Role.EXECUTION_MANAGER, Reconciled(True, 0, 0, (), ()), Ns(2))
        assert again.supervisor.is_armed is (standing.wants_armed and not standing.is_draining)
