"""Everything that befalls the capture log, at full strength, as one command: `python -m tests.bench.trials_capture`.

Torn at each of the last 4,096 bytes, a thousand flipped bits, a tmpfs of 32 MiB that is full, and a writer killed 200
times (`--kills`). The trials are the tests that CI runs, where the writer is killed ten times; here each says what it
did. Exit code 1 if one fails, or if the disk could not be mounted and its trial was another.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from tests.house.sources import ROOT

TRIALS: Final = (
    "tests/unit/shared/warehouse/capture/test_scan.py::test_torn_at_each_of_the_last_4096_bytes",
    "tests/unit/shared/warehouse/capture/test_scan.py::test_a_thousand_flipped_bits",
    "tests/chaos/test_capture_log.py",
)
TMPFS: Final = "tmpfs of 32 MiB"


def tried(kills: int) -> tuple[int, list[dict[str, Any]]]:
    """Pytest's exit code, and of every trial its name, seconds, outcome and what it said of itself."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        xml = ("-o", "junit_family=xunit1", f"--junitxml={report}")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *xml, *TRIALS]
        environment = os.environ | {"CAPTURE_KILLS": str(kills)}
        code = subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False).returncode
        cases = ET.parse(report).iter("testcase") if report.exists() else []
        return code, [_row(case) for case in cases]


def _row(case: ET.Element) -> dict[str, Any]:
    troubles = [name for name in ("failure", "error", "skipped") if case.find(name) is not None]
    said = {each.get("name", ""): each.get("value") for each in case.iter("property")}
    name, seconds = case.get("name", ""), float(case.get("time", "0"))
    return {"trial": name, "seconds": round(seconds, 1), "outcome": troubles[0] if troubles else "passed", **said}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    code, rows = tried(options.kills)
    print(json.dumps(rows, indent=2))
    disks = {row["disk"] for row in rows if "disk" in row}
    if code or disks != {TMPFS}:
        sys.exit(f"missed: pytest ended with {code}; the full disk was {', '.join(sorted(disks)) or 'never tried'}")


if __name__ == "__main__":
    main()
