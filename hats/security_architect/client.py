"""EDGE: the Security Architect's hands: it asks the signer process and writes the audit log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from hats.security_architect.answers import signed_action, signer_refusal
from hats.security_architect.audit_log import AuditLog
from hats.security_architect.line import SignerLine
from hats.security_architect.signer import frames
from shared.edge import Context, Publish
from shared.messages import Message
from shared.messages.control import AgentMet, AuditCheckpointed, AuditRecord
from shared.messages.order import SignatureRefused, SignedAction, SignRequest
from shared.units import Ns


class SignerEdge:
    """Carries out SignRequest before it returns, and AuditRecord once the journal has it.

    No answer within the deadline is a refusal: the late signature is never read, so nothing left the house. A record
    that was written before its batch was journaled would stand against another one after a crash.
    """

    commands: ClassVar[frozenset[type[Message]]] = frozenset({SignRequest, AuditRecord})

    def __init__(self, call: Callable[[Callable[[frames.Greeting], None]], SignerLine], audit_log: AuditLog) -> None:
        """`call` makes the line to the signer, which is told who answers."""
        self._line = call(self._met)
        self._audit_log = audit_log
        self._publish: Publish | None = None
        self._unsettled: list[AuditRecord] = []

    def start(self, publish: Publish) -> None:
        """Open the audit log and call the signer; if it does not answer yet, the next request calls again."""
        self._publish = publish
        self._audit_log.open(lambda c: publish(AuditCheckpointed(c.size, c.root, Ns(c.ns), c.public_key)))
        self._line.open()

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:  # noqa: ARG002 - deadlines are spans here
        """Keep the record until it is settled, or have the request signed and publish the answer."""
        if isinstance(command, AuditRecord):
            self._unsettled.append(command)
        elif isinstance(command, SignRequest):
            assert self._publish is not None, "the edge was not started"
            self._publish(self._answer_to(command, may_be_repeated=context.may_be_repeated), context)

    def settled(self) -> None:
        """Write the records that the journal has."""
        for record in self._unsettled:
            self._audit_log.append(record)
        self._unsettled.clear()

    def stop(self) -> None:
        """Hang up and close the audit log."""
        self._line.hang_up("stopped")
        self._audit_log.close()

    def _met(self, greeting: frames.Greeting) -> None:
        assert self._publish is not None, "the edge was not started"
        self._publish(AgentMet(greeting.address, greeting.network, Ns(greeting.created_ns), greeting.high))

    def _answer_to(self, request: SignRequest, *, may_be_repeated: bool) -> SignedAction | SignatureRefused:
        started_ns = time.monotonic_ns()
        answer = self._line.ask(
            lambda number: frames.Ask(number, request.action, request.nonce, request.expires_after_ms, request.tickets)
        )
        match answer:
            case frames.Signed():
                return signed_action(request, answer, time.monotonic_ns() - started_ns)
            case frames.Refused(reason=reason):
                return signer_refusal(request, reason, may_be_repeated=may_be_repeated)
            case _:
                why = f"unreachable: {self._line.fault}"
                return signer_refusal(request, why, may_be_repeated=may_be_repeated)
