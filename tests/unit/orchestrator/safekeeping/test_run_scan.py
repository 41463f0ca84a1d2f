"""What the scan of a run sees: its secrets elsewhere, files open to others, sockets open to others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from orchestrator.machine.runfiles import HubDoor, RunFiles, RunNote, note_run
from orchestrator.safekeeping.run_scan import (
    listening,
    look_for_exposure,
    look_for_secrets,
    processes_of_run,
    secrets_of,
)
from orchestrator.upkeep import jobs
from orchestrator.upkeep.jobs import Place
from shared.errors import DataError
from shared.private_files import write_private

PASSWORD = "a password of the run 4711"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFiles:
    """A run's folder with its secrets, all private."""
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "ray_token"))
    write_private(tmp_path / "ray_token", b"t" * 40)
    found = RunFiles(tmp_path / "runs" / "demo")
    found.create()
    write_private(found.password("desk"), PASSWORD.encode())
    write_private(found.keys / "approvals.key", bytes(range(32)))
    write_private(found.door, msgspec.json.encode(HubDoor("unix:/x", "the operator's pass", "b")))
    write_private(found.logs / "hub.jsonl", b'{"message":"well"}\n')
    return found


def test_a_sound_run_has_no_fault(files: RunFiles) -> None:
    """Every secret lies in its own file, every file is closed."""
    assert {secret.name for secret in secrets_of(files)} == {
        "desk.password", "approvals.key", "operator's pass", "Ray's token"
    }  # fmt: skip
    assert look_for_secrets(files, [os.getpid()]).faults == ()
    looked = look_for_exposure(files, [os.getpid()])
    assert looked.faults == ()
    assert looked.places > 8


@pytest.mark.parametrize(
    ("name", "leak"),
    [
        ("logs/hub.jsonl", PASSWORD.encode()),
        ("logs/worker.log", bytes(range(32))),
        ("summary.json", bytes(range(32)).hex().encode()),
        ("logs/deep/x.log", b"the operator's pass"),
        ("audit.jsonl", b"t" * 40),
    ],
)
def test_a_leak_is_found_and_not_repeated(files: RunFiles, name: str, leak: bytes) -> None:
    """The fault names the secret and the place; it does not hold the secret."""
    path = files.dir / name
    path.parent.mkdir(exist_ok=True, mode=0o700)
    write_private(path, b"before " + leak + b" after\n")
    faults = look_for_secrets(files, []).faults
    assert len(faults) == 1
    assert name in faults[0]
    assert leak not in faults[0].encode()


def test_an_environment_is_looked_into(files: RunFiles) -> None:
    """A secret in a child's environment is one place too many."""
    environ = os.environ | {"X": PASSWORD}
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        pids = processes_of_run(os.getpid())
        assert child.pid in pids
        faults = look_for_secrets(files, [child.pid]).faults
        child.communicate(b"\n")
    assert faults == (f"desk.password in /proc/{child.pid}/environ",)


def test_open_files_are_found(files: RunFiles) -> None:
    """In the run's folder, and the token outside it."""
    (files.logs / "hub.jsonl").chmod(0o640)
    secrets_of(files)[-1].home.chmod(0o644)
    assert look_for_exposure(files, []).faults == (
        "demo/logs/hub.jsonl is 0640", "the file of Ray's token can be read by others"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("family", "host", "is_open"),
    [
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET, "0.0.0.0", True),
        (socket.AF_INET6, "::1", False),
        (socket.AF_INET6, "::", True),
        (socket.AF_INET6, "::ffff:127.0.0.1", False),
    ],
)
def test_open_sockets_are_found(files: RunFiles, family: int, host: str, is_open: bool) -> None:
    """As the kernel's tables show them, for each spelling of an address."""
    with socket.socket(family) as sock:
        try:
            sock.bind((host, 0))
        except OSError as error:
            pytest.skip(f"no {host} on this machine: {error}")
        sock.listen()
        port = sock.getsockname()[1]
        assert (host, port, os.getpid()) in {tuple(found) for found in listening([os.getpid()])}
        faults = look_for_exposure(files, [os.getpid()]).faults
    assert any(f":{port}" in fault for fault in faults) is is_open


def test_the_job(files: RunFiles) -> None:
    """It says what it looked at, and fails with what it found; without a hub it needs nobody to tell."""
    home = files.dir.parent.parent
    note_run(home, RunNote(1, str(files.dir), "", "", os.getpid(), None, ""))
    place = Place(str(home), str(files.dir))
    assert jobs.scan_run(place).startswith("no secret in ")
    write_private(files.logs / "worker.log", PASSWORD.encode())
    with pytest.raises(DataError, match=r"desk\.password in .*worker\.log"):
        jobs.scan_run(place)
    assert jobs.TASKS["scan_run"].job.deadline_ns > 0
