"""The operator's switch when nobody but the watchdog is there to hear it."""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from orchestrator import compose, ground
from orchestrator.accounts import operator_key
from orchestrator.cli.control import resume
from orchestrator.cli.exits import Exit, exit_of
from orchestrator.cli.killing import is_stopped, kill
from orchestrator.cli.updown import down
from orchestrator.heart import Heart
from orchestrator.hub import Hub
from orchestrator.machine.runfiles import HubDoor, RunFiles, RunNote, current_run, note_run
from orchestrator.services import services_of
from orchestrator.supervisor import Supervisor
from orchestrator.watchdog.guard import Beat, Phase
from orchestrator.watchdog.line import Heartbeats, tell
from orchestrator.watchdog.words import Flatten, Look
from shared.bus.frames import pass_of
from shared.bus.sockets import listen
from shared.clock import WallClock
from shared.codec import decode
from shared.errors import NotAllowedError, NotRunning, Unanswered
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.mailbox import Mailbox
from shared.messages.control import Drained, KillLevel
from shared.private_files import write_private
from shared.units import SECOND, Ns
from tests.unit.orchestrator.watchdog.scripted_venue import ScriptedVenue, scripted_venue
from tests.unit.orchestrator.watchdog.test_server import wait_for, watchdog

NOBODY = 4_194_300
"""A process id that no process has: the kernel gives none that high."""


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    """What is cancelled there is gone, and what is closed."""
    with scripted_venue() as made:
        made.obeys = True
        yield made


@pytest.fixture
def wreck(venue: ScriptedVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFiles]:
    """A run of which only the watchdog lives; it has not noticed yet."""
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    files = RunFiles(tmp_path / "runs" / "demo-1")
    files.create()
    note_run(tmp_path, RunNote(1, str(files.dir), "", "hats", NOBODY, NOBODY, ""))
    with files.standing(), watchdog(venue, tmp_path, files.watchdog_latch, 60 * SECOND, files.watchdog):
        beats = Heartbeats(files.watchdog)
        beats.beat(Beat(1, True))
        wait_for(lambda: tell(files.watchdog, Look()).phase is Phase.WATCHING)
        beats.close()
        yield files


def test_a_long_reason_stops_no_kill(wreck: RunFiles, venue: ScriptedVenue, capsys: pytest.CaptureFixture[str]) -> None:
    """The watchdog takes short ones only; the beginning has to do."""
    kill(flatten=True, reason="because " * 1_000, wait_s=10.0, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["by"], said["has_effect"]) == ("watchdog", True)
    assert said["watchdog"]["reason"].startswith("because because")
    assert venue.kinds() == ["cancel", "order"]


def test_a_resume_that_nobody_hears_leaves_the_watchdog_at_work(wreck: RunFiles) -> None:
    """What a dead desk left, its last order too, is closed by it and by nobody else."""
    tell(wreck.watchdog, Flatten("operator"))
    with pytest.raises(NotRunning):
        resume(reason="looked at it", operator_key=None, wait_s=1.0)
    assert tell(wreck.watchdog, Look()).phase in {Phase.ACTING, Phase.SAFE}


