"""What the doctor says of what is open to others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli import openings
from orchestrator.cli.findings import Verdict
from orchestrator.machine import certificates
from orchestrator.safekeeping.run_scan import listening

LISTEN = "import socket, sys; s = socket.create_server((sys.argv[1], 0)); input()"


@pytest.fixture(params=[("0.0.0.0", Verdict.NOTE), ("127.0.0.1", Verdict.OK)])
def head(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Verdict]:
    """A process that looks like a Ray head and listens; what the doctor should say of it."""
    host, verdict = request.param
    program = tmp_path / "gcs_server"
    program.symlink_to(sys.executable)
    with subprocess.Popen([program, "-c", LISTEN, host], stdin=subprocess.PIPE, env=os.environ) as process:
        until = time.monotonic() + 10
        while not list(listening([process.pid])):
            assert time.monotonic() < until
            time.sleep(0.02)
        yield verdict
        process.communicate(b"\n")


def test_a_ray_that_others_reach_is_told(head: Verdict) -> None:
    """All interfaces are worth knowing of, loopback is fine."""
    found = list(openings.ray_exposure())
    if head is Verdict.OK and any(each.verdict is Verdict.NOTE for each in found):
        pytest.skip("another Ray on this machine listens on all interfaces")
    assert [each.verdict for each in found] == [head]


def test_certificates_that_end_or_are_open_are_problems(tmp_path: Path) -> None:
    """Good, soon over, and with a key that others can read; without any there is nothing to say."""
    assert list(openings.certificates(None)) == []
    (good,) = certificates.make(tmp_path, ["10.0.0.5"])
    (soon,) = certificates.make(tmp_path, ["10.0.0.6"], days=5)
    assert [each.verdict for each in openings.certificates(good)] == [Verdict.OK]
    assert [each.verdict for each in openings.certificates(soon)] == [Verdict.PROBLEM]
    Path(good.key).chmod(0o644)
    assert [each.verdict for each in openings.certificates(good)] == [Verdict.PROBLEM]
