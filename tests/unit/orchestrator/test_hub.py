"""What the hub may keep from the Security Architect for a moment, and what it may not."""

from __future__ import annotations

import pytest

from orchestrator.hub import ACTING, DISPATCH_ORDER
from orchestrator.patience import NOTED_WAIT_NS, can_wait
from shared.ids import HATS, Cloid, Role
from shared.mailbox import Letter, Mailbox
from shared.messages import AnyMessage
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.order import ActionKind, SignedAction
from shared.units import Ns

NOTED_ONE = SignedAction(ActionKind.ORDER, Cloid("0x" + "00" * 16), 1, 2, b"{}", 3)
URGENT_ONE = KillOrdered(KillLevel.PAUSE, "now")


@pytest.mark.parametrize(
    ("messages", "age_ns", "may_wait"),
    [
        ([NOTED_ONE], 0, True),
        ([NOTED_ONE, NOTED_ONE], NOTED_WAIT_NS - 1, True),
        ([NOTED_ONE], NOTED_WAIT_NS, False),
        ([NOTED_ONE, URGENT_ONE], 0, False),
    ],
)
def test_only_fresh_notes_wait(messages: list[AnyMessage], age_ns: int, may_wait: bool) -> None:
    """Notes wait for an order to sign for a moment; with anything else beside them, or once old, they go at once."""
    mailbox = Mailbox(Role.SECURITY_ARCHITECT)
    for seq, message in enumerate(messages, 1):
        mailbox.put(Letter(seq, Ns(1_000), Ns(0), message))
    assert can_wait(mailbox, Ns(1_000 + age_ns)) is may_wait


def test_whoever_acts_is_served_last() -> None:
    """Everybody is served, and those who wait for the disk after those who need not."""
    assert sorted(DISPATCH_ORDER) == sorted(HATS)
    assert set(DISPATCH_ORDER[-len(ACTING) :]) == ACTING
