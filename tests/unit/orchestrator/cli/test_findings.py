"""What counts as a problem of the machine."""

from __future__ import annotations

import pytest

from orchestrator.cli.findings import Verdict, has_problems, ok, privacy_finding, problem, space_finding, worth_knowing


def test_only_problems_are_problems() -> None:
    """Notes stop nothing."""
    assert not has_problems([ok("a", ""), worth_knowing("b", "")])
    assert has_problems([ok("a", ""), problem("c", "", "mend it")])


@pytest.mark.parametrize(("free", "verdict"), [(9, Verdict.PROBLEM), (10, Verdict.NOTE), (20, Verdict.OK)])
def test_space(free: int, verdict: Verdict) -> None:
    """Below the need is a problem, below the wish a note."""
    assert space_finding("disk", free, 10, 20, "here").verdict is verdict


@pytest.mark.parametrize(
    ("mode", "is_ours", "is_secret", "verdict"),
    [
        (0o600, True, True, Verdict.OK),
        (0o400, True, True, Verdict.OK),
        (0o640, True, True, Verdict.PROBLEM),
        (0o604, True, True, Verdict.PROBLEM),
        (0o600, False, True, Verdict.PROBLEM),
        (0o644, True, False, Verdict.NOTE),
        (0o622, True, False, Verdict.PROBLEM),
    ],
)
def test_privacy(mode: int, is_ours: bool, is_secret: bool, verdict: Verdict) -> None:
    """A secret that others may read is a problem, and anything that they may write to."""
    assert privacy_finding("key", "/k", mode, 0o600, is_ours=is_ours, is_secret=is_secret).verdict is verdict
