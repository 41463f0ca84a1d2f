"""Answers to signed actions: what an HTTP status and body prove about the one entry that the action carried."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.errands import EXCHANGE
from hats.exchange_architect.errors import Refusal, Verdict, verdict_on_action, verdict_on_entry
from hats.exchange_architect.numbers import Id
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import EXCERPT, UNREADABLE, bad_data
from shared.errors import VenueProtocolError
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


class _Response(msgspec.Struct):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"")


class _Resting(msgspec.Struct):
    oid: Id


class _Filled(msgspec.Struct, rename="camel"):
    oid: Id
    total_sz: str


class _Status(msgspec.Struct):
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


class _Body(msgspec.Struct):
    action: _Action


_reply: Final = msgspec.json.Decoder(_Reply)
_response: Final = msgspec.json.Decoder(_Response)
_statuses: Final = msgspec.json.Decoder(_Statuses)
_status: Final = msgspec.json.Decoder(_Status | str)
_text: Final = msgspec.json.Decoder(str)
_body: Final = msgspec.json.Decoder(_Body)

_WORDS: Final[dict[ActionKind, dict[str, AnswerKind]]] = {
    ActionKind.ORDER: {"waitingForFill": AnswerKind.RESTING, "waitingForTrigger": AnswerKind.RESTING},
    ActionKind.MODIFY: {"waitingForFill": AnswerKind.RESTING, "waitingForTrigger": AnswerKind.RESTING},
    ActionKind.CANCEL: {"success": AnswerKind.CANCELLED},
    ActionKind.FENCE: {},
}
_DEFAULTS: Final = {ActionKind.MODIFY: AnswerKind.RESTING, ActionKind.FENCE: AnswerKind.FENCED}
"""What it means that the venue says no more than that the action was taken."""


def answered(action: PostAction, proof: Proof, recv_ns: Ns) -> ActionAnswered:
    """The message for a proof."""
    return ActionAnswered(
        action.kind, action.cloid, action.nonce, proof.answer, proof.oid, proof.filled_sz, proof.error, recv_ns
    )


def told(action: PostAction, proof: Proof, recv_ns: Ns) -> list[Message]:
    """What is said of a proof: the answer, and an alarm if the venue's words are in no table."""
    said: list[Message] = [answered(action, proof, recv_ns)]
    if proof.is_undocumented:
        reason = f"undocumented refusal of {action.kind} {action.cloid}"
        said.append(bad_data(EXCHANGE, "", reason, proof.error.encode(), recv_ns, BadKind.UNDOCUMENTED))
    return said


def proof_of(action: PostAction, http_status: int, body: bytes, universe: Universe, resent: bool = False) -> Proof:
    """What the venue's answer to `action` proves; NO_ANSWER for everything that is not a documented proof.

    `resent` says that the bytes had been put on the wire before: then a refusal proves nothing about the first copy.
    """
    if http_status in NEVER_PARSED:
        return Proof(AnswerKind.NO_ANSWER if resent else AnswerKind.REFUSED, error=_http(http_status, body))
    if http_status != 200:
        return Proof(AnswerKind.NO_ANSWER, error=_http(http_status, body))
    try:
        return _proof_of_reply(action, _reply.decode(body), universe, resent)
    except (*UNREADABLE, VenueProtocolError) as error:
        return Proof(AnswerKind.NO_ANSWER, error=f"unreadable answer ({error}): {_excerpt(body)}")


def _proof_of_reply(action: PostAction, reply: _Reply, universe: Universe, resent: bool) -> Proof:
    if reply.status == "err":
        text = _text.decode(reply.response)
        return _refused(verdict_on_action(text, resent), text)
    if reply.status != "ok":
        raise VenueProtocolError("expected status ok or err", reply.status[:40])
    response = _response.decode(reply.response)
    if response.type == "default":
        if action.kind not in _DEFAULTS:
            raise VenueProtocolError(f"expected statuses in the answer to {action.kind}", "default")
        return Proof(_DEFAULTS[action.kind])
    statuses = _statuses.decode(response.data).statuses
    # one entry an action: a pre-validation error of the whole batch has one status as well
    if len(statuses) != 1:
        raise VenueProtocolError("expected one status", f"{len(statuses)} statuses")
    return _proof_of_status(action, _status.decode(statuses[0]), universe)


def _proof_of_status(action: PostAction, status: _Status | str, universe: Universe) -> Proof:
    if isinstance(status, str):
        answer = _WORDS[action.kind].get(status)
        if answer is None:
            raise VenueProtocolError(f"no such answer to {action.kind}", status[:40])
        return Proof(answer)
    if status.error is not None:
        return _refused(verdict_on_entry(status.error), status.error)
    if action.kind is ActionKind.CANCEL:
        raise VenueProtocolError("expected success or an error in the answer to a cancel")
    if status.resting is not None:
        return Proof(AnswerKind.RESTING, oid=status.resting.oid)
    if status.filled is not None:
        coin = universe.by_asset(asset_of(action.body))
        return Proof(AnswerKind.FILLED, oid=status.filled.oid, filled_sz=coin.sz(status.filled.total_sz))
    raise VenueProtocolError("expected resting, filled or error in a status")


def _refused(verdict: Verdict, text: str) -> Proof:
    return Proof(verdict.answer, error=text, is_undocumented=verdict.refusal is Refusal.UNDOCUMENTED)


def asset_of(body: bytes) -> int:
    """The asset id of the one order in a signed body; VenueProtocolError if there is none."""
    entries = _entries(_body.decode(body).action)
    if not entries:
        raise VenueProtocolError("expected a body with an order")
    return entries[0].a


def is_reduce_only(body: bytes) -> bool:
    """Can every order in this body only shrink a position? False for bodies without orders."""
    entries = _entries(_body.decode(body).action)
    return bool(entries) and all(entry.r for entry in entries)


def _entries(action: _Action) -> list[_Entry]:
    single = [action.order] if action.order is not None else []
    return [*action.orders, *(modify.order for modify in action.modifies), *single]


def _http(status: int, body: bytes) -> str:
    return f"HTTP {status}: {_excerpt(body)}"


def _excerpt(body: bytes) -> str:
    return body[:EXCERPT].decode("utf-8", errors="replace")
