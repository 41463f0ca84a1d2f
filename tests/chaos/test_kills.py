"""Every one of the ten actors is killed with SIGKILL while trading: back in 15 s, nothing lost, nothing doubled."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import compose
from orchestrator.desk import Desk
from orchestrator.launch import Launch, Verdict
from orchestrator.machine.raylink import free_port
from orchestrator.machine.runfiles import RunFiles
from orchestrator.routes import hearers
from orchestrator.settings import Settings
from orchestrator.status import Status
from orchestrator.telling.reproduction import replay_hat
from shared.codec import decode
from shared.config_sources import load
from shared.errors import Unanswered
from shared.ids import HATS, Role
from shared.journal import JournalReader
from shared.messages.order import ActionAnswered, AnswerKind
from shared.warehouse.capture.reader import verify_log

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

BACK_WITHIN_S = 15.0
VICTIMS = (*HATS, Role.ORCHESTRATOR)
ROOT = Path(__file__).resolve().parents[2]


class Nobody:
    """Looks away."""

    def step(self, what: str) -> None:
        """Nothing."""

    def show(self, status: Status | None) -> None:
        """Nothing."""


class Killed:
    """What became of the run in which all ten were killed: how long each was away, and the verdict."""

    def __init__(
        self, settings: Settings, away_s: dict[Role, float], verdict: Verdict, orders: list[dict[str, object]]
    ):
        self.settings = settings
        self.away_s = away_s
        self.verdict = verdict
        self.orders = orders
        self.reader = JournalReader.open(Path(verdict.run_dir) / "journal.sqlite")
        self.approval_key = RunFiles(Path(verdict.run_dir)).approval_key()


def _pid_of(desk: Desk, role: Role) -> int:
    health = desk.health()
    return int(health["pid"] if role is Role.ORCHESTRATOR else health["hats"][role])


def _is_armed_again(desk: Desk, seq: int) -> bool:
    try:
        status = desk.status()
    except Unanswered:
        return False
    return status.is_armed and status.seq > seq


def _kill(desk: Desk, role: Role) -> float:
    """Seconds from the kill until the desk was armed again."""
    before = desk.wait_until(lambda s: s.is_armed, "armed", 30, Nobody().show).seq
    os.kill(_pid_of(desk, role), signal.SIGKILL)
    began = time.monotonic()
    time.sleep(0.3)  # a dead process is noticed at once, but not sooner
    while not _is_armed_again(desk, before):
        assert time.monotonic() - began < 60, f"{role} did not come back"
        time.sleep(0.1)
    return time.monotonic() - began


def _orders_at(base_url: str, address: str) -> list[dict[str, object]]:
    from hyperliquid.info import Info  # noqa: PLC0415

    history: list[dict[str, object]] = Info(base_url, skip_ws=True, timeout=10).historical_orders(address)
    return history


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """One run on Ray in which each actor is killed once, drained and judged at the end."""
    port = free_port()
    overrides = {
        "run.home_dir": str(tmp_path_factory.mktemp("kills")),
        "venue.base_url": f"http://127.0.0.1:{port}",
        "local_venue.port": port,
        "ray.dashboard": False,
        "metrics.enabled": False,
        "supervisor.restart_intensity": 5,
        "watchdog.silence_ms": 60_000,  # it flattens a desk whose orchestrator is away for three seconds
    }
    settings = load(Settings, ROOT / "configs" / "demo.toml", overrides).settings
    launch = Launch(settings, Nobody(), own_ray=True, replay=None, config="configs/demo.toml")
    with launch.grounded() as under:
        with launch.raised(under) as desk:
            away_s = {role: _kill(desk, role) for role in VICTIMS}
            time.sleep(3)
            status, cards = launch.drained(desk)
        verdict = launch.judge(under.settings, status, cards)
        master = under.settings.hats.exchange_architect.user_address
        assert master is not None
        orders = _orders_at(under.settings.venue.base_url, master)
    run = Killed(under.settings, away_s, verdict, orders)
    yield run
    run.reader.close()


@pytest.mark.parametrize("role", VICTIMS)
def test_back_and_armed_within_15_seconds(role: Role, killed: Killed) -> None:
    """From SIGKILL to armed again takes less than 15 s, whoever was hit."""
    assert killed.away_s[role] < BACK_WITHIN_S


def test_books_agree_and_nothing_is_left(killed: Killed) -> None:
    """Journal whole, audit chain sound, positions equal to the exchange's, flat."""
    verdict = killed.verdict
    assert verdict.journal_fault is None
    assert verdict.audit_ok
    assert verdict.position_differences == ()
    assert verdict.is_flat
    assert verdict.summary.orders.sent > 0


def test_the_capture_log_is_complete(killed: Killed) -> None:
    """Whoever captured was killed too: its log is whole, and what its death may have cost is declared."""
    report = verify_log(Path(killed.verdict.run_dir) / "capture")
    assert report.is_whole, report.faults
    assert report.is_complete
    assert {account.session for account in report.accounts} >= {1, 2}
    assert any(account.is_end_declared for account in report.accounts if account.session == 1)


def test_no_order_was_doubled(killed: Killed) -> None:
    """The exchange saw each cloid become an order at most once, and our journal agrees."""
    seen = Counter((o["order"]["cloid"], o["order"]["oid"]) for o in killed.orders)  # type: ignore[index]
    oids_by_cloid = Counter(cloid for cloid, _ in seen)
    assert not {cloid: n for cloid, n in oids_by_cloid.items() if cloid and n > 1}
    accepted: Counter[str] = Counter()
    for entry in killed.reader.messages(kind=ActionAnswered.__name__):
        answer = decode(entry.body)
        assert isinstance(answer, ActionAnswered)
        if answer.kind.places and answer.answer in (AnswerKind.RESTING, AnswerKind.FILLED):
            accepted[answer.cloid] += 1
    assert not {cloid: n for cloid, n in accepted.items() if n > 1}


@pytest.mark.parametrize("role", HATS)
def test_no_message_was_lost_or_handled_twice(role: Role, killed: Killed) -> None:
    """What a Hat was to hear it handled once, in one batch; only market data may have been replaced by newer."""
    handled = Counter(seq for batch in killed.reader.handled(role) for seq in batch.seqs)
    assert not {seq: n for seq, n in handled.items() if n > 1}
    last = max(handled)
    for entry in killed.reader.messages():
        message = decode(entry.body)
        if entry.seq < last and role in hearers(entry.source, message) and message.conflation_key() is None:
            assert entry.seq in handled, f"{entry.kind} #{entry.seq} never reached {role}"


@pytest.mark.parametrize("role", HATS)
def test_replay_gives_the_same_outputs(role: Role, killed: Killed) -> None:
    """A fresh Hat outside Ray, given what the journal says it handled, says the same byte for byte."""
    assert replay_hat(killed.reader, compose.make_hat(killed.settings, role, killed.approval_key)).difference is None
