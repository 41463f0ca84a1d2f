"""The Cryptographic Security Architect: nothing is signed without a matching approval, and everything is on record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import msgspec

from hats.security_architect import audit, measures
from hats.security_architect.actions import (
    NO_ORACLE,
    OVER_CAP,
    SIGNER_SAYS,
    Noop,
    kind_of,
    to_json,
)
from hats.security_architect.approvals import ApprovalBook
from hats.security_architect.packing import Pack, Piece, action_of, packs
from hats.security_architect.records import Audited, event_of
from hats.security_architect.settings import Settings
from shared.ids import Cloid, Role, is_cloid
from shared.messages import AnyMessage, Message
from shared.messages.control import (
    Accessed,
    AgentMet,
    AuditCheckpointed,
    AuditRecord,
    Check,
    Checked,
    KillOrdered,
    ResumeOrdered,
    Started,
    WakeAt,
    Woke,
)
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    AnswerKind,
    CancelOrder,
    FenceOrder,
    FillBooked,
    OrderChanged,
    SignatureRefused,
    SignedAction,
    SignRequest,
    SubmitOrder,
)
from shared.messages.risk import OrderApproved, OrderDenied, TradingState, TradingStateChanged
from shared.messages.signal import OrderIntent
from shared.order import is_open
from shared.scorecard import Samples
from shared.succession import REPEAT_TIMER, Succession
from shared.units import DAY, MS, SECOND, US, Ns

MEASURES_TIMER: Final = "measures"
FENCE_NS: Final = 60 * SECOND
"""An order's nonce is remembered so long after the order's expiry, to be fenced."""

_CHECKS: Final = {
    Check.AUDIT: measures.CHAIN_VERIFIED,
    Check.SECRETS: measures.SECRETS_FOUND,
    Check.EXPOSURE: measures.EXPOSURES_FOUND,
}

_DISPUTES: Final = (
    "does not exist",
    "Unable to recover signer",
    "Must deposit before",
    "Invalid nonce",
    "Nonce mismatch",
)
"""Parts of the venue's texts that blame the signature or its nonce."""


class Asked(msgspec.Struct, frozen=True):
    """A request at the signer, not answered yet, and when it was said."""

    request: SignRequest
    ns: Ns


class Numbered(msgspec.Struct, frozen=True, array_like=True):
    """The nonce of an order's action, when the order expires, and all the orders of that action."""

    nonce: int
    expires_ns: Ns
    cloids: tuple[Cloid, ...]


class State(msgspec.Struct):
    """All that the Security Architect remembers. `asked` is keyed by the nonce as text.

    `heard` counts the messages of the batch at hand, and `waiting` holds what of it is to be signed; empty between two.
    `succession`: the orders that a process that died may have had signed.
    """

    heard: int = 0
    waiting: list[Piece] = []
    succession: Succession = msgspec.field(default_factory=Succession)

    last_nonce: int = 0
    highest_signed_nonce: int = 0
    is_killed: bool = False
    trading: TradingState = TradingState.ACTIVE
    approvals: ApprovalBook = msgspec.field(default_factory=ApprovalBook)
    asked: dict[str, Asked] = {}
    order_nonces: dict[Cloid, Numbered] = {}
    listings: dict[str, tuple[int, int]] = {}
    head: audit.Head = audit.Head()
    recent: list[AuditRecord] = []
    signed_size: int = 0
    agent: str = ""
    key_created_ns: Ns | None = None
    unsigned_since_ns: Ns | None = None
    samples: Samples = msgspec.field(default_factory=Samples)


