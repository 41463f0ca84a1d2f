"""/info about money that came, went or moved."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door.actions import Address, canonical_address
from shared.venue.door.desk import Desk, InfoType, is_within
from shared.venue.door.ledger_shapes import ledger_row
from shared.venue.door.questions import AboutUser, AboutUserSpan
from shared.venue.door.render import Json, usd

MOST_ENTRIES: Final = 2_000


class AboutTransfer(AboutUser, frozen=True):
    """Asks about a destination, on behalf of whoever would send."""

    source: Address | None = None


def ledger(desk: Desk, asked: AboutUserSpan, _: Ns) -> list[Json]:
    """`userNonFundingLedgerUpdates`, oldest first."""
    entries = desk.exchange.ledger(asked.user)
    inside = [one for one in entries if is_within(one.time_ms, asked.start_time, asked.end_time)]
    return [ledger_row(desk.instruments, one) for one in inside[:MOST_ENTRIES]]


def pre_transfer_check(desk: Desk, asked: AboutTransfer, _: Ns) -> Json:
    """`preTransferCheck`: what sending to the user would cost beyond the amount."""
    exists = desk.exchange.has_account(canonical_address(asked.user))
    fee = 0 if exists else desk.exchange.policy.activation_fee_usd
    acted = desk.budgets.has_acted(asked.user)
    return {"fee": usd(fee), "isSanctioned": False, "userExists": exists, "userHasSentTx": acted}


TYPES: Final[dict[str, InfoType]] = {
    "userNonFundingLedgerUpdates": (AboutUserSpan, ledger),
    "preTransferCheck": (AboutTransfer, pre_transfer_check),
}