def test_an_unsigned_resume_rearms_no_watchdog(
    venue: ScriptedVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused as the resume itself would be, and the watchdog goes on; signed, it rearms and resumes."""
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    key = tmp_path / "operator.key"
    public = operator_key.make(key)
    files = RunFiles(tmp_path / "runs" / "demo-1")
    files.create()
    note_run(tmp_path, RunNote(1, str(files.dir), "", "hats", NOBODY, NOBODY, ""))
    acted = watchdog(venue, tmp_path, files.watchdog_latch, 60 * SECOND, files.watchdog, public)
    with files.standing(), acted as socket, hub(files, flat=True, public=public):
        tell(socket, Flatten("operator"))
        with pytest.raises(NotAllowedError) as refused:
            resume(reason="looked at it", operator_key=None, wait_s=0.0)
        assert exit_of(refused.value) is Exit.REFUSED
        assert tell(socket, Look()).reason == "operator"
        resume(reason="looked at it", operator_key=key, wait_s=0.0)
        assert tell(socket, Look()).reason == ""


@pytest.mark.parametrize("no_flatten", [False, True])
def test_the_end_of_a_wreck_does_not_end_its_watchdog_at_work(
    wreck: RunFiles, venue: ScriptedVenue, tmp_path: Path, no_flatten: bool
) -> None:
    """`hats down` has the watchdog close first what the dead left open, unless positions are to stay."""
    began = time.monotonic()
    down(no_flatten=no_flatten, wait_s=10.0, as_json=True)
    assert time.monotonic() - began < 10.0
    assert venue.kinds() == ([] if no_flatten else ["cancel", "order"])
    with pytest.raises(NotRunning):
        current_run(tmp_path)


def test_a_launcher_stays_until_nothing_is_open(
    wreck: RunFiles, venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stop the watchdog at its work; it says how things stand, and gives up only where nothing is at stake."""
    venue.obeys = False
    monkeypatch.setattr(ground, "SAY_EVERY_S", 0.3)
    with pytest.raises(Unanswered, match="open to the last"):
        ground.leave_nothing_open(wreck, lambda _: None, 0.2)
    said: list[str] = []

    def step(what: str) -> None:
        said.append(what)
        venue.obeys = len(said) > 2

    ground.leave_nothing_open(wreck, step, math.inf)
    assert "still open: 1 orders and 1 positions" in said[1]
    assert tell(wreck.watchdog, Look()).phase is Phase.SAFE


def test_what_a_dying_desk_still_sent_is_cancelled(
    wreck: RunFiles, venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog had found nothing open any more, and had closed all once more: then the last order arrives."""
    monkeypatch.setattr(ground, "ARRIVED_S", 0.5)
    tell(wreck.watchdog, Flatten("Ray is gone"))
    wait_for(lambda: tell(wreck.watchdog, Look()).phase is Phase.SAFE)
    last = {"coin": "BTC", "oid": 8, "side": "B", "sz": "0.1"}
    late = threading.Timer(0.2, lambda: venue.answers.update(frontendOpenOrders=[last]))
    late.start()
    ground.leave_nothing_open(wreck, lambda _: None, 10.0)
    late.join()
    assert venue.answers["frontendOpenOrders"] == []
    assert venue.kinds() == ["cancel", "order", "cancel"]


@contextlib.contextmanager
def hub(files: RunFiles, *, flat: bool, public: str = "") -> Iterator[None]:
    """A hub without Hats, whose drains come at once to this end; `public` is the operator's key."""

    def say(heart: Heart, now: Ns, body: bytes) -> bytes:
        seq = heart.publish(Role.OPERATOR, decode(body), now).seq
        heart.publish(Role.EXECUTION_MANAGER, Drained(flat, "test"), now)
        return json.dumps(seq).encode()

    folders = contextlib.ExitStack()
    if not files.sockets.exists():
        folders.enter_context(files.standing())
    clock = WallClock()
    journal = Journal(files.journal, now_ns=clock.now())
    heart = Heart(journal, compose.CATALOGUE, Supervisor(1, wants_armed=False), {role: Mailbox(role) for role in HATS})
    made = Hub(
        heart, journal, listen(files.bus), clock, secret="s", build="b",
        services=services_of(public) if public else {**services_of(""), "say": say},
        on_lost=lambda *_: None, on_beat=lambda *_: None,
    )  # fmt: skip
    write_private(files.door, msgspec.json.encode(HubDoor(made.address, pass_of(Role.OPERATOR, "s"), "b", None)))
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield
    finally:
        made.stop()
        thread.join()
        folders.close()


@pytest.mark.parametrize(
    ("flat", "no_flatten", "is_closed"), [(True, False, False), (False, False, True), (False, True, False)]
)
def test_what_a_drain_could_not_close_is_the_watchdogs(
    wreck: RunFiles, venue: ScriptedVenue, flat: bool, no_flatten: bool, is_closed: bool
) -> None:
    """A drain that ended as it was meant to is a farewell; one that was to end flat and did not is none."""
    with hub(wreck, flat=flat):
        down(no_flatten=no_flatten, wait_s=10.0, as_json=True)
    assert venue.kinds() == (["cancel", "order"] if is_closed else [])
    assert tell(wreck.watchdog, Look()).phase is (Phase.SAFE if is_closed else Phase.DISMISSED)


@pytest.mark.parametrize(
    ("level", "state", "positions", "stops"),
    [
        (KillLevel.PAUSE, "active", (), False), (KillLevel.PAUSE, None, (), False),
        (KillLevel.PAUSE, "reducing", (), False), (KillLevel.PAUSE, "halted", ("BTC",), True),
        (KillLevel.REDUCE, "active", (), False), (KillLevel.REDUCE, "reducing", ("BTC",), True),
        (KillLevel.REDUCE, "halted", (), True), (KillLevel.FLATTEN, "reducing", (), False),
        (KillLevel.FLATTEN, "halted", ("BTC",), False), (KillLevel.FLATTEN, "halted", (), True),
    ],
)  # fmt: skip
def test_a_kill_is_in_effect_once_trading_is_as_tight(
    level: KillLevel, state: str | None, positions: tuple[str, ...], stops: bool
) -> None:
    """A desk that was reducing already is not halted by that."""
    status: Any = SimpleNamespace(trading_state=state, positions=positions, open_orders=())
    assert is_stopped(status, level) is stops
