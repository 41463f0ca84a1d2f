"""EDGE: who looks on while a run goes on: a live screen on a terminal, or plain lines in a log or pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from orchestrator.cli.terminal import note, say
from orchestrator.cli.view import Frame, clock, line, screen
from orchestrator.status import Status

if TYPE_CHECKING:
    from rich.live import Live

    from orchestrator.launch import Watcher

LINE_S: Final = 10.0
"""Time between two plain lines."""
TRADING: Final = "trading"
"""The step from which the clock of the view counts."""


class PlainLines:
    """One line for each step, and one with the state every few seconds."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._step = ""
        self._began = time.monotonic()
        self._next = 0.0

    def step(self, what: str) -> None:
        """The run has come this far."""
        self._step = what
        self._write(f"{clock(time.monotonic() - self._began)} {what}")

    def show(self, status: Status | None) -> None:
        """A line if it is time for one."""
        now = time.monotonic()
        if now >= self._next and status is not None:
            self._next = now + LINE_S
            self._write(line(status, Frame("", self._step, now - self._began, None, False, 0, 0)))


class LiveView:
    """The live screen; keeps showing the last word, marked as such, while the hub is away."""

    def __init__(self, live: Live, title: str, duration_s: float | None) -> None:
        self._live = live
        self._title = title
        self._duration_s = duration_s
        self._step = "starting"
        self._began: float | None = None
        self._status: Status | None = None

    def step(self, what: str) -> None:
        """The run has come this far."""
        self._step = what
        if what == TRADING:
            self._began = time.monotonic()
        self._draw(is_away=False)

    def show(self, status: Status | None) -> None:
        """Draw the state."""
        self._status = status or self._status
        self._draw(is_away=status is None and self._status is not None)

    def _draw(self, *, is_away: bool) -> None:
        size = self._live.console.size
        elapsed = None if self._began is None else time.monotonic() - self._began
        frame = Frame(self._title, self._step, elapsed, self._duration_s, is_away, size.width, size.height)
        self._live.update(screen(self._status, frame), refresh=True)


@contextmanager
def watcher(title: str, duration_s: float | None, *, wants_view: bool, as_json: bool) -> Iterator[Watcher]:
    """A live screen if there is a terminal and nobody declined it; else lines, on stderr beside JSON."""
    if as_json or not wants_view or not sys.stdout.isatty():
        yield PlainLines(note if as_json else say)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), screen=True, auto_refresh=False) as live:
        yield LiveView(live, title, duration_s)
