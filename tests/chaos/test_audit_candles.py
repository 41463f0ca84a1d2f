"""Captured trades, cut again and again, equal the exchange's candles but for what declared gaps explain. Short version.

The whole claim: `python -m tests.bench.audit_candles --coins 100 --minutes 60 --cuts 20`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.history.candle_audit import Audit, Wanted
from shared.units import MINUTE
from shared.warehouse.candle_audit import Verdict
from shared.warehouse.reading import Warehouse
from tests.bench.audit_candles import campaign


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_trade_is_captured_or_in_a_declared_gap(tmp_path: Path) -> None:
    """Three coins, eight minutes, four outages; without its gaps the same warehouse would not pass."""
    found = campaign(coins=3, minutes=8, cuts=4, seed=3, folder=tmp_path)
    assert found.is_met, found
    audit = Audit(Warehouse(tmp_path / "warehouse"))
    for capture in audit.captures.values():
        capture.gaps.clear()
    blind = audit.run(Wanted())
    assert blind.unexplained > 0
    assert {minute.verdict for minute in blind.disagreements} == {Verdict.UNEXPLAINED}
    assert all(minute.open_ns % MINUTE == 0 for minute in blind.disagreements)
