"""The signer inside the process, for the stage: the same policy, nonces and signatures, and no second copy of either.

The stage's key is thrown away with the run. What it takes to sign is not measured here (`sign_ns` is 0: unknown), for a
run must give the same bytes twice.
"""

from __future__ import annotations

from typing import ClassVar

from hats.security_architect import audit
from hats.security_architect.answers import signed_action, signer_refusal
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.frames import Ask, Refused
from hats.security_architect.signer.nonces import NonceBook
from hats.security_architect.signer.policy import Policy
from hats.security_architect.signer.signing import AgentKey
from shared.edge import Context, Publish
from shared.errors import InvariantError
from shared.messages import Message
from shared.messages.control import AuditRecord
from shared.messages.order import SignRequest
from shared.units import MS, Ns


class InProcessSigner:
    """The Security Architect's edge on the stage. Audit records are checked for their place in the chain."""

    commands: ClassVar[frozenset[type[Message]]] = frozenset({SignRequest, AuditRecord})

    def __init__(self, policy: Policy, secret: bytes) -> None:
        self._signer = Signer(policy, AgentKey(secret, policy.network), NonceBook())
        self._publish: Publish | None = None
        self.head = audit.Head()

    @property
    def address(self) -> str:
        """The agent's address."""
        return self._signer.address

    def start(self, publish: Publish) -> None:
        """From here on answers are published."""
        self._publish = publish

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:
        """Sign and publish the answer, or follow the audit chain; InvariantError if the chain breaks."""
        if isinstance(command, AuditRecord):
            self._follow(command)
        elif isinstance(command, SignRequest):
            assert self._publish is not None, "the edge was not started"
            ask = Ask(0, command.action, command.nonce, command.expires_after_ms)
            answer = self._signer.decide(ask, now // MS).answer
            if isinstance(answer, Refused):
                self._publish(signer_refusal(command, answer.reason), context)
            else:
                self._publish(signed_action(command, answer, 0), context)

    def stop(self) -> None:
        """Nothing runs here that would have to end."""
        self._publish = None

    def _follow(self, record: AuditRecord) -> None:
        if record.index > self.head.index:
            self.head = audit.follow(self.head, record)
        elif record.index == self.head.index and record.digest != self.head.digest:
            raise InvariantError(f"audit record {record.index} was said before and was another")
