"""A scan that was not made is never a pass, and what it finds is told."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.security import scan
from tests.security.scan import Scanned

CLEAN = Scanned("a", "x")
FOUND = Scanned("b", "x", ("bad",))
UNMADE = Scanned("c", "nothing", not_made="no network")
PIN = "aiohttp==3.8.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.mark.parametrize(
    ("scanned", "code"),
    [([CLEAN], 0), ([CLEAN, UNMADE], 2), ([UNMADE, FOUND], 1), ([FOUND], 1), ([UNMADE], 2)],
)
def test_exit_codes(scanned: list[Scanned], code: int) -> None:
    """Findings outweigh everything; without them, what was not made is not passed."""
    assert scan.exit_code(scanned) == code


def test_what_was_not_made_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In words, and by the exit code."""
    monkeypatch.setattr(scan, "SCANS", {"one": lambda: CLEAN, "two": lambda: UNMADE})
    assert scan.main([]) == 2
    assert "NOT MADE: no network" in capsys.readouterr().out


def test_a_missing_tool_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that is not installed, or ends without a report."""

    def away(module: str, *_: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([module], 1, "", f"No module named {module}")

    monkeypatch.setattr(scan, "_run", away)
    assert all("No module" in made().not_made for made in scan.SCANS.values())


class _Osv(BaseHTTPRequestHandler):
    """Knows one advisory, in the form of osv.dev."""

    def do_POST(self) -> None:
        """Answer for the package that is asked about."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = {
            "id": "GHSA-test", "aliases": [], "summary": "a test", "modified": "2026-01-01T00:00:00Z",
            "affected": [{"package": {"name": "aiohttp", "ecosystem": "PyPI"}, "versions": ["3.8.0"],
                          "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.8.1"}]}]}],
        }  # fmt: skip
        body = json.dumps({"vulns": [known]} if asked["package"]["name"] == "aiohttp" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def osv() -> Iterator[str]:
    """The address of a small osv.dev."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Osv)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(
    importlib.util.find_spec("pip_audit") is None, reason="pip-audit is not installed: `make install-dev`"
)
def test_advisories(osv: str, tmp_path: Path) -> None:
    """One that is known of a pin is found; where nobody answers, the scan was not made."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(PIN)
    found = scan.advisories(osv, [lock])
    assert (found.findings, found.not_made) == (("aiohttp 3.8.0: GHSA-test",), "")
    away = scan.advisories("http://127.0.0.1:9/v1/query", [lock])
    assert away.findings == ()
    assert away.not_made


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bandit") is None, reason="bandit is not installed: `make install-dev`")
def test_risky_code_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan is not blind: with our rules, a shell call is a finding."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "x.py").write_text("import subprocess\nsubprocess.run('ls ' + input(), shell=True)\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    monkeypatch.setattr(scan, "ROOT", tmp_path)
    monkeypatch.setattr(scan, "PRODUCT", ("shared",))
    assert any("B602" in finding for finding in scan.code().findings)
