"""What the desk makes of a watchdog that acted, and of one that does not answer."""

from __future__ import annotations

import time
from pathlib import Path

from orchestrator.watchdog.companion import BEATS_MISSED_MAX, Companion
from orchestrator.watchdog.guard import Beat, DeadMan, Phase
from orchestrator.watchdog.line import Heartbeats
from orchestrator.watchdog.words import View
from shared.bus.sockets import listen
from shared.messages.control import KillLevel, KillOrdered


def view(phase: Phase, reason: str = "", acts: int = 1) -> View:
    """An answer."""
    return View(phase, reason, "0x1", 3_000, None, None, "", DeadMan.IDLE, "", acts)


def test_one_that_acted_kills_once_until_it_is_rearmed() -> None:
    """A lost connection between two answers is no new act."""
    made = Companion()
    assert made.hear(view(Phase.WATCHING)) is None
    kill = KillOrdered(KillLevel.FLATTEN, "the watchdog acted: no heartbeat")
    assert made.hear(view(Phase.ACTING, "no heartbeat")) == kill
    for answer in (view(Phase.ACTING, "no heartbeat"), None, view(Phase.SAFE, "no heartbeat")):
        assert made.hear(answer) is None
    assert made.hear(view(Phase.WAITING)) is None
    assert made.hear(view(Phase.SAFE, "no heartbeat")) == kill
    assert made.hear(view(Phase.SAFE, "no heartbeat", acts=2)) == kill, "rearmed and acting again between two answers"


def test_a_desk_that_nobody_guards_is_halted_once() -> None:
    """At the limit nothing, one beat later a pause; one that comes back and goes again is missed again."""
    made = Companion()
    for _ in range(2):
        assert [made.hear(None) for _ in range(BEATS_MISSED_MAX)] == [None] * BEATS_MISSED_MAX
        order = made.hear(None)
        assert order is not None
        assert order.level is KillLevel.PAUSE
        assert made.hear(None) is None
        assert made.hear(view(Phase.WATCHING)) is None


def test_heartbeats_never_wait_for_one_that_stands_still(tmp_path: Path) -> None:
    """A stopped watchdog reads nothing: thousands of beats later the hub still does not wait for it."""
    listener = listen(f"unix:{tmp_path / 'w'}")
    try:
        beats, began = Heartbeats(tmp_path / "w"), time.monotonic()
        assert not any(beats.beat(Beat(1, True)) for _ in range(300))
        assert time.monotonic() - began < 5.0
        for _ in range(20):  # it hung up and called again
            listener.accept().close()
    finally:
        beats.close()
        listener.close()
