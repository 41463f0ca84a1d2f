"""EDGE: the operator's line to a running hub: fast, and independent of Ray and of the dashboard."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Final, Self

import msgspec

from orchestrator.machine.runfiles import HubDoor, RunFiles
from orchestrator.status import CardView, Status
from shared.bus import frames
from shared.bus.sockets import connect
from shared.codec import encode
from shared.errors import BusError, NotAllowedError, NotRunning, Unanswered
from shared.ids import Role
from shared.messages import Message

ANSWER_TIMEOUT_S: Final = 5.0


class Control:
    """One connection to the hub of a run. NotRunning if there is none."""

    def __init__(self, files: RunFiles) -> None:
        if not files.door.exists():
            raise NotRunning(f"no hub runs for {files.dir}")
        try:
            door = msgspec.json.decode(files.door.read_bytes(), type=HubDoor)
        except (OSError, msgspec.MsgspecError) as error:
            raise NotRunning(f"{files.door} does not tell where the hub is: {error}") from error
        hello = frames.Hello(Role.OPERATOR, "operator", door.token, door.build, os.getpid())
        try:
            self._connection = connect(door.address, tls=door.tls)
        except BusError as error:
            raise NotRunning(f"the hub of {files.dir} does not answer: {error}") from error
        try:
            self._connection.send(frames.encode(hello))
        except BusError as error:
            self._connection.close()
            raise NotRunning(f"the hub of {files.dir} hung up: {error}") from error

    def status(self) -> Status:
        """The state of the run now."""
        return msgspec.json.decode(self._ask("status"), type=Status)

    def scorecards(self) -> tuple[CardView, ...]:
        """The nine scorecards now; the next ones show their trend against these."""
        return msgspec.json.decode(self._ask("scorecards"), type=tuple[CardView, ...])

    def say(self, message: Message) -> int:
        """The operator says `message`; the result is its place in the journal. NotAllowedError if refused."""
        return msgspec.json.decode(self._ask("say", encode(message)), type=int)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, what: str, body: bytes = b"") -> bytes:
        try:
            self._connection.send(frames.encode(frames.Ask(what, body)))
            data = self._connection.receive(ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise Unanswered(f"the hub did not answer {what} within {ANSWER_TIMEOUT_S:.0f} s") from None
        except BusError as error:
            raise Unanswered(f"the hub is gone: {error}") from error
        if data is None:
            raise Unanswered(f"the hub hung up on {what}")
        answer = frames.decode_to_hat(data)
        assert isinstance(answer, frames.Answer)
        if answer.refusal:
            raise NotAllowedError(answer.refusal)
        return answer.body