class SecurityArchitect:
    """Checks each order against its approval, numbers it, has it signed, and keeps the audit chain."""

    role: ClassVar[Role] = Role.SECURITY_ARCHITECT
    hears: ClassVar[tuple[type[Message], ...]] = (
        OrderIntent,
        OrderApproved,
        OrderDenied,
        SubmitOrder,
        CancelOrder,
        FenceOrder,
        SignedAction,
        SignatureRefused,
        ActionAnswered,
        FillBooked,
        OrderChanged,
        TradingStateChanged,
        KillOrdered,
        ResumeOrdered,
        AgentMet,
        AuditCheckpointed,
        Checked,
        Accessed,
        Woke,
        Started,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.state = State()

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from `message`; what is to be signed follows when its batch is settled."""
        self.state.heard += 1
        match message:
            case SubmitOrder():
                return self._submit(message, now)
            case CancelOrder():
                return self._cancel(message, now)
            case OrderApproved():
                return self._approved(message, now)
            case FenceOrder():
                return self._fence(message)
            case SignedAction():
                return self._signed(message, now)
            case SignatureRefused():
                return self._refused(message, now)
            case ActionAnswered():
                return self._answered(message, now)
            case FillBooked() | OrderChanged():
                return self._booked(message, now)
            case OrderIntent() | OrderDenied() | Accessed():
                return (self._record(message, now),)
            case AgentMet():
                return self._met(message, now)
            case AuditCheckpointed():
                return self._checkpointed(message)
            case Checked():
                return self._checked(message)
            case TradingStateChanged():
                return self._trading_state(message, now)
            case KillOrdered() | ResumeOrdered():
                return self._switch(message, now)
            case Woke(timer=timer, ns=ns):
                return self._repeat(ns, now) if timer == REPEAT_TIMER else self._measure(now)
            case Started():
                return self._started(message, now)
        return ()

    def settle(self, now: Ns) -> Iterable[tuple[int, AnyMessage]]:
        """The requests to sign what was asked for together, each caused by the first piece of it."""
        waiting, self.state.waiting, self.state.heard = self.state.waiting, [], 0
        for pack in packs(waiting, self._settings.entries_max):
            yield pack.pieces[0].index, self._ask(pack, now)

    def _started(self, started: Started, now: Ns) -> tuple[AnyMessage, ...]:
        """Say again what the edge may not have carried out when its process died.

        The audit log takes a record that it has as it is. Requests wait until all was heard that the dead process was
        told: a refusal is among it, perhaps, and what was refused must not be signed now.
        """
        if not self.state.head.index:
            return (self._wake(now), self._record(started, now))
        return (self.state.succession.begin(now), self._wake(now), *self.state.recent, self._record(started, now))

    def _repeat(self, started_ns: Ns, now: Ns) -> tuple[SignRequest, ...]:
        """What a dead process was asked and nobody has an answer to: the signer gives the same to the same request."""
        self.state.succession.woke(started_ns)
        lost = {nonce: asked.request for nonce, asked in self.state.asked.items() if asked.ns < started_ns}
        again = tuple(msgspec.structs.replace(request, is_repeated=True) for request in lost.values())
        self.state.asked |= {str(request.nonce): Asked(request, now) for request in again}
        return again

    def _submit(self, order: SubmitOrder, now: Ns) -> tuple[AnyMessage, ...]:
        reason = self._order_fault(order, now)
        is_doubtful = self.state.succession.take() or order.expires_ns <= now
        self.state.samples.add(measures.REFUSED_SHARE, 0.0 if reason is None else 1.0)
        if reason is not None:
            return (SignatureRefused(kind_of(order), order.cloid, reason, is_doubtful=is_doubtful),)
        ticket = self.state.approvals.ticket(order)
        self.state.approvals.spend(order.approval_id)
        self.state.samples.add(measures.APPROVALS_UNSPENT, 0.0)
        self.state.listings.setdefault(order.coin, (order.asset, order.sz_decimals))
        self.state.waiting.append(Piece(self.state.heard - 1, order, ticket))
        return ()

    def _order_fault(self, order: SubmitOrder, now: Ns) -> str | None:
        """Why the order may not be signed; None if it may."""
        fault = self.state.approvals.fault_in(order, now) or self._deadline_fault(order.expires_ns, now)
        if fault is not None:
            return fault
        listed = (order.asset, order.sz_decimals)
        if self.state.listings.get(order.coin, listed) != listed:
            return f"{order.coin} was asset {self.state.listings[order.coin]} before, now {listed}"
        if order.reduce_only:
            return None
        if self.state.is_killed:
            return "the kill switch is pulled: only reducing orders"
        if self.state.trading is not TradingState.ACTIVE:
            return f"trading is {self.state.trading}: only reducing orders"
        return None

    def _cancel(self, cancel: CancelOrder, now: Ns) -> tuple[AnyMessage, ...]:
        reason = self._deadline_fault(cancel.expires_ns, now)
        if not is_cloid(cancel.cloid):
            reason = f"{cancel.cloid!r} is no cloid"
        self.state.samples.add(measures.REFUSED_SHARE, 0.0 if reason is None else 1.0)
        if reason is not None:
            kind = ActionKind.CANCEL if cancel.twap_id is None else ActionKind.TWAP_CANCEL
            return (SignatureRefused(kind, cancel.cloid, reason),)
        self.state.waiting.append(Piece(self.state.heard - 1, cancel))
        return ()

    def _fence(self, fence: FenceOrder) -> tuple[AnyMessage, ...]:
        """A noop under the nonce of the order's action; always allowed, for it can only prevent something."""
        numbered = self.state.order_nonces.get(fence.cloid)
        if numbered is None:
            return (SignatureRefused(ActionKind.FENCE, fence.cloid, "no nonce of this order is known"),)
        first, *mates = numbered.cloids
        return (SignRequest(ActionKind.FENCE, first, numbered.nonce, 0, to_json(Noop()), mates=tuple(mates)),)

    def _deadline_fault(self, expires_ns: Ns, now: Ns) -> str | None:
        ahead_ms = expires_ns // MS - now // MS
        if ahead_ms <= 0:
            return f"the deadline passed {-ahead_ms} ms ago"
        if ahead_ms > self._settings.expires_ahead_ms_max:
            return f"the deadline is {ahead_ms} ms ahead, at most {self._settings.expires_ahead_ms_max} allowed"
        return None

    def _ask(self, pack: Pack, now: Ns) -> SignRequest:
        """The request with the next nonce: the time in ms, or one more than the last when time has not moved on."""
        nonce = max(self.state.last_nonce + 1, now // MS)
        self.state.last_nonce = nonce
        first, *mates = pack.cloids
        kind, action = pack.pieces[0].kind, to_json(action_of(pack))
        request = SignRequest(kind, first, nonce, pack.expires_ns // MS, action, pack.tickets, tuple(mates))
        self.state.asked[str(nonce)] = Asked(request, now)
        return request

    def _approved(self, approved: OrderApproved, now: Ns) -> tuple[AnyMessage, ...]:
        self.state.approvals.learn(approved)
        return (self._record(approved, now),)

    def _signed(self, signed: SignedAction, now: Ns) -> tuple[AnyMessage, ...]:
        state = self.state
        if signed.kind is ActionKind.FENCE:
            return (self._record(signed, now),)
        if signed.kind.places:
            numbered = Numbered(signed.nonce, Ns(signed.expires_after_ms * MS), signed.cloids)
            state.order_nonces |= dict.fromkeys(signed.cloids, numbered)
        asked = state.asked.pop(str(signed.nonce), None)
        if asked is not None:
            is_next = signed.nonce > state.highest_signed_nonce and _names(asked.request) == _names(signed)
            state.highest_signed_nonce = max(state.highest_signed_nonce, signed.nonce)
            state.samples.add(measures.NONCES_UNIQUE, 1.0 if is_next else 0.0)
            state.samples.add(measures.WRONG_REFUSALS, 0.0)
        elif signed.nonce > state.last_nonce:
            if state.succession.left:  # a process that died asked for it
                state.last_nonce = signed.nonce
            else:
                state.samples.add(measures.NONCES_UNIQUE, 0.0)
        if signed.sign_ns:
            state.samples.add(measures.SIGN_LATENCY, signed.sign_ns / US)
        return (self._record(signed, now),)

    def _refused(self, refused: SignatureRefused, now: Ns) -> tuple[AnyMessage, ...]:
        if refused.reason.startswith(SIGNER_SAYS):
            nonces = [n for n, asked in self.state.asked.items() if _names(asked.request) == _names(refused)]
            for nonce in nonces[:1]:
                del self.state.asked[nonce]
                is_right = OVER_CAP in refused.reason or NO_ORACLE in refused.reason or refused.is_doubtful
                self.state.samples.add(measures.WRONG_REFUSALS, 0.0 if is_right else 1.0)
        return (self._record(refused, now),)

    def _answered(self, answered: ActionAnswered, now: Ns) -> tuple[AnyMessage, ...]:
        if answered.answer not in {AnswerKind.NO_ANSWER, AnswerKind.NONCE_USED}:
            disputed = any(part in answered.error for part in _DISPUTES)
            self.state.samples.add(measures.SIGNATURES_TAKEN, 0.0 if disputed else 1.0)
        return (self._record(answered, now),)

    def _trading_state(self, changed: TradingStateChanged, now: Ns) -> tuple[AnyMessage, ...]:
        if changed.state is TradingState.ACTIVE and self.state.trading is not TradingState.ACTIVE:
            self.state.approvals.revoke()
        self.state.trading = changed.state
        return (self._record(changed, now),)

    def _switch(self, ordered: KillOrdered | ResumeOrdered, now: Ns) -> tuple[AnyMessage, ...]:
        if self.state.is_killed and isinstance(ordered, ResumeOrdered):
            self.state.approvals.revoke()
        self.state.is_killed = isinstance(ordered, KillOrdered)
        return (self._record(ordered, now),)

    def _booked(self, booked: FillBooked | OrderChanged, now: Ns) -> tuple[AnyMessage, ...]:
        """Fills and ends of orders go on record; an order's steps between do not."""
        if isinstance(booked, OrderChanged) and is_open(booked.state):
            return ()
        return (self._record(booked, now),)

    def _met(self, met: AgentMet, now: Ns) -> tuple[AnyMessage, ...]:
        """Whose key signs; on record when it is another one than before."""
        state = self.state
        is_other = met.address != state.agent
        state.agent, state.key_created_ns = met.address, met.created_ns or None
        state.last_nonce = max(state.last_nonce, met.high_nonce)  # of a run whose clock was ahead of ours
        return (self._record(met, now),) if is_other else ()

    def _checkpointed(self, checkpoint: AuditCheckpointed) -> tuple[AnyMessage, ...]:
        """From here on what the checkpoint covers is safe; what came after it was written no earlier than it."""
        state = self.state
        state.signed_size = max(state.signed_size, checkpoint.size)
        state.unsigned_since_ns = None if state.signed_size >= state.head.index else checkpoint.ns
        return ()

    def _checked(self, checked: Checked) -> tuple[AnyMessage, ...]:
        name = _CHECKS[checked.check]
        value = float(not checked.faults) if checked.check is Check.AUDIT else float(checked.faults)
        self.state.samples.add(name, value)
        return ()

    def _record(self, message: Audited, now: Ns) -> AuditRecord:
        event = event_of(message)
        record = audit.append(self.state.head, audit.body_of(event.name, now, event.fields))
        self.state.head = audit.head_of(record)
        self.state.recent.append(record)
        if self.state.unsigned_since_ns is None:
            self.state.unsigned_since_ns = now
        if len(self.state.recent) >= 2 * self._settings.chain_check_records:
            del self.state.recent[: -self._settings.chain_check_records]
        return record

    def _measure(self, now: Ns) -> tuple[AnyMessage, ...]:
        state = self.state
        for _ in range(state.approvals.expire(now)):
            state.samples.add(measures.APPROVALS_UNSPENT, 1.0)
        state.order_nonces = {c: n for c, n in state.order_nonces.items() if n.expires_ns + FENCE_NS > now}
        limit_ns = self._settings.unanswered_after_ms * MS
        for nonce in [nonce for nonce, asked in state.asked.items() if now - asked.ns > limit_ns]:
            del state.asked[nonce]
            state.samples.add(measures.WRONG_REFUSALS, 1.0)
        age_ns = 0 if state.unsigned_since_ns is None else max(now - state.unsigned_since_ns, 0)
        state.samples.add(measures.UNSIGNED_AGE, age_ns / SECOND)
        if state.key_created_ns is not None:
            state.samples.add(measures.KEY_AGE, max(now - state.key_created_ns, 0) / DAY)
        state.samples.add(measures.CHAIN_INTACT, 1.0 if audit.is_chain(state.recent, state.head) else 0.0)
        return (*state.samples.report(self.role), self._wake(now))

    def _wake(self, now: Ns) -> WakeAt:
        return WakeAt(Ns(now + self._settings.measures_every_ms * MS), MEASURES_TIMER)


def _names(message: SignRequest | SignedAction | SignatureRefused) -> tuple[ActionKind, Cloid]:
    """What a request or an answer is about."""
    return message.kind, message.cloid
