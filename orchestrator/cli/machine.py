"""EDGE: looks at the machine: Python, packages, Ray, ports, folders, keys, space and clock."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from orchestrator.cli.findings import Finding, ok, privacy_finding, problem, space_finding, worth_knowing

PYTHON_MIN: Final = (3, 11)
GIB: Final = 2**30
DISK_NEEDED: Final = GIB
DISK_WANTED: Final = 5 * GIB
SHARED_NEEDED: Final = 128 * 2**20
SHARED_WANTED: Final = 256 * 2**20
MEMORY_NEEDED: Final = GIB
MEMORY_WANTED: Final = 2 * GIB
IMPORT_TIMEOUT_S: Final = 120.0
NOT_SYNCHRONISED: Final = 5
"""What adjtimex returns when nothing disciplines the clock (TIME_ERROR)."""
BUILT_AFTER: Final = 1_750_000_000
"""Any clock that says less (seconds since 1970; June 2025) is wrong."""


def python() -> Iterator[Finding]:
    """Version and mode of the interpreter."""
    shown = sys.version.split()[0]
    if sys.version_info < PYTHON_MIN:
        yield problem("python", shown, "use Python 3.11 or newer")
    elif sys.flags.optimize:
        yield problem("python", f"{shown} runs with -O, which removes our invariants", "unset PYTHONOPTIMIZE")
    else:
        yield ok("python", f"{shown} at {sys.executable}")


def packages() -> Iterator[Finding]:
    """Every dependency that the package names, against what is installed."""
    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(text) for text in metadata.requires("hyperhats") or ()]
    except metadata.PackageNotFoundError:
        yield problem("packages", "hyperhats is not installed", "make install")
        return
    wrong = []
    needed = [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
    for requirement in needed:
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found = ""
        if not found or not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} {found or 'missing'} (needs {requirement.specifier})")
    if wrong:
        yield problem("packages", ", ".join(wrong), "make install")
    else:
        yield ok("packages", f"all {len(needed)} dependencies are installed")


def ray_itself() -> Iterator[Finding]:
    """Can Ray be imported and started, and is its token private?"""
    script = Path(sys.executable).with_name("ray")
    done = subprocess.run(
        [sys.executable, "-c", "import ray; print(ray.__version__)"],
        capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        yield problem("ray", f"cannot be imported: {done.stderr.strip().splitlines()[-1:]}", "make install")
    elif not os.access(script, os.X_OK):
        yield problem("ray", f"there is no {script}", "make install")
    else:
        yield ok("ray", f"{done.stdout.strip()} can be imported and started")
    from orchestrator.machine.raylink import AUTH_TOKEN

    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", AUTH_TOKEN)).expanduser()
    if token.exists():
        yield _privacy("ray token", token, 0o600)
    else:
        yield ok("ray token", f"{token} will be made at the first start")


def ports(named: Sequence[tuple[str, str, int]], *, is_run_alive: bool) -> Iterator[Finding]:
    """Can we listen on each (name, host, port)? A port in use is fine while our own run is alive."""
    for name, host, port in named:
        label = f"port {port}"
        if _is_free(host, port):
            yield ok(label, f"free for {name}")
        elif is_run_alive:
            yield ok(label, f"in use while the current run is alive ({name})")
        elif name == "local exchange" and _is_venue(host, port):
            yield worth_knowing(label, "a local exchange answers already; a run will use it as it is")
        else:
            yield problem(label, f"taken by another process; {name} needs it", "stop that process, or set another port")


def folders(home: Path) -> Iterator[Finding]:
    """Are the home folder and every key in it private, and is there space?"""
    if home.exists():
        yield _privacy("home folder", home, 0o700, is_secret=False)  # each run's folder in it is closed anyway
    else:
        yield ok("home folder", f"{home} will be made, readable by you alone")
    keys = [path for folder in (home / "keys", *home.glob("runs/*/keys")) for path in _files(folder)]
    exposed = [_privacy("keystore", path, 0o600) for path in keys]
    bad = [finding for finding in exposed if finding.remedy]
    yield from bad
    if not bad:
        yield ok("keystores", f"{len(keys)} files, all readable by you alone")
    nearest = next(path for path in (home, *home.parents) if path.exists())
    yield space_finding("disk", shutil.disk_usage(nearest).free, DISK_NEEDED, DISK_WANTED, f"at {nearest}")
    shared_memory = Path("/dev/shm")  # noqa: S108 - where Ray keeps its object store  # nosec B108
    if shared_memory.exists():
        free = shutil.disk_usage(shared_memory).free
        yield space_finding("shared memory", free, SHARED_NEEDED, SHARED_WANTED, f"at {shared_memory}")


def memory() -> Iterator[Finding]:
    """Is there room for Ray and ten actors?"""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    yield space_finding("memory", available, MEMORY_NEEDED, MEMORY_WANTED, "for Ray and ten actors")


def clock() -> Iterator[Finding]:
    """Is the clock plausible, and does the kernel believe that it is synchronised?"""
    if time.time() < BUILT_AFTER:
        yield problem("clock", f"it says {time.strftime('%Y-%m-%d', time.gmtime())}", "set the clock; nonces need it")
        return
    # struct timex begins with modes, offset, freq, maxerror, esterror, status; mode 0 only reads
    buffer = ctypes.create_string_buffer(512)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    max_error_us = struct.unpack_from("q", buffer, 24)[0]
    if state < 0:
        yield worth_knowing("clock", f"the kernel does not tell ({os.strerror(ctypes.get_errno())})")
    elif state == NOT_SYNCHRONISED:
        yield worth_knowing(
            "clock", "nothing keeps it in step (no NTP)", "fine for the local exchange; real venues need it"
        )
    else:
        yield ok("clock", f"kept in step; at most {max_error_us / 1_000:.0f} ms off")


def _privacy(name: str, path: Path, allowed: int, *, is_secret: bool = True) -> Finding:
    status = path.stat()
    mode, is_ours = stat.S_IMODE(status.st_mode), status.st_uid == os.getuid()
    return privacy_finding(name, str(path), mode, allowed, is_ours=is_ours, is_secret=is_secret)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True


def _is_venue(host: str, port: int) -> bool:
    import urllib.request
    from urllib.error import URLError

    try:
        with urllib.request.urlopen(f"http://{host}:{port}/health", timeout=1) as reply:  # nosec B310
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False
