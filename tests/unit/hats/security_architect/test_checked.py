"""What the run's own jobs found is measured, and unknown where they did not run."""

from __future__ import annotations

import pytest

from hats.security_architect import measures
from shared.messages.control import Check, Checked
from tests.unit.hats.security_architect.test_logic import samples, told


@pytest.mark.parametrize(
    ("check_made", "faults", "name", "value"),
    [
        (Check.AUDIT, 0, measures.CHAIN_VERIFIED, 1.0),
        (Check.AUDIT, 1, measures.CHAIN_VERIFIED, 0.0),
        (Check.SECRETS, 0, measures.SECRETS_FOUND, 0.0),
        (Check.SECRETS, 3, measures.SECRETS_FOUND, 3.0),
        (Check.EXPOSURE, 2, measures.EXPOSURES_FOUND, 2.0),
    ],
)
def test_what_the_runs_own_jobs_found_is_measured(check_made: Check, faults: int, name: str, value: float) -> None:
    """Each check is one sample of its own measure; without any there is none."""
    assert name not in samples(told())
    assert samples(told(Checked(check_made, 100, faults)))[name] == [value]
