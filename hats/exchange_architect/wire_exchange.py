"""Answers to signed actions: what an HTTP status and body prove about each entry that the action carried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.errands import EXCHANGE
from hats.exchange_architect.errors import Refusal, Verdict, verdict_on_action, verdict_on_entry
from hats.exchange_architect.numbers import Id
from hats.exchange_architect.records import sz_from_wire
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import EXCERPT, UNREADABLE, bad_data
from shared.errors import VenueProtocolError
from shared.ids import Cloid
from shared.messages import Message
from shared.messages.market import BadKind
from shared.messages.order import ActionAnswered, ActionKind, AnswerKind, PostAction
from shared.units import Ns, Sz

NEVER_PARSED: Final = frozenset({400, 415, 422})
"""HTTP statuses by which the venue says that it could not even read the action. Source: fact sheet 0.4."""


class Proof(NamedTuple):
    """What is proven: the kind, the venue's order id (0: not told), lots filled and its words.

    `is_undocumented`: it refused in words that are in no table.
    """

    answer: AnswerKind
    oid: int = 0
    filled_sz: Sz = Sz(0)
    error: str = ""
    is_undocumented: bool = False


class _Reply(msgspec.Struct):
    status: str
    response: msgspec.Raw


class _Statuses(msgspec.Struct):
    statuses: list[msgspec.Raw]


class _Alone(msgspec.Struct):
    status: msgspec.Raw


class _Response(msgspec.Struct):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"")


class _Resting(msgspec.Struct):
    oid: Id


class _Filled(msgspec.Struct, rename="camel"):
    oid: Id
    total_sz: str


class _Running(msgspec.Struct, rename="camel"):
    twap_id: Id


class _Status(msgspec.Struct):
    running: _Running | None = None
    resting: _Resting | None = None
    filled: _Filled | None = None
    error: str | None = None


class _Entry(msgspec.Struct):
    a: int = -1
    r: bool = False


class _Modify(msgspec.Struct):
    order: _Entry = msgspec.field(default_factory=_Entry)


class _Action(msgspec.Struct):
    type: str = ""
    orders: list[_Entry] = []
    modifies: list[_Modify] = []
    order: _Entry | None = None
    twap: _Entry | None = None


class _Body(msgspec.Struct):
    action: _Action


_reply: Final = msgspec.json.Decoder(_Reply)
_response: Final = msgspec.json.Decoder(_Response)
_statuses: Final = msgspec.json.Decoder(_Statuses)
_alone: Final = msgspec.json.Decoder(_Alone)
_status: Final = msgspec.json.Decoder(_Status | str)
_text: Final = msgspec.json.Decoder(str)
_body: Final = msgspec.json.Decoder(_Body)

_WORDS: Final[dict[ActionKind, dict[str, AnswerKind]]] = {
    ActionKind.ORDER: {"waitingForFill": AnswerKind.RESTING, "waitingForTrigger": AnswerKind.RESTING},
    ActionKind.MODIFY: {"waitingForFill": AnswerKind.RESTING, "waitingForTrigger": AnswerKind.RESTING},
    ActionKind.CANCEL: {"success": AnswerKind.CANCELLED},
    ActionKind.TWAP_CANCEL: {"success": AnswerKind.CANCELLED},
    ActionKind.TWAP: {},
    ActionKind.FENCE: {},
}
_DEFAULTS: Final = {ActionKind.MODIFY: AnswerKind.RESTING, ActionKind.FENCE: AnswerKind.FENCED}
"""What it means that the venue says no more than that the action was taken."""


def answered(action: PostAction, cloid: Cloid, proof: Proof, recv_ns: Ns) -> ActionAnswered:
    """The message for the proof of one entry."""
    return ActionAnswered(
        action.kind, cloid, action.nonce, proof.answer, proof.oid, proof.filled_sz, proof.error, recv_ns
    )


def told(action: PostAction, proofs: Sequence[Proof], recv_ns: Ns) -> list[Message]:
    """What is said of the proofs: an answer an entry, and an alarm for words that are in no table."""
    said: list[Message] = [
        answered(action, cloid, proof, recv_ns) for cloid, proof in zip(action.cloids, proofs, strict=True)
    ]
    for text in dict.fromkeys(proof.error for proof in proofs if proof.is_undocumented):
        reason = f"undocumented refusal of {action.kind} {action.cloid}"
        said.append(bad_data(EXCHANGE, "", reason, text.encode(), recv_ns, BadKind.UNDOCUMENTED))
    return said


def alike(action: PostAction, proof: Proof) -> tuple[Proof, ...]:
    """The same of every entry of the action."""
    return (proof,) * len(action.cloids)


def unsent(action: PostAction, reason: str, *, may_be_there: bool) -> tuple[Proof, ...]:
    """What it proves of every entry that these bytes do not leave: nothing, if a copy of them may have before."""
    if may_be_there:
        return alike(action, Proof(AnswerKind.NO_ANSWER, error=f"local: not sent again: {reason}"))
    return alike(action, Proof(AnswerKind.REFUSED, error=f"local: never sent: {reason}"))


def is_unanswered(proofs: Sequence[Proof]) -> bool:
    """Is nothing known of any of it?"""
    return all(proof.answer is AnswerKind.NO_ANSWER for proof in proofs)


def proofs_of(
    action: PostAction, http_status: int, body: bytes, universe: Universe, resent: bool = False
) -> tuple[Proof, ...]:
    """What the venue's answer to `action` proves of each entry; NO_ANSWER for what is not a documented proof.

    `resent` says that the bytes had been put on the wire before: then a refusal proves nothing about the first copy.
    """
    if http_status in NEVER_PARSED:
        answer = AnswerKind.NO_ANSWER if resent else AnswerKind.REFUSED
        return alike(action, Proof(answer, error=_http(http_status, body)))
    if http_status != 200:
        return alike(action, Proof(AnswerKind.NO_ANSWER, error=_http(http_status, body)))
    try:
        return _proofs_of_reply(action, _reply.decode(body), universe, resent)
    except (*UNREADABLE, VenueProtocolError) as error:
        return alike(action, _unreadable(error, body))


def _unreadable(error: Exception, body: bytes) -> Proof:
    return Proof(AnswerKind.NO_ANSWER, error=f"unreadable answer ({error}): {_excerpt(body)}")


def _proofs_of_reply(action: PostAction, reply: _Reply, universe: Universe, resent: bool) -> tuple[Proof, ...]:
    if reply.status == "err":
        text = _text.decode(reply.response)
        return alike(action, _refused(verdict_on_action(text, resent), text))
    if reply.status != "ok":
        raise VenueProtocolError("expected status ok or err", reply.status[:40])
    response = _response.decode(reply.response)
    if response.type == "default":
        if action.kind not in _DEFAULTS:
            raise VenueProtocolError(f"expected statuses in the answer to {action.kind}", "default")
        return alike(action, Proof(_DEFAULTS[action.kind]))
    if action.kind in (ActionKind.TWAP, ActionKind.TWAP_CANCEL):
        statuses = [_alone.decode(response.data).status]
    else:
        statuses = _statuses.decode(response.data).statuses
    if len(statuses) == len(action.cloids):
        return tuple(_proof_of_entry(action, index, raw, universe) for index, raw in enumerate(statuses))
    if len(statuses) == 1:
        return alike(action, _refusal_of_all(statuses[0]))
    raise VenueProtocolError(f"expected {len(action.cloids)} statuses", f"{len(statuses)} statuses")


def _refusal_of_all(raw: msgspec.Raw) -> Proof:
    """One error for a whole batch: a fault of the payload, found before anything was done. Source: fact sheet 2.6."""
    status = _status.decode(raw)
    error = None if isinstance(status, str) else status.error
    if error is None:
        raise VenueProtocolError("expected a status for each entry, or one error for all")
    verdict = verdict_on_entry(error)
    if verdict.refusal is Refusal.UNDOCUMENTED:
        verdict = verdict._replace(answer=AnswerKind.NO_ANSWER)  # nobody knows whether it speaks for all
    return _refused(verdict, error)


def _proof_of_entry(action: PostAction, index: int, raw: msgspec.Raw, universe: Universe) -> Proof:
    """What one status proves; one that can't be read proves nothing, and the others stand."""
    try:
        return _proof_of_status(action, index, _status.decode(raw), universe)
    except (*UNREADABLE, VenueProtocolError) as error:
        return _unreadable(error, bytes(raw))


