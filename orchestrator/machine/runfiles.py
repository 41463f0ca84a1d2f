"""EDGE: where a run leaves what: one folder a run, private to its owner, and a note of which run is the current one."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.machine import short_folder
from orchestrator.machine.build import Build
from shared.approval import ApprovalKey
from shared.approval_file import key_path, read_key
from shared.bus.tls import TlsFiles
from shared.errors import NotRunning
from shared.private_files import make_private_folders, write_private

SUN_PATH_MAX: Final = 100
"""A Unix socket's path may have 107 bytes; ours keep some room."""


class RunNote(msgspec.Struct, frozen=True):
    """What other commands need to find a run: its folder, the cluster and namespace, and who launched it."""

    run: int
    run_dir: str
    address: str
    namespace: str
    launcher_pid: int
    ray_pid: int | None
    config: str


class HubDoor(msgspec.Struct, frozen=True):
    """Where a running hub is and the operator's pass, which lets one in; its file is private."""

    address: str
    token: str
    build: str
    tls: TlsFiles | None = None


class RunRecord(msgspec.Struct, frozen=True):
    """What a run was made of, kept in its folder: the code, and all settings (which name no secret) as JSON."""

    run: int
    build: Build
    settings: msgspec.Raw


class RunFiles:
    """The files of one run."""

    def __init__(self, run_dir: Path) -> None:
        self.dir = run_dir
        self.journal = run_dir / "journal.sqlite"
        self.record = run_dir / "run.json"
        self.door = run_dir / "hub.json"
        self.audit = run_dir / "audit.jsonl"
        self.keys = run_dir / "keys"
        self.logs = run_dir / "logs"
        self.kill_note = run_dir / "kill.json"
        self.schedule = run_dir / "schedule.json"
        self.summary = run_dir / "summary.json"
        self.scorecards_json = run_dir / "scorecards.json"
        self.scorecards_html = run_dir / "scorecards.html"

    def create(self) -> None:
        """Make the folders, readable by their owner only."""
        make_private_folders(self.dir, self.keys, self.logs)

    @contextlib.contextmanager
    def standing(self) -> Iterator[None]:
        """Sockets and a Ray of our own have their folders while inside; outside the run's own nothing stays."""
        with short_folder.held(self.short):
            make_private_folders(self.sockets, self.ray)
            yield

    def approval_key(self) -> ApprovalKey | None:
        """The key that the run's approvals are sealed with; None if it is gone, and then no replay makes the seals."""
        path = key_path(self.dir)
        return read_key(path) if path.exists() else None

    @property
    def sockets(self) -> Path:
        """Folder of the run's Unix sockets: its own, or a short one where that path is too long for a socket."""
        own = self.dir / "sockets"
        return own if len(str(own / "signer.sock")) <= SUN_PATH_MAX else self.short

    @property
    def ray(self) -> Path:
        """Folder of a Ray head of our own; short, for Ray keeps sockets deep inside it."""
        return self.short / "ray"

    @property
    def short(self) -> Path:
        """Folder outside the run's own, for what needs a short path."""
        return short_folder.path_of(self.dir)

    @property
    def bus(self) -> str:
        """Address of the hub."""
        return f"unix:{self.sockets / 'bus.sock'}"

    @property
    def signer(self) -> Path:
        """Socket of the signer."""
        return self.sockets / "signer.sock"

    @property
    def oracle(self) -> Path:
        """Socket on which the signer is told prices."""
        return self.sockets / "oracle.sock"

    @property
    def oracle_key(self) -> Path:
        """File of the secret that the prices are sealed with (0600)."""
        return self.keys / "oracle.key"

    @property
    def signer_admin(self) -> Path:
        """Socket on which the operator changes the signer's key."""
        return self.sockets / "admin.sock"

    @property
    def keyring(self) -> Path:
        """File that remembers which key took over while the run lived."""
        return self.keys / "keyring.json"

    @property
    def watchdog(self) -> Path:
        """Socket of the watchdog."""
        return self.sockets / "watchdog.sock"

    @property
    def watchdog_latch(self) -> Path:
        """File that remembers that the watchdog watches, or that it has acted."""
        return self.dir / "watchdog.latch.json"

    @property
    def signer_checkpoints(self) -> Path:
        """The signer's copy of the audit log's checkpoints: not in the run's folder, so that both have to be forged."""
        return self.dir.parent.parent / "checkpoints" / f"{self.dir.name}.jsonl"

    def password(self, name: str) -> Path:
        """File of a key's password (0600)."""
        return self.keys / f"{name}.password"


def new_run(home: Path, name: str, run: int) -> RunFiles:
    """Files of a run that begins now, `run` seconds since 1970, in a folder that no other run has; it is made here."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(run))
    runs = home / "runs"
    make_private_folders(home, runs)
    for number in itertools.count(1):
        folder = runs / (f"{name}-{stamp}" if number == 1 else f"{name}-{stamp}-{number}")
        # another of the same second has its own: two journals in one folder would be one
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            return RunFiles(folder)
    raise AssertionError("unreachable: the numbers do not end")


def write_record(files: RunFiles, record: RunRecord) -> None:
    """Remember what the run is made of."""
    write_private(files.record, msgspec.json.encode(record))


def record_of(files: RunFiles) -> RunRecord:
    """What the run was made of; NotRunning if there is no such run, or if it did not note it."""
    if not files.record.exists():
        raise NotRunning(f"{files.dir} does not say with which settings it ran: {files.record.name} is missing")
    return msgspec.json.decode(files.record.read_bytes(), type=RunRecord)


def note_run(home: Path, note: RunNote) -> None:
    """Remember the current run."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(home / "current.json", msgspec.json.encode(note))


def current_run(home: Path) -> RunNote:
    """The run that was noted last; NotRunning if there was none."""
    path = home / "current.json"
    if not path.exists():
        raise NotRunning(f"no run was started from {home}: `hats up` or `hats demo` starts one")
    return msgspec.json.decode(path.read_bytes(), type=RunNote)


def newest_in(home: Path) -> Path | None:
    """The folder of the home folder's run that began last; None if there was none."""
    folders = [path for path in (home / "runs").glob("*") if path.is_dir()]
    return max(folders, key=lambda path: path.stat().st_mtime_ns, default=None)


def forget_run(home: Path) -> None:
    """The current run is over; its folder stays."""
    (home / "current.json").unlink(missing_ok=True)
