"""The replay bench runs and measures both replays beside their bare loops."""

from __future__ import annotations

import pytest

from tests.bench.bench_replay import figures


@pytest.mark.slow
def test_both_replays_are_measured_beside_reading() -> None:
    """A few seconds of trading replay equal, slower than only reading the same records."""
    rows = figures(6.0, 1)
    for row in rows.values():
        assert 0 < row["replayed_s"] < row["bare_s"]
        assert 0 < row["share_of_bare"] < 1
