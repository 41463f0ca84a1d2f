"""EDGE: the way to a Ray cluster: the user's, or one of our own that we start and stop by its process.

Token authentication is on, always; our own Ray listens on loopback alone; another host's is joined under TLS or not at
all. uv's project upload is off, and a dead address is refused within seconds. We never call `ray stop`, which would end
every Ray of the user.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from orchestrator.machine import processes
from orchestrator.machine.environment import scrubbed
from shared.bus.tls import TlsFiles, check_private
from shared.errors import ConfigError, HatsError, NotRunning, Unanswered
from shared.hosts import is_loopback
from shared.private_files import write_private

AUTH_TOKEN: Final = Path("~/.ray/auth_token")
CURRENT_CLUSTER: Final = Path("/tmp/ray/ray_current_cluster")  # noqa: S108 - Ray notes it there  # nosec B108
OBJECT_STORE_BYTES: Final = 100_000_000
"""Least that Ray takes; nothing of ours travels through it."""
START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 20.0
PULSE_TIMEOUT_S: Final = 0.5
ENVIRONMENT: Final = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a call without a cluster starts one of Ray's own making, confined by nobody
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "2",
    "RAY_worker_niceness": "0",  # its default, 15, makes actors wait for whatever else the machine does
}
CONFINED: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray's switch for systems on which a cluster is one machine. With it Ray takes 127.0.0.1 for the node's address, and
every part of it listens there; without, a node address of 127.0.0.1 is replaced by one that others can reach, and all
parts but the dashboard listen on all interfaces (seen with 2.60.0)."""
TOKEN_CHARACTERS_MIN: Final = 32


def prepare(address: str | None = None, tls: TlsFiles | None = None) -> None:
    """Set what Ray reads when it is imported; call before the first `import ray`.

    `address` is the cluster to be joined, None one of our own or none yet. ConfigError if authentication by token is
    switched off, if the token is exposed, or if another machine's cluster would be joined without TLS.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if tls is not None:
        os.environ.update(tls_environment(tls))
    problems = token_problems(os.environ) + _address_problems(address)
    if problems:
        raise ConfigError(problems)
    host = None if address is None else address.rpartition(":")[0]
    if host is None or is_loopback(host):
        os.environ.update(CONFINED)
    ensure_token()


def token_problems(environ: Mapping[str, str]) -> list[str]:
    """Why Ray's token would not protect it with this environment; empty if it does."""
    problems = []
    mode = environ.get("RAY_AUTH_MODE", "token")
    if mode != "token":
        problems.append(f"RAY_AUTH_MODE: expected token, got {mode!r}: whoever reaches Ray's ports could run code")
    if "RAY_AUTH_TOKEN" in environ:
        problems.append(
            "RAY_AUTH_TOKEN: expected the token in a file (RAY_AUTH_TOKEN_PATH): every child can read an environment"
        )
    return problems


def tls_environment(tls: TlsFiles) -> dict[str, str]:
    """What makes Ray speak TLS with this host's certificate, between nodes and within one."""
    check_private(Path(tls.key))
    return {
        "RAY_USE_TLS": "1",
        "RAY_TLS_SERVER_CERT": tls.cert,
        "RAY_TLS_SERVER_KEY": tls.key,
        "RAY_TLS_CA_CERT": tls.ca,
    }


def _address_problems(address: str | None) -> list[str]:
    if address is None or os.environ.get("RAY_USE_TLS") == "1":
        return []
    host = address.rpartition(":")[0]
    if is_loopback(host) or _is_ours(host):
        return []
    return [
        f"ray.address: expected certificates (tls.ca_file, .cert_file, .key_file) to join {address} on another machine"
    ]


def _is_ours(host: str) -> bool:
    """Is it an address of this machine?"""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((host.strip("[]"), 0))
        except OSError:
            return False
    return True


def ensure_token() -> Path:
    """The file of Ray's access token, made if missing, readable by its owner only.

    ConfigError if it is not a file of ours, or holds too little to be a secret.
    """
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", AUTH_TOKEN)).expanduser()
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, secrets.token_hex(32).encode())
    if path.stat().st_uid != os.getuid():
        raise ConfigError([f"expected Ray's token {path} to be ours, it belongs to user {path.stat().st_uid}"])
    path.chmod(0o600)
    if len(path.read_text().strip()) < TOKEN_CHARACTERS_MIN:
        raise ConfigError(
            [f"expected a token of at least {TOKEN_CHARACTERS_MIN} characters in {path}: remove it, and one is made"]
        )
    return path


def resolve(address: str) -> str:
    """host:port of the cluster that `address` means; NotRunning if "auto" finds none."""
    if address != "auto":
        return address
    named = os.environ.get("RAY_ADDRESS")
    if named:
        return named
    if CURRENT_CLUSTER.exists():
        return CURRENT_CLUSTER.read_text().strip()
    raise NotRunning("there is no Ray cluster on this machine: run `ray start --head` first, or `hats up`")


