"""EDGE: lines to the watchdog: the hub's heartbeats, which never wait, and the operator's words, which are answered."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from loguru import logger

from orchestrator.watchdog import words
from orchestrator.watchdog.guard import Beat
from orchestrator.watchdog.words import View, Word
from shared.bus.sockets import Connection, ask, connect
from shared.errors import BusError, NotAllowedError, NotRunning, Unanswered

_CONNECT_S: Final = 0.2
_ANSWER_S: Final = 5.0
_BACK_S: Final = 10.0
"""One that died is started anew by its launcher within so long."""
_AGAIN_S: Final = 0.1
_UNANSWERED_MAX: Final = 10
"""Beats on one connection without an answer."""


class Heartbeats:
    """The hub's end. A watchdog that is away is called again at the next beat."""

    def __init__(self, socket: Path) -> None:
        self._address = f"unix:{socket}"
        self._connection: Connection | None = None
        self._was_heard = True
        self._unanswered = 0

    def beat(self, beat: Beat) -> View | None:
        """Say that we live; what the watchdog answered since the last beat, None: nothing."""
        view = None
        try:
            if self._connection is None:
                self._connection = connect(self._address, _CONNECT_S)
            self._connection.send(words.encode(beat))
            for data in self._connection.receive_ready():
                view = words.decode_view(data)
            self._unanswered = 0 if view is not None else self._unanswered + 1
            if not self._connection.is_open:
                raise BusError("it hung up")
            if self._unanswered > _UNANSWERED_MAX:  # what it never reads would fill its socket, and then we would wait
                raise BusError("it does not answer")
            self._was_heard = self._was_heard or view is not None
        except BusError as error:
            self._lose(str(error))
        return view

    def close(self) -> None:
        """Hang up, without a farewell: what this silence means is the watchdog's to judge."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _lose(self, reason: str) -> None:
        self.close()
        self._unanswered = 0
        if self._was_heard:
            logger.warning("no watchdog: {reason}", reason=reason)
        self._was_heard = False


def tell(socket: Path, word: Word) -> View:
    """Say one word to the watchdog; its answer.

    NotRunning if there is none, Unanswered if it does not answer, NotAllowedError if it refuses.
    """
    answer = ask(f"unix:{socket}", words.encode(word), "watchdog", connect_s=_CONNECT_S * 5, answer_s=_ANSWER_S)
    try:
        view = words.decode_view(answer)
    except BusError as error:
        raise Unanswered(f"what answers is no watchdog of ours: {error}") from error
    if view.refusal:
        raise NotAllowedError(view.refusal)
    return view


def tell_patiently(socket: Path, word: Word, until: float) -> View:
    """The same of a watchdog that may be waiting for the venue: said again until that time (monotonic seconds).

    NotRunning if there is still none after the time in which one that died is back.
    """
    back_by = min(until, time.monotonic() + _BACK_S)
    while True:
        try:
            return tell(socket, word)
        except NotRunning:
            if time.monotonic() > back_by:
                raise
            time.sleep(_AGAIN_S)
        except Unanswered:
            if time.monotonic() > until:
                raise