def _proof_of_status(action: PostAction, index: int, status: _Status | str, universe: Universe) -> Proof:
    if isinstance(status, str):
        answer = _WORDS[action.kind].get(status)
        if answer is None:
            raise VenueProtocolError(f"no such answer to {action.kind}", status[:40])
        return Proof(answer)
    if status.error is not None:
        return _refused(verdict_on_entry(status.error), status.error)
    if action.kind.cancels:
        raise VenueProtocolError("expected success or an error in the answer to a cancel")
    if action.kind is ActionKind.TWAP:
        if status.running is None:
            raise VenueProtocolError("expected running or an error in the answer to a TWAP")
        return Proof(AnswerKind.RESTING, oid=status.running.twap_id)
    if status.resting is not None:
        return Proof(AnswerKind.RESTING, oid=status.resting.oid)
    if status.filled is not None:
        coin = universe.by_asset(asset_of(action.body, index))
        return Proof(AnswerKind.FILLED, oid=status.filled.oid, filled_sz=sz_from_wire(status.filled.total_sz, coin))
    raise VenueProtocolError("expected resting, filled or error in a status")


def _refused(verdict: Verdict, text: str) -> Proof:
    return Proof(verdict.answer, error=text, is_undocumented=verdict.refusal is Refusal.UNDOCUMENTED)


def asset_of(body: bytes, index: int = 0) -> int:
    """The asset id of an order in a signed body; VenueProtocolError if there is none at that place."""
    entries = _entries(_body.decode(body).action)
    if index >= len(entries):
        raise VenueProtocolError(f"expected a body with more than {index} orders")
    return entries[index].a


def is_reduce_only(body: bytes) -> bool:
    """Can every order in this body only shrink a position? False for bodies without orders."""
    entries = _entries(_body.decode(body).action)
    return bool(entries) and all(entry.r for entry in entries)


def _entries(action: _Action) -> list[_Entry]:
    single = [entry for entry in (action.order, action.twap) if entry is not None]
    return [*action.orders, *(modify.order for modify in action.modifies), *single]


def _http(status: int, body: bytes) -> str:
    return f"HTTP {status}: {_excerpt(body)}"


def _excerpt(body: bytes) -> str:
    return body[:EXCERPT].decode("utf-8", errors="replace")
