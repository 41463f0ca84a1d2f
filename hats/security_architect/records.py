"""What the audit log says of each thing that happened: an event's name and its fields."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

from shared.messages.control import Accessed, AgentMet, KillOrdered, ResumeOrdered, Started
from shared.messages.order import ActionAnswered, FillBooked, OrderChanged, SignatureRefused, SignedAction
from shared.messages.risk import OrderApproved, OrderDenied, TradingStateChanged
from shared.messages.signal import OrderIntent


class Event(NamedTuple):
    """One entry of the log before it is chained."""

    name: str
    fields: dict[str, Any]


Audited = (
    Started
    | OrderIntent
    | OrderApproved
    | OrderDenied
    | SignedAction
    | SignatureRefused
    | ActionAnswered
    | FillBooked
    | OrderChanged
    | TradingStateChanged
    | KillOrdered
    | ResumeOrdered
    | Accessed
    | AgentMet
)


def event_of(message: Audited) -> Event:
    """The entry for a message that the log keeps."""
    match message:
        case Started(run=run, build=build, config_sha256=config_sha256):
            return Event("started", {"run": run, "build": build, "config_sha256": config_sha256})
        case OrderApproved(intent=intent, approval_id=approval_id, expires_ns=expires_ns):
            return Event(
                "approval", {"approval_id": approval_id, "expires_ns": expires_ns, **msgspec.structs.asdict(intent)}
            )
        case OrderIntent():
            return Event("intent", msgspec.structs.asdict(message))
        case OrderDenied():
            return Event("denial", msgspec.structs.asdict(message))
        case SignedAction(body=body):
            fields = msgspec.structs.asdict(message)
            del fields["body"]
            return Event("signature", {**fields, "body_sha256": hashlib.sha256(body).hexdigest()})
        case SignatureRefused():
            return Event("refusal", msgspec.structs.asdict(message))
        case ActionAnswered():
            return Event("answer", msgspec.structs.asdict(message))
        case FillBooked(fill=fill, strategy=strategy):
            return Event("fill", {"strategy": strategy, **msgspec.structs.asdict(fill)})
        case OrderChanged():
            return Event("order_ended", msgspec.structs.asdict(message))
        case TradingStateChanged():
            return Event("trading_state", msgspec.structs.asdict(message))
        case KillOrdered():
            return Event("kill", msgspec.structs.asdict(message))
        case ResumeOrdered():
            return Event("resume", msgspec.structs.asdict(message))
        case AgentMet():
            return Event("agent", msgspec.structs.asdict(message))
        case Accessed():
            return Event("access", msgspec.structs.asdict(message))
