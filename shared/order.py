"""The life of an order as one table: which event may follow which state, and where it leads."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

import msgspec

from shared.errors import InvariantError
from shared.units import Px


class Side(Enum):
    """BUY or SELL; the value is the sign that a fill gives a position."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Tif(StrEnum):
    """Time in force, in the venue's words: add-liquidity-only, immediate-or-cancel, good-til-cancelled."""

    ALO = "Alo"
    IOC = "Ioc"
    GTC = "Gtc"


class TriggerKind(StrEnum):
    """Which way a trigger's mark must go, in the venue's words: against the position, or for it."""

    STOP_LOSS = "sl"
    TAKE_PROFIT = "tp"


class Trigger(msgspec.Struct, frozen=True, tag="trigger"):
    """The order sleeps at the venue until the mark reaches `px`; then it is a limit order with its tif.

    IOC makes it the venue's market trigger, GTC its limit trigger; ALO does not exist there.
    """

    px: Px
    kind: TriggerKind


class VenueTwap(msgspec.Struct, frozen=True, tag="twap"):
    """The venue itself trades the size in even parts over `minutes`, at the market; it takes no limit price."""

    minutes: int
    randomize: bool


How = Trigger | VenueTwap
"""How the venue is to work an order, where that is not at once and at its limit price."""


class OrderState(StrEnum):
    """Where an order stands. UNKNOWN means sent without a definite answer: it counts in full until proven."""

    NEW = "new"
    PENDING_SUBMIT = "pending_submit"
    RESTING = "resting"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_MODIFY = "pending_modify"
    TRIGGERED = "triggered"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class OrderEvent(StrEnum):
    """What can happen to an order, whoever reports it."""

    SUBMIT = "submit"
    ACCEPT = "accept"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    REJECT = "reject"
    NO_ANSWER = "no_answer"
    REQUEST_CANCEL = "request_cancel"
    REQUEST_MODIFY = "request_modify"
    REFUSE_CHANGE = "refuse_change"
    CANCEL = "cancel"
    TRIGGER = "trigger"
    EXPIRE = "expire"


TERMINAL: Final = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED})

_S, _E = OrderState, OrderEvent
_ENDINGS: Final = {_E.FILL: _S.FILLED, _E.CANCEL: _S.CANCELLED, _E.EXPIRE: _S.EXPIRED}

TRANSITIONS: Final[dict[OrderState, dict[OrderEvent, OrderState]]] = {
    # an approval may come too late, may no longer be allowed, or its strategy may have withdrawn the wish meanwhile
    _S.NEW: {
        _E.SUBMIT: _S.PENDING_SUBMIT,
        _E.EXPIRE: _S.EXPIRED,
        _E.REJECT: _S.REJECTED,
        _E.CANCEL: _S.CANCELLED,
    },
    _S.PENDING_SUBMIT: _ENDINGS
    | {
        _E.ACCEPT: _S.RESTING,
        _E.PARTIAL_FILL: _S.PARTIALLY_FILLED,
        _E.REJECT: _S.REJECTED,
        _E.NO_ANSWER: _S.UNKNOWN,
        _E.TRIGGER: _S.TRIGGERED,
        # the strategy may change its mind before the venue answers; both races are real
        _E.REQUEST_CANCEL: _S.PENDING_CANCEL,
        _E.REQUEST_MODIFY: _S.PENDING_MODIFY,
    },
    _S.RESTING: _ENDINGS
    | {
        _E.ACCEPT: _S.RESTING,
        _E.PARTIAL_FILL: _S.PARTIALLY_FILLED,
        _E.REQUEST_CANCEL: _S.PENDING_CANCEL,
        _E.REQUEST_MODIFY: _S.PENDING_MODIFY,
        _E.TRIGGER: _S.TRIGGERED,
    },
    _S.PARTIALLY_FILLED: _ENDINGS
    | {
        _E.ACCEPT: _S.PARTIALLY_FILLED,
        _E.PARTIAL_FILL: _S.PARTIALLY_FILLED,
        _E.REQUEST_CANCEL: _S.PENDING_CANCEL,
        _E.REQUEST_MODIFY: _S.PENDING_MODIFY,
    },
    _S.PENDING_CANCEL: _ENDINGS
    | {
        _E.ACCEPT: _S.PENDING_CANCEL,
        _E.PARTIAL_FILL: _S.PENDING_CANCEL,
        _E.REJECT: _S.REJECTED,
        _E.REFUSE_CHANGE: _S.RESTING,
        _E.NO_ANSWER: _S.UNKNOWN,
        _E.REQUEST_CANCEL: _S.PENDING_CANCEL,
    },
    _S.PENDING_MODIFY: _ENDINGS
    | {
        _E.ACCEPT: _S.PENDING_MODIFY,
        _E.PARTIAL_FILL: _S.PENDING_MODIFY,
        # it was being replaced before the venue answered, and the answer is no
        _E.REJECT: _S.REJECTED,
        _E.REFUSE_CHANGE: _S.RESTING,
        _E.NO_ANSWER: _S.UNKNOWN,
        _E.REQUEST_CANCEL: _S.PENDING_CANCEL,
    },
    _S.TRIGGERED: _ENDINGS
    | {
        _E.ACCEPT: _S.RESTING,
        _E.PARTIAL_FILL: _S.PARTIALLY_FILLED,
        _E.REJECT: _S.REJECTED,
        _E.REQUEST_CANCEL: _S.PENDING_CANCEL,
    },
    _S.UNKNOWN: _ENDINGS
    | {
        _E.ACCEPT: _S.RESTING,
        _E.PARTIAL_FILL: _S.PARTIALLY_FILLED,
        _E.REJECT: _S.REJECTED,
        _E.NO_ANSWER: _S.UNKNOWN,
        _E.REQUEST_CANCEL: _S.UNKNOWN,
        _E.TRIGGER: _S.TRIGGERED,
    },
    **{terminal: {} for terminal in TERMINAL},
}


def next_state(state: OrderState, event: OrderEvent) -> OrderState:
    """Where `event` leads from `state`. Terminal states absorb everything; a move not in the table is our bug."""
    if state in TERMINAL:
        return state
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise InvariantError(f"an order that is {state} cannot {event}") from None


def is_open(state: OrderState) -> bool:
    """May the order still trade, for all we know?"""
    return state not in TERMINAL


def mermaid() -> str:
    """The table as a Mermaid state diagram, for the documents."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for state, moves in TRANSITIONS.items():
        lines += [f"    {state} --> {target}: {event}" for event, target in moves.items() if target is not state]
    lines += [f"    {state} --> [*]" for state in sorted(TERMINAL)]
    return "\n".join(lines)
