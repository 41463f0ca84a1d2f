"""What the launcher and the doctor say before anything is started."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import ROOT


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment with a home folder of its own and without other variables of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HATS_", "RAY_"))}
    return kept | {"HATS_HOME": str(tmp_path / "home")}


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that is taken but where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_dead_cluster_is_refused_at_once(environ: dict[str, str], dead_port: int, tmp_path: Path) -> None:
    """`python -m orchestrator` ends with 4, names the way out, and leaves nothing behind.

    Within 3 s on a machine with a core to spare; others are on these, and Ray's own attempt would take half a minute.
    """
    command = [sys.executable, "-m", "orchestrator", "--config", "configs/paper.toml", "--json"]
    command += ["--set", f"ray.address=127.0.0.1:{dead_port}"]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=30)
    took_s = time.monotonic() - began
    said = json.loads(done.stderr)
    assert (done.returncode, said["code"], done.stdout) == (4, "not_running", "")
    assert "ray start --head" in said["message"]
    assert str(dead_port) in said["message"]
    assert not (tmp_path / "home").exists()
    assert took_s < 10.0, f"took {took_s:.1f} s"


def test_an_address_that_is_none(environ: dict[str, str]) -> None:
    """An address without a port is not found either."""
    command = [sys.executable, "-m", "orchestrator", "--config", "configs/paper.toml", "--set", "ray.address=nonsense"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 4
    assert "host:port" in done.stderr


def test_the_doctor_examines(environ: dict[str, str], tmp_path: Path) -> None:
    """The doctor looks at all of it and ends with 6 if and only if there is a problem; a taken port is one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environ["HATS_LOCAL_VENUE__PORT"] = str(taken.getsockname()[1])
        key = tmp_path / "home" / "keys" / "desk.keystore.json"
        key.parent.mkdir(parents=True, mode=0o700)
        key.write_text("{}")
        key.chmod(0o644)
        command = [sys.executable, "-m", "orchestrator.cli", "doctor", "--json"]
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=110)
    found = json.loads(done.stdout)
    verdicts = {finding["name"]: finding["verdict"] for finding in found["findings"]}
    assert done.returncode == 6
    assert not found["healthy"]
    assert verdicts[f"port {environ['HATS_LOCAL_VENUE__PORT']}"] == "problem"
    assert verdicts["keystore"] == "problem"
    for name in ("python", "packages", "ray", "configuration", "current run"):
        assert verdicts[name] == "ok", found
    assert {"disk", "memory", "clock", "ray token"} <= set(verdicts)
