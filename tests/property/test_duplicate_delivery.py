"""A hundred reconnects, each of which tells fills again: the Execution Manager books every fill once."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from shared.hat import restore, snapshot
from shared.messages.order import Fill, FillBooked
from shared.order import OrderState
from tests.unit.hats.execution_manager.scene import fill, intent, manager, record, resting, say

RECONNECTS = 100
COPIES_MOST = 50
LOTS = 20
"""Of each order; it trades one lot a fill."""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_fill_is_booked_once(seed: int) -> None:
    """Each is told one to fifty times, in any order within its reconnect and again at later ones, with its cloid or by
    its oid alone, and the manager's process dies at every tenth."""
    draw = random.Random(seed)
    hat = manager()
    wishes = [resting(hat, intent(number)) for number in range(1, RECONNECTS // LOTS + 1)]
    lots = [(wish, lot) for wish in wishes for lot in range(LOTS)]
    told: list[Fill] = []
    booked: Counter[int] = Counter()
    delivered = 0
    for reconnect, (wish, lot) in enumerate(lots):
        made = fill(wish, 1, 1 + reconnect, start=reconnect, cloid=draw.random() < 0.5)
        copies = [made] * draw.randint(1, COPIES_MOST)
        again = draw.sample(told, min(len(told), 20))
        letters = [*copies, *again]
        draw.shuffle(letters)
        for letter in letters:
            booked.update(said.fill.tid for said in say(hat, letter) if isinstance(said, FillBooked))
        delivered += len(letters)
        told.append(made)
        assert record(hat, wish).filled_sz == lot + 1
        if reconnect % 10 == 9:
            kept, hat = snapshot(hat), manager()
            restore(hat, kept)
    assert delivered > RECONNECTS * COPIES_MOST // 3
    assert booked == dict.fromkeys(range(1, RECONNECTS + 1), 1)
    assert hat.state.positions == {"AAA": RECONNECTS}
    assert {record(hat, wish).state for wish in wishes} <= {OrderState.FILLED, OrderState.PARTIALLY_FILLED}
    assert sum(record(hat, wish).filled_sz for wish in wishes) == RECONNECTS
