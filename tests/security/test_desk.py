"""A running desk, seen from outside: what listens, who gets in, what its processes and files give away."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.error import HTTPError

import pytest

from orchestrator.machine import certificates
from orchestrator.machine.exposure import OPENINGS
from orchestrator.machine.raylink import free_port
from orchestrator.machine.runfiles import RunFiles
from orchestrator.safekeeping.run_scan import listening, look_for_exposure, look_for_secrets, processes_of_run
from shared.bus.sockets import connect
from shared.bus.tls import TlsFiles
from shared.errors import BusError
from shared.hosts import is_loopback
from tests.e2e.desk_commands import Hats
from tests.security.canary import Search, environment, planted

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

SHELL: Final = {name: planted(name) for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DATABASE_PASSWORD")}


class Running(NamedTuple):
    """A desk with everything on that listens: metrics, dashboard, the bus on TCP under TLS."""

    hats: Hats
    files: RunFiles
    pids: list[int]
    ports: dict[str, int]
    tls: TlsFiles


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Raised by `hats up` from a shell full of secrets."""
    home = tmp_path_factory.mktemp("desk")
    (tls,) = certificates.make(home / "tls", ["127.0.0.1"])
    hats = Hats(home)
    ports = {name: free_port() for name in ("metrics.port", "ray.dashboard_port", "bus.port")}
    hats._environ |= environment(SHELL) | {"HATS_RAY__DASHBOARD": "true", "HATS_METRICS__ENABLED": "true"}
    more = {**ports, "bus.kind": "tcp", "tls.ca_file": tls.ca, "tls.cert_file": tls.cert, "tls.key_file": tls.key}
    facts = hats("up", *(part for key, value in more.items() for part in ("--set", f"{key}={value}")))
    ports["local_venue.port"] = int(hats._environ["HATS_LOCAL_VENUE__PORT"])
    try:
        yield Running(hats, RunFiles(Path(facts["run_dir"])), processes_of_run(facts["launcher_pid"]), ports, tls)
    finally:
        hats("down")


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()


def test_only_what_is_declared_listens_and_on_loopback_alone(desk: Running) -> None:
    """Every listening socket of every process of the desk is one of OPENINGS, and every port of ours is there."""
    found = list(listening(desk.pids))
    strange = [
        f"{one.host}:{one.port} of {_command(one.pid)[:80]}"
        for one in found
        if not any(
            re.search(opening.process, _command(one.pid))
            and (opening.port is None or desk.ports[opening.port] == one.port)
            for opening in OPENINGS
            if opening.kind != "unix"
        )
    ]
    assert not strange
    assert [one for one in found if not is_loopback(one.host)] == []
    assert set(desk.ports.values()) <= {one.port for one in found}
    assert len(found) > 15, "Ray's own parts were looked at too"


def _status(port: int, path: str, body: bytes | None = None, **headers: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return int(reply.status)
    except HTTPError as error:
        error.close()
        return error.code


JOB: Final = json.dumps({"entrypoint": "touch /tmp/hats-was-here"}).encode()


@pytest.mark.parametrize("token", ["", "0" * 64])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/version", None),
        ("/api/jobs/", None),
        ("/api/jobs/", JOB),
        ("/logical/actors", None),
        ("/api/v0/nodes", None),
    ],
)
def test_ray_runs_nobodys_jobs(desk: Running, path: str, body: bytes | None, token: str) -> None:
    """Without the token, or with a wrong one, the dashboard answers 401 or 403, to reading and to submitting."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status = _status(desk.ports["ray.dashboard_port"], path, body, **headers, **{"Content-Type": "application/json"})
    assert status in {401, 403}


def test_the_token_opens_ray_and_is_private(desk: Running) -> None:
    """So the refusals above are the token's doing; its file is its owner's alone."""
    path = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    assert path.stat().st_mode & 0o777 == 0o600
    bearer = f"Bearer {path.read_text().strip()}"
    assert _status(desk.ports["ray.dashboard_port"], "/api/version", Authorization=bearer) == 200


def test_the_bus_takes_nobody_without_a_certificate(desk: Running) -> None:
    """Neither in the clear, nor under TLS without a certificate of this desk's authority."""
    port = desk.ports["bus.port"]
    plain = connect(f"tcp:127.0.0.1:{port}", 5.0)
    with contextlib.suppress(BusError):  # it may have hung up already
        plain.send(b"let me in")
    assert plain.receive(10) is None
    plain.close()
    context = ssl.create_default_context(cafile=desk.tls.ca)
    sock = socket.create_connection(("127.0.0.1", port), 10)
    with context.wrap_socket(sock, server_hostname="127.0.0.1") as bare, pytest.raises((ssl.SSLError, ConnectionError)):
        bare.recv(1)
    assert len(desk.hats("status")["hats"]) == 9, "the operator, who has both, is served"


def test_no_process_knows_the_shells_secrets(desk: Running) -> None:
    """Nothing of what lay in the environment of who started it is in any of the desk's processes."""
    search = Search(SHELL.values())
    search.processes(desk.pids)
    assert search.hits == []
    assert search.places >= 2 * len(desk.pids) - 10


def test_no_file_is_open_and_no_secret_astray(desk: Running) -> None:
    """What the run's own scan looks for, looked for from outside; the signer hides even from its user."""
    assert look_for_exposure(desk.files, desk.pids).faults == ()
    assert look_for_secrets(desk.files, desk.pids).faults == ()
    signers = [pid for pid in desk.pids if "security_architect.signer --" in _command(pid)]
    assert signers
    assert all(Path(f"/proc/{pid}/environ").stat().st_uid == 0 for pid in signers)


def test_nobody_leaves_a_core(desk: Running) -> None:
    """The limit for core files is 0 in every process."""
    lines = [Path(f"/proc/{pid}/limits").read_text() for pid in desk.pids if Path(f"/proc/{pid}").exists()]
    assert len(lines) > 15
    limits = [re.search(r"Max core file size +(\S+)", line) for line in lines]
    assert {limit[1] for limit in limits if limit} == {"0"}
