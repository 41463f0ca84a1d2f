"""Processes that a run starts beside Ray are started again, also after a time in which none could be started."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.machine.children import Child
from orchestrator.machine.processes import is_running


def wait_for(holds: Callable[[], bool]) -> None:
    """Until it holds."""
    until = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.05)


def test_one_that_could_not_be_started_again_is_tried_once_more(tmp_path: Path) -> None:
    """No file can be opened, no process made: for a moment. A signer or a watchdog must not stay away for that."""
    logs, aside = tmp_path / "logs", tmp_path / "aside"
    logs.mkdir()
    child = Child("child", ["http.server", "0", "--bind", "127.0.0.1"], logs / "child.log", lambda: True)
    child.start()
    first = child.pid
    assert first is not None
    try:
        logs.rename(aside)
        os.kill(first, signal.SIGKILL)
        time.sleep(0.6)
        assert child.pid == first
        aside.rename(logs)
        wait_for(lambda: child.pid not in {None, first} and is_running(child.pid or 0))
    finally:
        child.stop()
