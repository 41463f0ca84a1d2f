"""The `hats` command on a home folder and ports of its own, for tests that raise a desk by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.machine.raylink import free_port
from tests.house.sources import ROOT


class Hats:
    """The `hats` command with a home folder and ports of its own."""

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None) -> None:
        port = free_port()
        self._environ = (
            {name: value for name, value in os.environ.items() if not name.startswith("HATS_")}
            | {
                "HATS_HOME": str(home),
                "HATS_LOCAL_VENUE__PORT": str(port),
                "HATS_VENUE__BASE_URL": f"http://127.0.0.1:{port}",
                "HATS_RAY__DASHBOARD": "false",
                "HATS_METRICS__ENABLED": "false",
            }
            | dict(environ or {})
        )

    def at_venue(self, base_url: str) -> None:
        """Trade on an exchange that runs already."""
        self._environ["HATS_VENUE__BASE_URL"] = base_url

    def start(self, *args: str, output: Path) -> subprocess.Popen[bytes]:
        """The launcher of a desk as a child of ours, as a service manager starts it; it writes to `output`."""
        command = [sys.executable, "-m", "orchestrator", "--own-ray", "--no-view", *args]
        with output.open("wb") as out:
            return subprocess.Popen(command, cwd=ROOT, env=self._environ, stdout=out, stderr=subprocess.STDOUT)

    def __call__(self, *args: str, code: int | None = 0) -> Any:
        """The one JSON object on stdout, or on stderr where stdout is empty; `code` None: however it ends."""
        command = [sys.executable, "-m", "orchestrator.cli", *args, "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environ, capture_output=True, text=True, check=False, timeout=400
        )
        assert code in (None, done.returncode), (args, done.stdout, done.stderr)
        return json.loads(done.stdout or done.stderr)
