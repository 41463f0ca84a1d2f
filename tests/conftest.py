"""What all tests share: Ray's environment is set before anything imports Ray, with a token of the tests' own, no
property is timed, for how long one example takes says more of the machine than of it, and what may not run beside
itself goes to one process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from orchestrator.machine import raylink

_HOME = Path(tempfile.mkdtemp(prefix="hats-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN_PATH"] = str(_HOME / "ray_token")
raylink.prepare()
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray's tests go one after the other, for each has the machine's Ray to itself; others stay with their file."""
    for item in items:
        group = "ray" if item.get_closest_marker("ray") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