def probe(address: str, timeout_s: float) -> None:
    """Nothing if somebody answers at `address` (host:port) within `timeout_s`; NotRunning otherwise."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise NotRunning(f"expected the cluster's address as host:port, got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout_s).close()
    except OSError as error:
        raise NotRunning(f"no Ray cluster answers at {address}: {error}; run `ray start --head` or `hats up`") from None


@contextlib.contextmanager
def connected(address: str, namespace: str, probe_s: float) -> Iterator[Pulse]:
    """This process is a driver of the cluster while inside, and feels its pulse; the cluster goes on afterwards."""
    address = resolve(address)
    probe(address, probe_s)
    import ray  # noqa: PLC0415 - seconds to import; `prepare` must come first

    ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ray.init(address=address, namespace=namespace, log_to_driver=False, logging_level=logging.ERROR)
    for number, handler in ours.items():
        signal.signal(number, handler)  # Ray's own would end us three seconds after a SIGTERM, in the middle of a drain
    pulse = Pulse(address)
    try:
        yield pulse
    finally:
        if pulse.fault() is None:  # else it waits a quarter of a minute for who is gone; the interpreter's end may
            ray.shutdown()


class OwnRay:
    """A Ray head of our own, on loopback, in its own process group and temp folder, with a scrubbed environment."""

    def __init__(self, temp_dir: Path, *, port: int, dashboard_port: int | None, num_cpus: int | None) -> None:
        self.address = f"127.0.0.1:{port}"
        self._temp_dir = temp_dir
        self._command = [
            _ray(), "start", "--head", "--block", f"--port={port}", "--node-ip-address=127.0.0.1",
            f"--temp-dir={temp_dir}",
            f"--object-store-memory={OBJECT_STORE_BYTES}", "--disable-usage-stats",
            f"--include-dashboard={'true' if dashboard_port else 'false'}",
            *([f"--dashboard-port={dashboard_port}"] if dashboard_port else []),
            *([f"--num-cpus={num_cpus}"] if num_cpus else []),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._pulse: Pulse | None = None

    @property
    def pid(self) -> int | None:
        """Process id of `ray start --block`; None before `start`."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """The cluster answers when this returns; HatsError if it ended, Unanswered if late."""
        self._temp_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        log_path = self._temp_dir / "ray_start.log"
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter's script
                self._command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                env=scrubbed(os.environ) | CONFINED,
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_S
        while b"Ray runtime started" not in log_path.read_bytes():
            if self._process.poll() is not None:
                raise HatsError(f"Ray did not start:\n{log_path.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                self.stop()
                raise Unanswered(f"Ray did not start within {START_TIMEOUT_S:.0f} s; see {log_path}")
            time.sleep(0.1)
        self._pulse = Pulse(self.address)

    def stop(self) -> None:
        """Every process of this cluster is gone when this returns."""
        if self._process is None:
            return
        is_whole = self._pulse is not None and self._pulse.fault() is None
        processes.stop(self._process.pid, STOP_TIMEOUT_S if is_whole else 0.0)  # what is left of it would only wait
        kill_cluster(self._process.pid)
        self._process.wait()
        self._process = None


class Pulse:
    """Is the cluster that this process joined still there? Asked of the system: Ray itself says so late, and a driver
    without its head is ended by Ray after a minute, wherever it stands."""

    def __init__(self, address: str) -> None:
        """`address`: host:port of the cluster's head. Made while the cluster lives."""
        self._address = address
        self._raylet = _raylet_of(address)

    def fault(self) -> str | None:
        """What of it is gone; None while this machine's raylet runs and its head listens."""
        if self._raylet is not None and not processes.is_running(self._raylet, "raylet"):
            return f"its raylet (process {self._raylet}) ended"
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), PULSE_TIMEOUT_S).close()
        except ConnectionRefusedError:
            return f"nobody listens at {self._address} any more"
        except OSError:  # slow is not gone
            return None
        return None


def _raylet_of(address: str) -> int | None:
    """This machine's raylet of the cluster; None if there is none to be seen."""
    for pid in processes.every():
        program, *words = processes.command_of(pid)
        if program.endswith("/raylet") and f"--gcs-address={address}" in words:
            return pid
    return None


def kill_cluster(head: int) -> None:
    """Every process of the cluster that this `ray start` began in a session of its own is gone when this returns.

    Each actor has a process group of its own; without their raylet they would go on for seconds.
    """
    processes.kill_session(head, "ray")


def _ray() -> str:
    return str(Path(sys.executable).with_name("ray"))


def free_port() -> int:
    """A TCP port of loopback that is free now and outside the range that Ray keeps for its workers."""
    while True:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
        if not 10_002 <= port <= 19_999:
            return port
