"""EDGE: a line to the signer process: one question, one answer, each within a deadline; called again when it breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hats.security_architect.settings import Settings
from hats.security_architect.signer import frames
from shared.bus.sockets import Connection, connect
from shared.errors import BusError
from shared.units import MS, SECOND

_ATTEMPTS: Final = 2
"""A signer that was started anew leaves a dead connection behind; asking again on a fresh one is harmless."""

Question = Callable[[int], frames.Question]
"""Makes the question that has this number."""


class SignerLine:
    """Used by one thread. A signer that does not answer is called again after a wait, which doubles each time."""

    def __init__(
        self, socket: Path, network: str, settings: Settings, greeted: Callable[[frames.Greeting], None] | None = None
    ) -> None:
        """`greeted` is told whom every new connection is to."""
        self.fault = "not connected yet"
        """Why there was no answer, in words."""
        self._address = f"unix:{socket}"
        self._network = network
        self._greeted = greeted
        self._deadline_ms = settings.signer_deadline_ms
        self._backoff_ms_min, self._backoff_ms_max = settings.reconnect_ms_min, settings.reconnect_ms_max
        self._backoff_ms = settings.reconnect_ms_min
        self._connection: Connection | None = None
        self._asked = 0
        self._closed_until_ns = 0

    def open(self) -> None:
        """Call the signer; if it does not answer yet, the next question calls again."""
        self._connect(time.monotonic_ns() + self._deadline_ms * MS)

    def ask(self, question: Question) -> frames.Answer | None:
        """The signer's answer; None if there was none within the deadline, and `fault` says why."""
        until_ns = time.monotonic_ns() + self._deadline_ms * MS
        for _ in range(_ATTEMPTS):
            if self._connection is None and not self._connect(until_ns):
                break
            answer = self._ask_once(question, until_ns)
            if answer is not None:
                return answer
        return None

    def hang_up(self, fault: str) -> None:
        """End the connection."""
        self.fault = fault
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask_once(self, question: Question, until_ns: int) -> frames.Answer | None:
        """The answer on this connection; None if there is none, and then the connection is closed."""
        assert self._connection is not None
        self._asked += 1
        try:
            self._connection.send(frames.encode(question(self._asked)))
            answer = frames.decode_answer(self._receive(self._connection, until_ns))
        except (BusError, TimeoutError) as error:
            self.hang_up(str(error))
            return None
        if answer.ask_id != self._asked:
            self.hang_up(f"expected an answer to question {self._asked}, got one to {answer.ask_id}")
            return None
        return answer

    def _connect(self, until_ns: int) -> bool:
        """Is there a connection now? Asks at most once per waiting time, which doubles with each failure."""
        if time.monotonic_ns() < self._closed_until_ns:
            return False
        try:
            connection = connect(self._address, max(until_ns - time.monotonic_ns(), MS) / SECOND)
        except BusError as error:
            self._back_off(str(error))
            return False
        try:
            greeting = frames.decode_greeting(self._receive(connection, until_ns))
            if greeting.network != self._network:
                raise BusError(f"expected a signer for {self._network}, this one signs for {greeting.network}")
        except (BusError, TimeoutError) as error:
            connection.close()
            self._back_off(str(error))
            return False
        if self._greeted is not None:
            self._greeted(greeting)
        self._connection = connection
        self._backoff_ms = self._backoff_ms_min
        return True

    def _receive(self, connection: Connection, until_ns: int) -> bytes:
        """The next frame; BusError if the stream ends, TimeoutError at the deadline."""
        left_ns = until_ns - time.monotonic_ns()
        if left_ns <= 0:
            raise TimeoutError(f"no answer within {self._deadline_ms} ms")
        try:
            frame = connection.receive(left_ns / SECOND)
        except TimeoutError as error:
            raise TimeoutError(f"no answer within {self._deadline_ms} ms") from error
        if frame is None:
            raise BusError("the signer hung up")
        return frame

    def _back_off(self, fault: str) -> None:
        self.fault = fault
        self._closed_until_ns = time.monotonic_ns() + self._backoff_ms * MS
        self._backoff_ms = min(2 * self._backoff_ms, self._backoff_ms_max)
