"""The supervisor arms only when all nine are in step, disarms at once, and gives up on a Hat that keeps dying."""

from __future__ import annotations

from orchestrator.supervisor import Supervisor, Verdict
from shared.ids import HATS, Role, Seq
from shared.messages import AnyMessage, Envelope
from shared.messages.account import Reconciled
from shared.messages.control import (
    Armed,
    Disarmed,
    DrainOrdered,
    HatState,
    KillLevel,
    KillOrdered,
    ResumeOrdered,
    Started,
)
from shared.messages.market import FeedState, FeedStatus
from shared.units import SECOND, Ns

EA, EM, QS = Role.EXCHANGE_ARCHITECT, Role.EXECUTION_MANAGER, Role.QUANT_STRATEGIST
CLEAN = Reconciled(is_clean=True, open_orders=0, unknown_orders=0, differences=())
UP = FeedStatus(FeedState.UP, 1, "all subscribed", Ns(0))


def _heard(message: AnyMessage) -> Envelope:
    return Envelope(Seq(1), Ns(0), Role.OPERATOR, Seq(0), Ns(0), message)


def _bring_up(supervisor: Supervisor, role: Role) -> list[AnyMessage]:
    said = supervisor.connected(role) + supervisor.restored(role, Ns(0)) + supervisor.settled_start(role)
    if role is EA:
        said += supervisor.hear(_heard(UP))
    if role is EM:
        said += supervisor.hear(_heard(CLEAN))
    return said


def armed(supervisor: Supervisor) -> bool:
    """Asked anew each time, for mypy's sake too."""
    return supervisor.is_armed


def _armed() -> Supervisor:
    supervisor = Supervisor(7, wants_armed=True)
    for role in HATS:
        _bring_up(supervisor, role)
    assert armed(supervisor)
    return supervisor


def test_armed_only_when_the_last_of_nine_is_ready() -> None:
    """Eight ready Hats are not enough; with the ninth the desk is armed, once."""
    supervisor = Supervisor(7, wants_armed=True)
    said: list[AnyMessage] = []
    for role in HATS:
        assert not any(isinstance(message, Armed) for message in said)
        said += _bring_up(supervisor, role)
    assert sum(isinstance(message, Armed) for message in said) == 1
    assert set(supervisor.states.values()) == {HatState.ARMED}


def test_every_hat_is_told_that_it_started_with_the_run() -> None:
    """Restored Hats hear Started with their role and run."""
    assert Started(QS, 7, Ns(5)) in Supervisor(7, wants_armed=True).restored(QS, Ns(5))


def test_feed_and_books_need_proof() -> None:
    """The Exchange Architect needs a feed, the Execution Manager agreement; started is not enough."""
    supervisor = Supervisor(7, wants_armed=True)
    for role in HATS:
        supervisor.connected(role)
        supervisor.restored(role, Ns(0))
        supervisor.settled_start(role)
    assert {r for r, s in supervisor.states.items() if s is HatState.SYNCING} == {EA, EM}
    supervisor.hear(_heard(UP))
    assert not armed(supervisor)
    supervisor.hear(_heard(CLEAN))
    assert armed(supervisor)


def test_proof_that_comes_early_counts() -> None:
    """A feed that is up before its Hat reports itself restored is not forgotten."""
    supervisor = Supervisor(7, wants_armed=True)
    supervisor.connected(EA)
    supervisor.hear(_heard(UP))
    supervisor.restored(EA, Ns(0))
    supervisor.settled_start(EA)
    assert supervisor.states[EA] is HatState.READY


def test_a_lost_hat_disarms_at_once_and_rearms_when_back() -> None:
    """Losing any Hat disarms; its return re-arms without a human."""
    for role in HATS:
        supervisor = _armed()
        said, verdict = supervisor.lost(role, "killed", Ns(0))
        assert verdict is Verdict.RESTART
        assert any(isinstance(message, Disarmed) for message in said)
        assert not armed(supervisor)
        _bring_up(supervisor, role)
        assert armed(supervisor)


def test_a_hat_that_keeps_dying_is_quarantined() -> None:
    """More losses than the intensity allows within the window end its restarts; spread out they do not."""
    supervisor = Supervisor(7, wants_armed=True, restarts_max=2, window_ns=10 * SECOND)
    verdicts = [supervisor.lost(QS, "bug", Ns(i))[1] for i in range(3)]
    assert verdicts == [Verdict.RESTART, Verdict.RESTART, Verdict.LEAVE]
    assert supervisor.states[QS] is HatState.QUARANTINED
    patient = Supervisor(7, wants_armed=True, restarts_max=2, window_ns=10 * SECOND)
    assert all(patient.lost(QS, "bug", Ns(i * 6 * SECOND))[1] is Verdict.RESTART for i in range(9))


def test_a_fallen_feed_or_differing_books_disarm_until_proven_again() -> None:
    """Without the feed both provers prove again; differing books keep the Execution Manager out."""
    supervisor = _armed()
    supervisor.hear(_heard(FeedStatus(FeedState.DOWN, 1, "cut", Ns(0))))
    assert {supervisor.states[EA], supervisor.states[EM]} == {HatState.SYNCING}
    supervisor.hear(_heard(UP))
    assert not armed(supervisor)
    supervisor.hear(_heard(CLEAN))
    assert armed(supervisor)
    supervisor.hear(_heard(Reconciled(is_clean=False, open_orders=0, unknown_orders=0, differences=("BTC",))))
    assert not armed(supervisor)


def test_a_kill_stays_until_the_operator_resumes() -> None:
    """After a kill no Hat's return arms the desk; resume does."""
    supervisor = _armed()
    supervisor.hear(_heard(KillOrdered(KillLevel.PAUSE, "test")))
    supervisor.lost(QS, "killed", Ns(0))
    _bring_up(supervisor, QS)
    assert not armed(supervisor)
    assert any(isinstance(m, Armed) for m in supervisor.hear(_heard(ResumeOrdered("test"))))


def test_a_kill_that_leaves_room_for_reducing_leaves_the_desk_armed() -> None:
    """What only reduces needs an armed desk, after a Hat's return too; a harder kill before it is not loosened."""
    supervisor, kill = _armed(), KillOrdered(KillLevel.REDUCE, "test")
    assert not supervisor.hear(_heard(kill))
    assert armed(supervisor)
    supervisor.lost(QS, "killed", Ns(0))
    _bring_up(supervisor, QS)
    assert armed(supervisor)
    supervisor.hear(_heard(KillOrdered(KillLevel.PAUSE, "test")))
    supervisor.hear(_heard(kill))
    supervisor.lost(QS, "killed", Ns(0))
    _bring_up(supervisor, QS)
    assert not armed(supervisor)


def test_a_draining_desk_never_arms_again() -> None:
    """Once draining, nothing re-arms."""
    supervisor = _armed()
    supervisor.hear(_heard(DrainOrdered(flatten=True)))
    supervisor.lost(QS, "killed", Ns(0))
    _bring_up(supervisor, QS)
    supervisor.hear(_heard(ResumeOrdered("test")))
    assert not armed(supervisor)


def test_not_wanting_to_be_armed_stays_ready() -> None:
    """A desk that is to start disarmed waits for the operator."""
    supervisor = Supervisor(7, wants_armed=False)
    for role in HATS:
        _bring_up(supervisor, role)
    assert set(supervisor.states.values()) == {HatState.READY}
    supervisor.hear(_heard(ResumeOrdered("go")))
    assert armed(supervisor)
