"""One nonce authority for all who ask, short: the campaign is `python -m tests.bench.storm_nonces`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.nonces import storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_no_nonce_is_given_twice(tmp_path: Path) -> None:
    """Four processes, clocks stepping back, two new signers: every action under a nonce of its own, all admitted."""
    result = storm(tmp_path, processes=4, actions=400, restarts=2)
    assert result.actions == 400
    assert result.repeated == 0
    assert result.not_admitted == 0
    assert result.refused_first > 0
