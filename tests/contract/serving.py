"""`hats venue` as a process, for clients of any language."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.house.sources import ROOT


@contextmanager
def venue_process(*args: str) -> Iterator[dict[str, Any]]:
    """What the exchange said when it was ready (`url`, `ws_url`, `port`, `coins`); it is gone afterwards."""
    command = [sys.executable, "-m", "orchestrator.cli", "venue", "--port", "0", "--json", *args]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        facts: dict[str, Any] = json.loads(process.stdout.readline())
        yield facts
    finally:
        process.kill()
        process.communicate()
