"""Approvals as the Security Architect holds them: each is good for one order, exactly as approved, until it expires."""

from __future__ import annotations

import msgspec

from shared.approval import Ticket, ticket_of
from shared.errors import InvariantError
from shared.ids import Cloid
from shared.messages.order import SubmitOrder
from shared.messages.risk import OrderApproved
from shared.order import How, Side, Tif
from shared.units import Ns, Px, Sz


class Terms(msgspec.Struct, frozen=True):
    """What was approved. An order must say the same, field by field."""

    cloid: Cloid
    coin: str
    side: Side
    px: Px
    sz: Sz
    tif: Tif
    reduce_only: bool
    replaces: Cloid | None
    how: How | None = None


class Approval(msgspec.Struct, frozen=True):
    """An approval that no order has used yet."""

    terms: Terms
    expires_ns: Ns
    mac: bytes = b""


class ApprovalBook(msgspec.Struct):
    """Open approvals by id, and when the spent ones may be forgotten. Ids are text: a snapshot sorts its keys."""

    unspent: dict[str, Approval] = {}
    spent: dict[str, Ns] = {}

    def learn(self, approved: OrderApproved) -> None:
        """Take an approval in; the same one again changes nothing. InvariantError if its id was given to another."""
        approval = Approval(_approved_terms(approved), approved.expires_ns, approved.mac)
        number = str(approved.approval_id)
        known = self.unspent.get(number)
        if known is not None and known != approval:
            raise InvariantError(f"approval {approved.approval_id} was given to two different orders")
        if number not in self.spent:
            self.unspent[number] = approval

    def fault_in(self, order: SubmitOrder, now: Ns) -> str | None:
        """Why the order has no approval to stand on; None if it has."""
        number = str(order.approval_id)
        if number in self.spent:
            return f"approval {number} is spent"
        approval = self.unspent.get(number)
        if approval is None:
            return f"no approval {order.approval_id}"
        if approval.expires_ns <= now:
            return f"approval {order.approval_id} expired {now - approval.expires_ns} ns ago"
        asked = _asked_terms(order)
        if asked == approval.terms:
            return None
        return f"approval {order.approval_id} differs in " + ", ".join(_differences(approval.terms, asked))

    def ticket(self, order: SubmitOrder) -> Ticket:
        """What the signer is shown of the approval that the order stands on; it is spent afterwards."""
        approval = self.unspent[str(order.approval_id)]
        return ticket_of(
            approval_id=order.approval_id, expires_ns=approval.expires_ns, cloid=order.cloid, coin=order.coin,
            asset=order.asset, sz_decimals=order.sz_decimals, side=order.side, px=order.px, sz=order.sz, tif=order.tif,
            reduce_only=order.reduce_only, replaces=order.replaces, how=order.how,
            mac=approval.mac,
        )  # fmt: skip

    def spend(self, approval_id: int) -> None:
        """The approval is used up."""
        number = str(approval_id)
        self.spent[number] = self.unspent.pop(number).expires_ns

    def revoke(self) -> None:
        """Use up what was approved of orders that add; what reduces may go on.

        Asked for as trading goes on after a stop, for what was approved before it may not outlive it.
        """
        for number, approval in tuple(self.unspent.items()):
            if not approval.terms.reduce_only:
                self.spend(int(number))

    def expire(self, now: Ns) -> int:
        """How many approvals ended unused by `now`; they and the spent ones past their time are forgotten.

        An order that comes with a forgotten approval is refused like one that never had any.
        """
        ended = [number for number, approval in self.unspent.items() if approval.expires_ns <= now]
        for number in ended:
            del self.unspent[number]
        for number in [number for number, expires_ns in self.spent.items() if expires_ns <= now]:
            del self.spent[number]
        return len(ended)


def _approved_terms(approved: OrderApproved) -> Terms:
    intent = approved.intent
    return Terms(
        intent.cloid, intent.coin, intent.side, intent.px, intent.sz, intent.tif, intent.reduce_only, intent.replaces,
        intent.how,
    )  # fmt: skip


def _asked_terms(order: SubmitOrder) -> Terms:
    return Terms(
        order.cloid, order.coin, order.side, order.px, order.sz, order.tif, order.reduce_only, order.replaces, order.how
    )


def _differences(approved: Terms, asked: Terms) -> list[str]:
    return [
        f"{field} ({getattr(asked, field)} for {getattr(approved, field)})"
        for field in Terms.__struct_fields__
        if getattr(approved, field) != getattr(asked, field)
    ]
