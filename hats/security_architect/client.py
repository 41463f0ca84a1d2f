"""EDGE: the Security Architect's hands: it asks the signer process and writes the audit log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar, Final

from hats.security_architect.answers import signed_action, signer_refusal
from hats.security_architect.audit_log import AuditLog
from hats.security_architect.settings import Settings
from hats.security_architect.signer import frames
from shared.bus.sockets import Connection, connect
from shared.edge import Context, Publish
from shared.errors import BusError
from shared.messages import Message
from shared.messages.control import AuditRecord
from shared.messages.order import SignatureRefused, SignedAction, SignRequest
from shared.units import MS, SECOND, Ns

_ATTEMPTS: Final = 2
"""A signer that was started anew leaves a dead connection behind; asking again on a fresh one is harmless."""


class SignerEdge:
    """Carries out SignRequest and AuditRecord, each before it returns.

    No answer within the deadline is a refusal: the late signature is never read, so nothing left the house.
    """

    commands: ClassVar[frozenset[type[Message]]] = frozenset({SignRequest, AuditRecord})

    def __init__(self, socket: Path, network: str, audit_log: AuditLog, settings: Settings) -> None:
        self._address = f"unix:{socket}"
        self._network = network
        self._audit_log = audit_log
        self._settings = settings
        self._deadline_ns = settings.signer_deadline_ms * MS
        self._connection: Connection | None = None
        self._publish: Publish | None = None
        self._asked = 0
        self._backoff_ms = settings.reconnect_ms_min
        self._closed_until_ns = 0
        self._fault = "not connected yet"

    def start(self, publish: Publish) -> None:
        """Open the audit log and call the signer; if it does not answer yet, the next request calls again."""
        self._publish = publish
        self._audit_log.open()
        self._connect(time.monotonic_ns() + self._deadline_ns)

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:  # noqa: ARG002 - deadlines are spans here
        """Write the record, or have the request signed and publish the answer."""
        if isinstance(command, AuditRecord):
            self._audit_log.append(command)
        elif isinstance(command, SignRequest):
            assert self._publish is not None, "the edge was not started"
            self._publish(self._answer_to(command), context)

    def stop(self) -> None:
        """Hang up and close the audit log."""
        self._hang_up("stopped")
        self._audit_log.close()

    def _answer_to(self, request: SignRequest) -> SignedAction | SignatureRefused:
        started_ns = time.monotonic_ns()
        until_ns = started_ns + self._deadline_ns
        for _ in range(_ATTEMPTS):
            if self._connection is None and not self._connect(until_ns):
                break
            answer = self._ask(request, until_ns)
            if isinstance(answer, frames.Signed):
                return signed_action(request, answer, time.monotonic_ns() - started_ns)
            if isinstance(answer, frames.Refused):
                return signer_refusal(request, answer.reason)
        return signer_refusal(request, f"unreachable: {self._fault}")

    def _ask(self, request: SignRequest, until_ns: int) -> frames.Answer | None:
        """The signer's answer; None if there is none, and then the connection is closed."""
        assert self._connection is not None
        self._asked += 1
        ask = frames.Ask(self._asked, request.action, request.nonce, request.expires_after_ms)
        try:
            self._connection.send(frames.encode(ask))
            answer = frames.decode_answer(self._receive(self._connection, until_ns))
        except (BusError, TimeoutError) as error:
            self._hang_up(str(error))
            return None
        if answer.ask_id != self._asked:
            self._hang_up(f"expected an answer to question {self._asked}, got one to {answer.ask_id}")
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
        self._connection = connection
        self._backoff_ms = self._settings.reconnect_ms_min
        return True

    def _receive(self, connection: Connection, until_ns: int) -> bytes:
        """The next frame; BusError if the stream ends, TimeoutError at the deadline."""
        left_ns = until_ns - time.monotonic_ns()
        if left_ns <= 0:
            raise TimeoutError(f"no answer within {self._settings.signer_deadline_ms} ms")
        try:
            frame = connection.receive(left_ns / SECOND)
        except TimeoutError as error:
            raise TimeoutError(f"no answer within {self._settings.signer_deadline_ms} ms") from error
        if frame is None:
            raise BusError("the signer hung up")
        return frame

    def _hang_up(self, fault: str) -> None:
        self._fault = fault
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _back_off(self, fault: str) -> None:
        self._fault = fault
        self._closed_until_ns = time.monotonic_ns() + self._backoff_ms * MS
        self._backoff_ms = min(2 * self._backoff_ms, self._settings.reconnect_ms_max)
