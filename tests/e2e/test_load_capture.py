"""The load on the capture in short: what is proven over thirty minutes (`tests.bench.load_capture`) holds over five s.

Rate and lag are figures of a machine, so they are not asserted here; that nothing is lost without a word is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert figures["connections"] == 3
    assert figures["capture"]["gaps"]["disconnected"] == 2
