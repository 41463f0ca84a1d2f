"""EDGE: the door to the venue with a capture log behind it: opened before the first socket, sealed after the last."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hats.exchange_architect.settings import Settings
from hats.exchange_architect.tape import forget
from hats.exchange_architect.venue_edge import VenueEdge
from shared.clock import Clock
from shared.edge import Context, Publish
from shared.messages import Message
from shared.units import Ns
from shared.warehouse.capture.recorder import Recorder, off


class CapturedEdge:
    """A VenueEdge whose frames are written down. It captures whether or not anybody may trade."""

    commands: ClassVar[frozenset[type[Message]]] = VenueEdge.commands

    def __init__(self, settings: Settings, clock: Clock, run_dir: Path, run: int) -> None:
        """The log lies where the settings say, else in the folder of the run."""
        self._settings = settings
        self._clock = clock
        self._directory = settings.capture.dir or run_dir / "capture"
        self._run = run
        self._recorder: Recorder | None = None
        self._door: VenueEdge

    def start(self, publish: Publish) -> None:
        """How the log stands is said first, then the door opens, with or without a log."""
        if self._settings.capture.enabled:
            self._recorder = Recorder(self._directory, self._run, self._clock, self._settings.capture, publish)
        else:
            publish(off(self._clock.now()))
        record = forget if self._recorder is None else self._recorder.record
        self._door = VenueEdge(self._settings, self._clock, record=record)
        self._door.start(publish)

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:
        """The door does it."""
        self._door.carry_out(command, context, now)

    def stop(self) -> None:
        """The door is closed, then the log sealed."""
        try:
            self._door.stop()
        finally:
            if self._recorder is not None:
                self._recorder.close()
