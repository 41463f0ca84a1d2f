"""The way of an order, judged by comparing what one Hat said with what another was told: approvals, cancels, fills."""

from __future__ import annotations

from typing import Final

import msgspec

from hats.security_architect.actions import OVER_CAP
from orchestrator.witness.measures import (
    ANSWERS_HEEDED,
    AS_APPROVED,
    CANCELS_HEEDED,
    FILLS_BOOKED,
    RESERVED_DIFFERENCE,
    VERDICTS_RIGHT,
)
from shared.ids import Cloid
from shared.messages.account import Reconciled
from shared.messages.control import KillOrdered
from shared.messages.order import (
    ActionAnswered,
    AnswerKind,
    Fill,
    FillBooked,
    OrderChanged,
    SignatureRefused,
    SignedAction,
    SubmitOrder,
)
from shared.messages.risk import OrderApproved, RiskReport, TradingState, TradingStateChanged
from shared.messages.signal import CancelIntent
from shared.order import OrderState, is_open
from shared.scorecard import Measure
from shared.units import SECOND, Ns

VERDICT_NS: Final = 3 * SECOND
"""An order that was neither signed nor refused by then was not answered."""
CANCEL_NS: Final = 2 * SECOND
ANSWER_NS: Final = 2 * SECOND
FILL_NS: Final = 5 * SECOND
UNMENTIONED_NS: Final = 15 * SECOND
"""An approval that no order came of is void after this time at the latest."""
FORGET_NS: Final = 60 * SECOND
FILLS_KEPT: Final = 8_192

Verdict = tuple[Measure, float]


class Asked(msgspec.Struct, frozen=True):
    """An order that waits to be signed: when it was asked, until when it was good, and whether it was as approved."""

    ns: Ns
    expires_ns: Ns
    reduce_only: bool
    is_approved: bool


class Signing:
    """Is every order as approved, and is it signed exactly if it is?"""

    def __init__(self) -> None:
        self._first_id: int | None = None
        self._approvals: dict[int, OrderApproved] = {}
        self._asked: dict[Cloid, Asked] = {}
        self._is_held = False

    def approved(self, approval: OrderApproved) -> None:
        """An order may be made of this, once."""
        if self._first_id is None:
            self._first_id = approval.approval_id
        self._approvals[approval.approval_id] = approval

    def submitted(self, order: SubmitOrder, now: Ns) -> list[Verdict]:
        """Whether the order is what was approved; nothing if its approval is older than what was seen here."""
        if self._first_id is None or order.approval_id < self._first_id:
            return []
        approval = self._approvals.pop(order.approval_id, None)
        is_approved = approval is not None and _says_the_same(order, approval)
        self._asked[order.cloid] = Asked(now, order.expires_ns, order.reduce_only, is_approved)
        return [(AS_APPROVED, float(is_approved))]

    def answered(self, answer: SignedAction | SignatureRefused, now: Ns) -> list[Verdict]:
        """Whether the answer was right; nothing of a refusal too late, while trading was held, or over the cap.

        An order over the signer's cap should not have been approved: that is no fault of who refused it.
        """
        asked = [self._asked.pop(cloid, None) for cloid in answer.cloids] if answer.kind.places else []
        return [verdict for one in asked if one is not None for verdict in self._judged(one, answer, now)]

    def _judged(self, asked: Asked, answer: SignedAction | SignatureRefused, now: Ns) -> list[Verdict]:
        if isinstance(answer, SignedAction):
            return [(VERDICTS_RIGHT, float(asked.is_approved))]
        if asked.is_approved and (now >= asked.expires_ns or (self._is_held and not asked.reduce_only)):
            return []
        if OVER_CAP in answer.reason:
            return []
        return [(VERDICTS_RIGHT, float(not asked.is_approved))]

    def switched(self, news: KillOrdered | TradingStateChanged) -> None:
        """From here on refusing to add risk is right; once pulled, the switch is not judged any more."""
        self._is_held = self._is_held or isinstance(news, KillOrdered) or news.state is not TradingState.ACTIVE

    def overdue(self, now: Ns) -> list[Verdict]:
        """A wrong verdict for each order that got none; old approvals are forgotten."""
        late = [cloid for cloid, asked in self._asked.items() if asked.ns + VERDICT_NS <= now]
        for cloid in late:
            del self._asked[cloid]
        for number in [n for n, approval in self._approvals.items() if approval.expires_ns + FORGET_NS <= now]:
            del self._approvals[number]
        return [(VERDICTS_RIGHT, 0.0) for _ in late]


def _says_the_same(order: SubmitOrder, approval: OrderApproved) -> bool:
    intent = approval.intent
    return all(getattr(order, name) == getattr(intent, name) for name in _TERMS)


_TERMS: Final = ("cloid", "coin", "side", "px", "sz", "tif", "reduce_only", "replaces", "how")


