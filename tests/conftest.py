"""What all tests share: Ray's environment is set before anything imports Ray, with a token of the tests' own, and no
property is timed, for how long one example takes says more of the machine than of it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

from orchestrator.machine import raylink

_HOME = Path(tempfile.mkdtemp(prefix="hats-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN_PATH"] = str(_HOME / "ray_token")
raylink.prepare()
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
