"""EDGE: looks at a run for what must not be: its own secrets outside their files, files that others can read, sockets
that others can reach."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from orchestrator.machine import processes
from orchestrator.machine.raylink import AUTH_TOKEN
from orchestrator.machine.runfiles import HubDoor, RunFiles
from shared.errors import DataError
from shared.hosts import is_loopback

TAIL_BYTES_MAX: Final = 64 << 20
"""So much is read of a file, from its end; what is longer was read while it was shorter."""
SECRET_BYTES_MIN: Final = 12
_LISTENING: Final = "0A"


class Secret(NamedTuple):
    """A secret of the run and the one file that may hold it."""

    name: str
    data: bytes
    home: Path


class Looked(NamedTuple):
    """How many places were looked at, and what was wrong, in words without any secret."""

    places: int
    faults: tuple[str, ...]


class Listening(NamedTuple):
    """A TCP socket that listens, and whose it is."""

    host: str
    port: int
    pid: int


def secrets_of(files: RunFiles) -> list[Secret]:
    """The run's passwords, keys, the operator's pass, and Ray's token."""
    paths = [*files.keys.glob("*.password"), *files.keys.glob("*.key")]
    found = [Secret(path.name, path.read_bytes().strip(), path) for path in sorted(paths)]
    if files.door.exists():
        try:
            token = msgspec.json.decode(files.door.read_bytes(), type=HubDoor).token
        except msgspec.MsgspecError as error:
            raise DataError(f"cannot read {files.door.name}: {error}") from error
        found.append(Secret("operator's pass", token.encode(), files.door))
    ray = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", AUTH_TOKEN)).expanduser()
    if ray.exists():
        found.append(Secret("Ray's token", ray.read_bytes().strip(), ray))
    return [secret for secret in found if len(secret.data) >= SECRET_BYTES_MIN]


def look_for_secrets(files: RunFiles, pids: Iterable[int]) -> Looked:
    """The run's secrets in its logs, reports and records, in Ray's logs, and in its processes' arguments and
    environment."""
    secrets = secrets_of(files)
    forms = [(secret, form) for secret in secrets for form in (secret.data, secret.data.hex().encode())]
    places, faults = 0, set[str]()
    texts: list[tuple[str, bytes, Path | None]] = [(str(path), _tail(path), path) for path in _texts(files)]
    texts += [
        (f"/proc/{pid}/{name}", processes.told(pid, name), None) for pid in pids for name in ("cmdline", "environ")
    ]
    for place, data, path in texts:
        places += 1
        faults |= {f"{secret.name} in {place}" for secret, form in forms if form in data and path != secret.home}
    return Looked(places, tuple(sorted(faults)))


def look_for_exposure(files: RunFiles, pids: Iterable[int]) -> Looked:
    """Files of the run that others may read, a token that others may read, and sockets that other machines reach."""
    faults, places = [], 0
    for path in [files.dir, *files.dir.rglob("*")]:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue  # gone meanwhile
        places += 1
        if mode & 0o077 and not path.is_symlink():
            faults.append(f"{path.relative_to(files.dir.parent)} is {mode & 0o777:04o}")
    for secret in secrets_of(files):
        places += 1
        if secret.home.stat().st_mode & 0o077:
            faults.append(f"the file of {secret.name} can be read by others")
    for found in listening(pids):
        places += 1
        if not is_loopback(found.host):
            faults.append(f"process {found.pid} listens on {found.host}:{found.port}")
    return Looked(places, tuple(faults))


def processes_of_run(launcher_pid: int) -> list[int]:
    """The launcher and all below it; and if this is a worker of another Ray, that one's processes."""
    roots = {launcher_pid, os.getppid() if _is_raylet(os.getppid()) else launcher_pid}
    return sorted(processes.below(roots))


def listening(pids: Iterable[int]) -> Iterator[Listening]:
    """Every TCP socket on which one of these processes listens; none of a process whose files we may not see."""
    inodes: dict[str, tuple[str, int]] = {}
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        table = Path("/proc/net") / name
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()  # number, local, remote, state, queues, timer, retransmits, user, timeout, inode
            if fields[3] == _LISTENING:
                words, _, port = fields[1].partition(":")
                inodes[fields[9]] = (_address(words, family), int(port, 16))
    for pid in pids:
        for inode in _sockets(pid):
            if inode in inodes:
                yield Listening(*inodes[inode], pid)


def _address(words: str, family: socket.AddressFamily) -> str:
    """The kernel writes each 32-bit word of an address in the machine's order."""
    data = b"".join(int(words[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(words), 8))
    return socket.inet_ntop(family, data)


def _sockets(pid: int) -> set[str]:
    found = set()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        return found  # it ended, or hides from its own user, as the signer does
    return found


def _texts(files: RunFiles) -> list[Path]:
    """What is written for people and machines to read; not the journal, whose messages hold none."""
    found = [path for path in files.dir.iterdir() if path.suffix in {".json", ".jsonl", ".html"}]
    found += files.logs.rglob("*")
    found += files.ray.glob("session_*/logs/**/*")
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - TAIL_BYTES_MAX, 0))
            return file.read(TAIL_BYTES_MAX)
    except FileNotFoundError:
        return b""  # rotated away meanwhile


def _is_raylet(pid: int) -> bool:
    return b"raylet" in processes.told(pid, "cmdline")[:200]
