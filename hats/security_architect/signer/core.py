"""The signer's decision, pure: one question in, one answer out, and what it spends, which must be on disk first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hats.security_architect.actions import Noop, TwapOrder, read_action
from hats.security_architect.signer.bounds import Added, Bounds
from hats.security_architect.signer.frames import Ask, Refused, Signed
from hats.security_architect.signer.keyring import Held, Keyring
from hats.security_architect.signer.nonces import Admission, NonceBook, Spent
from hats.security_architect.signer.oracle import Oracle
from hats.security_architect.signer.policy import Policy, expiry_fault, order_fault, refusal
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook, judged_by
from shared.errors import DataError, InvariantError


class Decision(NamedTuple):
    """The answer, the nonce and approvals newly spent by it, and what it adds (None: nothing to keep)."""

    answer: Signed | Refused
    spent: Spent | None
    approval_ids: tuple[int, ...] = ()
    added: Added | None = None


class Signer:
    """Policy, bounds, nonces, approvals and a key (or several, while one takes over); on the stage a throw-away key.

    Without approvals (the watchdog's) its policy must cap what adds exposure at nothing: it can only reduce.
    """

    def __init__(
        self,
        policy: Policy,
        keys: AgentKey | Keyring,
        nonces: NonceBook,
        tickets: TicketBook | None,
        added: Iterable[Added] = (),
    ) -> None:
        """`added`: what a former process signed of late, oldest first."""
        if tickets is None and policy.max_notional_usd:
            raise InvariantError("a signer that asks for no approval may only reduce")
        self._keys = keys if isinstance(keys, Keyring) else Keyring([Held(keys, 0, 0)])
        if policy.network is not self._keys.current.network:
            raise InvariantError(f"expected a key for {policy.network}, got one for {self._keys.current.network}")
        self._policy = policy
        self._nonces = nonces
        self._tickets = tickets
        self._bounds = Bounds(policy.limits, added)

    @property
    def oracle(self) -> Oracle:
        """Where readings of the oracle's prices go."""
        return self._bounds.oracle

    @property
    def address(self) -> str:
        """The address of the agent that signs what is new."""
        return self._keys.current.address

    @property
    def created_ns(self) -> int:
        """When that agent's key was made; 0 if nobody knows."""
        return self._keys.current.created_ns

    @property
    def window_ms(self) -> int:
        """How long what was signed counts against the bounds."""
        return self._policy.limits.window_ms

    @property
    def high(self) -> int:
        """The highest nonce spent."""
        return self._nonces.high

    @property
    def approval_key_name(self) -> bytes:
        """Which key approvals are sealed with, without saying the key."""
        return self._tickets.key_name if self._tickets is not None else b""

    def decide(self, ask: Ask, now_ms: int) -> Decision:
        """Signature or refusal. A question that was answered before has the same answer again, whatever the time.

        A noop may be signed under a nonce that was spent on something else: it fences that, and can do nothing itself.
        """
        try:
            action = read_action(ask.action)
        except DataError as error:
            return _refused(ask, f"policy: {error}")
        spent = Spent(ask.nonce, self._keys.current.digest(ask.action, ask.nonce, ask.expires_after_ms))
        admission = self._nonces.judge(spent)
        if admission is Admission.AGAIN or (admission is Admission.OTHER_DIGEST and isinstance(action, Noop)):
            key = self._keys.signer_of(ask.nonce)
            if key is None:
                return _refused(ask, f"nonce: {ask.nonce} was spent by an agent that is retired")
            return Decision(_sign(key, ask, spent), None)
        if admission is not Admission.NEW:
            return _refused(ask, f"nonce: {admission.value} ({ask.nonce}, highest {self._nonces.high})")
        reason = refusal(self._policy, action, ask.nonce, ask.expires_after_ms, now_ms)
        if reason is not None:
            return _refused(ask, f"policy: {reason}")
        if self._tickets is None:
            return Decision(self._sign_new(ask, spent), spent)
        reason = self._tickets.fault_in(action, ask.tickets, ask.expires_after_ms, now_ms)
        if reason is not None:
            return _refused(ask, reason)
        if isinstance(action, TwapOrder):  # its price is its ticket's
            reason = order_fault(self._policy, judged_by(action, ask.tickets))
            if reason is not None:
                return _refused(ask, f"policy: {reason}")
        added = self._bounds.judge(action, now_ms, ask.tickets)
        if isinstance(added, str):
            return _refused(ask, f"policy: {added}")
        approval_ids = tuple(ticket.approval_id for ticket in ask.tickets)
        self._tickets.spend(approval_ids)
        if added is not None:
            self._bounds.add(added)
        return Decision(self._sign_new(ask, spent), spent, approval_ids, added)

    def _sign_new(self, ask: Ask, spent: Spent) -> Signed:
        self._nonces.spend(spent)
        self._keys.note(ask.expires_after_ms)
        return _sign(self._keys.current, ask, spent)


def in_time(ask: Ask, decision: Decision, now_ms: int) -> Signed | Refused:
    """The answer that may go out once what it spends is kept: nothing new that expired while this process stood."""
    expired = None if decision.spent is None else expiry_fault(ask.expires_after_ms, now_ms)
    return decision.answer if expired is None else Refused(ask.ask_id, f"policy: {expired}")


def _sign(key: AgentKey, ask: Ask, spent: Spent) -> Signed:
    signature = key.sign(spent.digest)
    return Signed(ask.ask_id, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big"), signature.v)


def _refused(ask: Ask, reason: str) -> Decision:
    return Decision(Refused(ask.ask_id, reason), None)
