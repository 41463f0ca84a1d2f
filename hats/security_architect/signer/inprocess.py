"""The signer inside the process, for the stage: the same policy, nonces and signatures, and no second copy of either.

The stage's key is thrown away with the run. What it takes to sign is not measured here (`sign_ns` is 0: unknown), for a
run must give the same bytes twice.
"""

from __future__ import annotations

from typing import ClassVar, Final

from hats.security_architect import audit
from hats.security_architect.answers import signed_action, signer_refusal
from hats.security_architect.checkpoints import Checkpoint, CheckpointKey
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.frames import Ask, Refused
from hats.security_architect.signer.nonces import NonceBook
from hats.security_architect.signer.notary import Notary
from hats.security_architect.signer.oracle import Prices
from hats.security_architect.signer.policy import Policy
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook
from shared.approval import ApprovalKey
from shared.edge import Context, Publish
from shared.errors import InvariantError
from shared.messages import Message
from shared.messages.control import AgentMet, AuditCheckpointed, AuditRecord
from shared.messages.order import SignRequest
from shared.units import MS, Ns

_LOG: Final = "stage"
_CHECKPOINT_RECORDS: Final = 100
"""By count alone, for no thread runs here; fewer than in a process, for a stage runs minutes and not days."""


class InProcessSigner:
    """The Security Architect's edge on the stage. Audit records are checked for their place in the chain."""

    commands: ClassVar[frozenset[type[Message]]] = frozenset({SignRequest, AuditRecord})

    def __init__(self, policy: Policy, secret: bytes, approval_key: ApprovalKey, created_ns: int = 0) -> None:
        """`created_ns`: when the key was made; 0 if nobody knows."""
        key = AgentKey(secret, policy.network, created_ns)
        self._signer = Signer(policy, key, NonceBook(), TicketBook(approval_key))
        self._network = policy.network.value
        self._notary = Notary(CheckpointKey(secret))
        self._leaves: list[bytes] = []
        self._publish: Publish | None = None
        self.head = audit.Head()

    def tell_prices(self, prices: Prices) -> None:
        """A reading of the oracle; its seal matters only between processes."""
        self._signer.oracle.take(prices)

    @property
    def address(self) -> str:
        """The agent's address."""
        return self._signer.address

    def start(self, publish: Publish) -> None:
        """From here on answers are published; first, who signs."""
        self._publish = publish
        publish(AgentMet(self.address, self._network, Ns(self._signer.created_ns)))

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:
        """Sign and publish the answer, or follow the audit chain; InvariantError if the chain breaks."""
        if isinstance(command, AuditRecord):
            self._follow(command, now)
        elif isinstance(command, SignRequest):
            assert self._publish is not None, "the edge was not started"
            ask = Ask(0, command.action, command.nonce, command.expires_after_ms, command.tickets)
            answer = self._signer.decide(ask, now // MS).answer
            if isinstance(answer, Refused):
                self._publish(signer_refusal(command, answer.reason, may_be_repeated=context.may_be_repeated), context)
            else:
                self._publish(signed_action(command, answer, 0), context)

    def stop(self) -> None:
        """Nothing runs here that would have to end."""
        self._publish = None

    def _follow(self, record: AuditRecord, now: Ns) -> None:
        if record.index > self.head.index:
            self.head = audit.follow(self.head, record)
            self._leaves.append(audit.leaf_of(audit.line_of(record)))
            if len(self._leaves) >= _CHECKPOINT_RECORDS:
                self._checkpoint(now)
        elif record.index == self.head.index and record.digest != self.head.digest:
            raise InvariantError(f"audit record {record.index} was said before and was another")

    def _checkpoint(self, now: Ns) -> None:
        made = self._notary.grow(_LOG, self.head.index - len(self._leaves) + 1, b"".join(self._leaves), now)
        assert isinstance(made, Checkpoint), made
        self._notary.keep(made)
        self._leaves.clear()
        if self._publish is not None:
            self._publish(AuditCheckpointed(made.size, made.root, now, made.public_key))
