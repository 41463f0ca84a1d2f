"""Parent orders on a whole desk: every algorithm trades through approval, signature and exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.rehearsal import rehearse
from orchestrator.settings import Settings
from shared.ids import OPERATOR, OPERATOR_NUMBER, Role, cloid_for
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.parent import (
    Algorithm,
    AlmgrenChriss,
    Chase,
    Iceberg,
    ParentOrder,
    ParentState,
    Participate,
    PassiveThenCross,
    Twap,
)
from shared.order import Side
from shared.units import SECOND, Ns, Px, Rounding, Sz, round_to_multiple

pytestmark = pytest.mark.slow

ALGORITHMS: tuple[Algorithm, ...] = (
    PassiveThenCross(patience_ms=3_000),
    Twap(slices=4),
    AlmgrenChriss(slices=4, urgency=1.5),
    Iceberg(display_sz=60),
    Participate(share_bps=2_000),
    Chase(),
)


def test_every_algorithm_trades_within_its_parent(tmp_path: Path) -> None:
    """Six parents one after the other; each fills something, none more than asked, and books equal the exchange's."""
    quiet: dict[str, Any] = {"hats": {"quant_strategist": {"strategies": []}}}
    desk = rehearse(Settings.model_validate(quiet), tmp_path / "journal.sqlite", seed=3)
    try:
        desk.run_for(10)
        words = desk.heart.situation.parents
        for number, algorithm in enumerate(ALGORITHMS):
            instrument = desk.heart.situation.instruments["ETH"]
            mark = desk.exchange.mark(instrument.asset)
            crossing = 30 if not isinstance(algorithm, Iceberg) else 5
            limit = round_to_multiple(mark * (10_000 + crossing) // 10_000, instrument.tick(mark), Rounding.NEAREST)
            parent = cloid_for(1, OPERATOR_NUMBER, number)
            terms = ParentOrder(
                parent, OPERATOR, "ETH", Side.BUY, Sz(200), Px(limit), algorithm, False,
                Ns(desk.stage.clock.now() + 30 * SECOND), "test",
            )  # fmt: skip
            desk.stage.publish(Role.OPERATOR, terms)
            desk.run_for(40)
            word = words[parent]
            assert word.state in (ParentState.FILLED, ParentState.EXPIRED), (algorithm, word)
            assert 0 < word.filled_sz <= 200, (algorithm, word)
            assert word.executed_bps is not None
        desk.drain()
        ledger = desk.heart.situation.ledger
        assert ledger is not None
        assert ledger.equity_usd == desk.exchange.account(desk.master).value_usd
    finally:
        desk.close()


def test_a_kill_to_reduce_lets_a_position_be_brought_down(tmp_path: Path) -> None:
    """What only reduces trades on, what adds does not: the desk is not left with what it holds."""
    quiet: dict[str, Any] = {"hats": {"quant_strategist": {"strategies": []}}}
    desk = rehearse(Settings.model_validate(quiet), tmp_path / "journal.sqlite", seed=3)

    def traded(number: int, side: Side, *, reduce_only: bool) -> int:
        """Lots of 200 that were."""
        instrument = desk.heart.situation.instruments["ETH"]
        mark = desk.exchange.mark(instrument.asset)
        limit = round_to_multiple(mark * (10_000 + side.value * 30) // 10_000, instrument.tick(mark), Rounding.NEAREST)
        parent = cloid_for(1, OPERATOR_NUMBER, number)
        end_ns, how = Ns(desk.stage.clock.now() + 20 * SECOND), PassiveThenCross(patience_ms=1_000)
        desk.stage.publish(
            Role.OPERATOR,
            ParentOrder(parent, OPERATOR, "ETH", side, Sz(200), Px(limit), how, reduce_only, end_ns, "test"),
        )
        desk.run_for(25)
        return desk.heart.situation.parents[parent].filled_sz

    try:
        desk.run_for(10)
        assert traded(0, Side.BUY, reduce_only=False) == 200
        desk.stage.publish(Role.OPERATOR, KillOrdered(KillLevel.REDUCE, "test"))
        desk.run_for(2)
        assert traded(1, Side.BUY, reduce_only=False) == 0
        assert traded(2, Side.SELL, reduce_only=True) == 200
        assert not desk.positions()
    finally:
        desk.close()
