"""Scans the project: risky code (bandit), undeclared or unused dependencies (deptry), known advisories (pip-audit).

    python -m tests.security.scan                # `make scan`
    python -m tests.security.scan --only code

Exit codes: 0 every scan was made and found nothing; 1 there are findings; 2 no findings, but a scan could not be made
(not installed, or nobody could be asked about advisories), which is not a pass. The advisories are asked of osv.dev for
what the locks pin; those in `[tool.hats.advisories]` of pyproject.toml are waived, each with its reason.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.house.sources import PRODUCT, ROOT, pyproject

LOCKS: Final = ("requirements.lock", "requirements-dev.lock")
ASK_TIMEOUT_S: Final = 20
OSV_URL: Final = "https://api.osv.dev/v1/query"
EXIT_CLEAN, EXIT_FINDINGS, EXIT_UNMADE = 0, 1, 2


class Scanned(NamedTuple):
    """What a scan looked at and found, or why it could not be made."""

    name: str
    looked_at: str
    findings: tuple[str, ...] = ()
    not_made: str = ""


def code() -> Scanned:
    """bandit over the product, by the rules in pyproject.toml."""
    done = _run("bandit", "--quiet", "-c", "pyproject.toml", "-f", "json", "-r", *PRODUCT)
    report = _json(done.stdout)
    if report is None:
        return Scanned("code", "nothing", not_made=_why(done))
    found = [f"{r['filename']}:{r['line_number']}: {r['test_id']} {r['issue_text']}" for r in report["results"]]
    found += [f"{error['filename']}: {error['reason']}" for error in report["errors"]]
    lines = report["metrics"]["_totals"]["loc"]
    if not lines:
        return Scanned("code", "nothing", not_made="bandit read no line")
    return Scanned("code", f"{lines} lines", tuple(found))


def dependencies() -> Scanned:
    """deptry over the product."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        done = _run("deptry", ".", "--json-output", str(path))
        if not path.exists():
            return Scanned("dependencies", "nothing", not_made=_why(done))
        report = json.loads(path.read_text())
    found = [f"{r['location']['file']}: {r['error']['code']} {r['error']['message']}" for r in report]
    declared = len(pyproject()["project"]["dependencies"])
    return Scanned("dependencies", f"{declared} declared", tuple(found))


def advisories(url: str = OSV_URL, locks: Sequence[str | Path] = LOCKS) -> Scanned:
    """pip-audit over the locks."""
    waived = pyproject()["tool"]["hats"].get("advisories", {})
    done = _run(
        "pip_audit", *(part for lock in locks for part in ("--requirement", str(lock))), "--require-hashes",
        "--disable-pip", "--format", "json", "--progress-spinner", "off", "--vulnerability-service", "osv",
        "--osv-url", url, "--timeout", str(ASK_TIMEOUT_S),
        *(part for name in waived for part in ("--ignore-vuln", name)),
    )  # fmt: skip
    report = _json(done.stdout)
    if report is None:
        return Scanned("advisories", "nothing", not_made=_why(done))
    pins = report["dependencies"]
    found = [f"{pin['name']} {pin.get('version')}: {v['id']}" for pin in pins for v in pin.get("vulns", ())]
    skipped = [pin["name"] for pin in pins if "skip_reason" in pin]
    if skipped or not pins:
        return Scanned("advisories", f"{len(pins)} pins", tuple(found), f"not asked about {skipped or 'anything'}")
    return Scanned("advisories", f"{len(pins)} pins, {len(waived)} waived", tuple(found))


SCANS: Final[dict[str, Callable[[], Scanned]]] = {
    "code": code,
    "dependencies": dependencies,
    "advisories": advisories,
}


def exit_code(scanned: Sequence[Scanned]) -> int:
    """See the module's docstring."""
    if any(scan.findings for scan in scanned):
        return EXIT_FINDINGS
    return EXIT_UNMADE if any(scan.not_made for scan in scanned) else EXIT_CLEAN


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """The last words of a tool that gave no report."""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return f"exit code {done.returncode}: {lines[-1][:300] if lines else 'no word'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.scan", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=[*SCANS], help="one scan")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    scanned = [scan() for name, scan in SCANS.items() if options.only in (None, name)]
    if options.json:
        print(json.dumps([scan._asdict() for scan in scanned]))
        return exit_code(scanned)
    for scan in scanned:
        state = f"NOT MADE: {scan.not_made}" if scan.not_made else f"{len(scan.findings)} findings"
        print(f"{scan.name:13} {scan.looked_at}: {state}")
        for finding in scan.findings:
            print(f"  {finding}")
    return exit_code(scanned)


if __name__ == "__main__":
    sys.exit(main())
