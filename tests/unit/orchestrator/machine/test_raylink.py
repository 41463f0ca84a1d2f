"""Ray is never without its token, and another machine's Ray is never joined in the clear."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.machine import certificates, processes, raylink
from shared.errors import ConfigError


@pytest.fixture(autouse=True)
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A token file of the test's own; the environment is as before afterwards."""
    before = dict(os.environ)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    yield tmp_path / "token"
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


def test_the_token_is_made_private(token: Path) -> None:
    """Made at the first start, long, and 0600 whatever it was before."""
    raylink.prepare()
    assert len(token.read_text()) == 64
    token.chmod(0o644)  # as Ray's own command leaves it
    raylink.prepare()
    assert token.stat().st_mode & 0o777 == 0o600


def test_authentication_can_not_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start is refused, whoever asks for it."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(ConfigError, match="RAY_AUTH_MODE"):
        raylink.prepare()


def test_a_token_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every child could read it; the message does not repeat it."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", "canary-7c1f")
    with pytest.raises(ConfigError, match="RAY_AUTH_TOKEN_PATH") as refused:
        raylink.prepare()
    assert "canary" not in str(refused.value)


def test_a_short_token_is_refused(token: Path) -> None:
    """What can be guessed is no token."""
    token.write_text("hats")
    with pytest.raises(ConfigError, match="at least 32"):
        raylink.prepare()


def test_another_machine_needs_tls(tmp_path: Path) -> None:
    """198.51.100.7 is nobody's (RFC 5737); with certificates Ray is told to use them."""
    with pytest.raises(ConfigError, match=r"ray\.address"):
        raylink.prepare("198.51.100.7:6379")
    (files,) = certificates.make(tmp_path / "tls", ["198.51.100.7"])
    raylink.prepare("198.51.100.7:6379", files)
    assert os.environ["RAY_USE_TLS"] == "1"
    assert os.environ["RAY_TLS_SERVER_KEY"] == files.key


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Before Ray starts, not after."""
    (files,) = certificates.make(tmp_path / "tls", ["198.51.100.7"])
    Path(files.key).chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        raylink.prepare("198.51.100.7:6379", files)


def test_a_pulse_tells_which_part_of_the_cluster_is_gone(tmp_path: Path) -> None:
    """Its raylet is found among the processes, its head by its port; another cluster's are none of its business."""
    raylet = tmp_path / "raylet"
    raylet.symlink_to("/bin/sh")
    with socket.create_server(("127.0.0.1", 0)) as head, socket.create_server(("127.0.0.1", 0)) as other:
        address, elsewhere = (f"127.0.0.1:{door.getsockname()[1]}" for door in (head, other))
        command = [str(raylet), "-c", "read line", "sh", f"--gcs-address={address}"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            _wait_for(lambda: processes.is_running(process.pid, "raylet"))
            pulse, others = raylink.Pulse(address), raylink.Pulse(elsewhere)
            assert (pulse.fault(), others.fault()) == (None, None)
            process.kill()
            process.wait()
            assert pulse.fault() == f"its raylet (process {process.pid}) ended"
            assert others.fault() is None
        headless = raylink.Pulse(address)
        assert headless.fault() is None
    assert headless.fault() == f"nobody listens at {address} any more"


def _wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 10.0
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_whole_session_of_a_cluster_is_killed() -> None:
    """An actor has a process group of its own, and may outlive the one that began its session."""
    actor = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)  # ray::A'], "
    actor += "process_group=0); print('begun', flush=True)"
    with subprocess.Popen([sys.executable, "-c", actor], start_new_session=True, stdout=subprocess.PIPE) as head:
        assert head.stdout is not None
        assert head.stdout.readline() == b"begun\n"
        head.wait()
        assert len(processes.in_session(head.pid)) == 1
        raylink.kill_cluster(head.pid)
        assert not any(processes.is_running(pid) for pid in processes.in_session(head.pid))