class Cancels:
    """Is an order that rests cancelled when its strategy no longer wants it?"""

    def __init__(self) -> None:
        self._resting: set[Cloid] = set()
        self._wanted_ns: dict[Cloid, Ns] = {}

    def changed(self, order: OrderChanged) -> list[Verdict]:
        """Follow the order; one that ended otherwise needs no cancel any more."""
        if order.state in (OrderState.RESTING, OrderState.PARTIALLY_FILLED):
            self._resting.add(order.cloid)
            return []
        self._resting.discard(order.cloid)
        if order.state is OrderState.CANCELLED:
            return self.cancelled(order.cloid)
        if not is_open(order.state):
            self._wanted_ns.pop(order.cloid, None)
        return []

    def wanted(self, cancel: CancelIntent, now: Ns) -> None:
        """From now on the order should be cancelled."""
        if cancel.cloid in self._resting:
            self._wanted_ns.setdefault(cancel.cloid, now)

    def cancelled(self, cloid: Cloid) -> list[Verdict]:
        """A cancel was sent, or the order is cancelled."""
        return [] if self._wanted_ns.pop(cloid, None) is None else [(CANCELS_HEEDED, 1.0)]

    def overdue(self, now: Ns) -> list[Verdict]:
        """A verdict for each wish that was not heeded in time."""
        late = [cloid for cloid, ns in self._wanted_ns.items() if ns + CANCEL_NS <= now]
        for cloid in late:
            del self._wanted_ns[cloid]
        return [(CANCELS_HEEDED, 0.0) for _ in late]


class Answers:
    """Does an order's state follow from the venue's answer?"""

    def __init__(self) -> None:
        self._open: set[Cloid] = set()
        self._told_ns: dict[Cloid, Ns] = {}

    def changed(self, order: OrderChanged) -> list[Verdict]:
        """Follow the order; once it is neither on its way nor in doubt it has heard."""
        if order.state in (OrderState.NEW, OrderState.PENDING_SUBMIT, OrderState.UNKNOWN):
            self._open.add(order.cloid)
            return []
        self._open.discard(order.cloid)
        return [] if self._told_ns.pop(order.cloid, None) is None else [(ANSWERS_HEEDED, 1.0)]

    def told(self, answer: ActionAnswered, now: Ns) -> None:
        """The venue has it, or never will."""
        is_definite = answer.answer in (AnswerKind.RESTING, AnswerKind.REFUSED)
        if is_definite and answer.kind.places and answer.cloid in self._open:
            self._told_ns.setdefault(answer.cloid, now)

    def overdue(self, now: Ns) -> list[Verdict]:
        """A verdict for each answer that changed nothing in time."""
        late = [cloid for cloid, ns in self._told_ns.items() if ns + ANSWER_NS <= now]
        for cloid in late:
            del self._told_ns[cloid]
            self._open.discard(cloid)
        return [(ANSWERS_HEEDED, 0.0) for _ in late]


class Fills:
    """Is every fill that the venue tells of taken into the books, soon and once?"""

    def __init__(self) -> None:
        self._is_open = False
        self._due_ns: dict[tuple[Ns, str, int], Ns] = {}
        self._booked: dict[tuple[Ns, str, int], None] = {}

    def reconciled(self, _: Reconciled) -> None:
        """The books are open: fills before that may be in the opening already."""
        self._is_open = True

    def told(self, fill: Fill, now: Ns) -> None:
        """The venue told of a fill."""
        if self._is_open and fill.trade not in self._booked:
            self._due_ns.setdefault(fill.trade, now)

    def booked(self, booked: FillBooked) -> list[Verdict]:
        """It is in the books; a second time is wrong."""
        trade = booked.fill.trade
        if trade in self._booked:
            return [(FILLS_BOOKED, 0.0)]
        self._booked[trade] = None
        if len(self._booked) > FILLS_KEPT:
            del self._booked[next(iter(self._booked))]
        return [] if self._due_ns.pop(trade, None) is None else [(FILLS_BOOKED, 1.0)]

    def overdue(self, now: Ns) -> list[Verdict]:
        """A verdict for each fill that was not booked in time."""
        late = [trade for trade, ns in self._due_ns.items() if ns + FILL_NS <= now]
        for trade in late:
            del self._due_ns[trade]
        return [(FILLS_BOOKED, 0.0) for _ in late]


class Reserved:
    """Does the Risk Officer count the orders that may trade: approved or open, and no others?"""

    def __init__(self) -> None:
        self._unmentioned_ns: dict[Cloid, Ns] = {}
        self._open: set[Cloid] = set()

    def approved(self, approval: OrderApproved, now: Ns) -> None:
        """It may become an order."""
        self._unmentioned_ns[approval.intent.cloid] = now

    def changed(self, order: OrderChanged) -> None:
        """It did, or it ended."""
        self._unmentioned_ns.pop(order.cloid, None)
        if is_open(order.state):
            self._open.add(order.cloid)
        else:
            self._open.discard(order.cloid)

    def reported(self, report: RiskReport) -> list[Verdict]:
        """How far the officer's count is from ours."""
        return [(RESERVED_DIFFERENCE, float(abs(report.open_orders - len(self._unmentioned_ns) - len(self._open))))]

    def forget(self, now: Ns) -> None:
        """Approvals that nobody made use of are void."""
        for cloid in [cloid for cloid, ns in self._unmentioned_ns.items() if ns + UNMENTIONED_NS <= now]:
            del self._unmentioned_ns[cloid]
