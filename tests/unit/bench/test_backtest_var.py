"""The backtest on the S&P 500 comes to what is claimed; `python -m tests.bench.backtest_var` prints all of it."""

from __future__ import annotations

import pytest

from tests.bench.backtest_var import FORECASTS, Line, faults, lines, returns_of_sp500


@pytest.mark.slow
def test_the_tail_on_sixteen_years_of_the_sp500() -> None:
    """218, 67 and 132 exceedances of historical simulation; filtered passes coverage; normal tails fail at 1 %."""
    returns = returns_of_sp500()
    assert len(returns) - FORECASTS == 1_000
    found = lines(returns)
    assert not faults(found)
    counts = {(line.method, line.tail): line.exceedances for line in found}
    assert [counts["historical 250", tail] for tail in (0.05, 0.01, 0.025)] == [218, 67, 132]
    failed = {line.method for line in found if line.tail == 0.01 and line.kupiec_p < 0.05}
    assert {"normal 250", "normal EWMA"} <= failed


def test_a_wrong_count_is_a_fault() -> None:
    """The command's own judgement sees what is not as claimed."""
    assert faults([Line("historical 250", 0.05, 217, 1.0, 1.0, 1.0, 0.0)])
    assert faults([Line("filtered EWMA 500", 0.05, 1, 0.01, 1.0, 1.0, 0.0)])
    assert faults([Line("normal 250", 0.01, 1, 0.5, 1.0, 1.0, 0.0)])
