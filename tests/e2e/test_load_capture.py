"""The load on capture and feed in short: what `tests.bench.load_capture` proves over thirty minutes, and of a burst.

Rate and lag are figures of a machine, so they are not asserted here; that nothing is lost without a word is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.burst import burst, missed
from tests.bench.load_capture import loaded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_what_was_sent_is_captured_or_declared(tmp_path: Path) -> None:
    """Through two cuts, every frame that the exchange sent is in the log or in a declared gap."""
    figures = loaded(tmp_path / "log", seconds=6, rate=1_000, coins=40, cuts=2)
    assert figures["is_proven"], figures
    assert figures["is_log_whole"]
    assert figures["is_log_complete"]
    assert figures["sent"] > 1_000
    assert figures["captured"] + figures["declared"] == figures["sent"]
    assert figures["connections"] >= 4  # two sockets, and two more after the cuts
    assert figures["capture"]["gaps"]["disconnected"] >= 2


def test_a_burst_loses_no_trade_and_no_fill(tmp_path: Path) -> None:
    """Through feed, hub and mailboxes: only books conflate, and each that does is counted."""
    figures = burst(tmp_path, rate=2_500, calm=500, coins=25, seconds=3, after_s=3)
    assert figures["sent"]["trades"] > 1_000
    assert figures["sent"]["fills"] > 10
    assert not [problem for problem in missed(figures) if "back to normal" not in problem], figures
