"""EDGE: one desk for one home folder and for one account on this machine: a second one is refused before it begins.

A claim is a lock on an open file and a socket that has a name of the kernel's and no file: whoever clears temporary
folders away takes the file, and one that is there anew is another file, which a second desk could lock. Both end with
the process however it ends. Both are the same for every process of this user, whatever its TMPDIR. A desk whose
launcher died but whose Ray lives on is found by the note that the launcher left.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.machine.processes import is_running
from orchestrator.machine.runfiles import current_run
from shared.errors import AlreadyRunning, NotRunning

_HELD: Final = frozenset({errno.EWOULDBLOCK, errno.EADDRINUSE})
"""The kernel's words for a lock and a name that somebody has."""
_TEMPORARY: Final = Path("/tmp")  # noqa: S108 - not where TMPDIR says: a second desk may be told otherwise  # nosec B108


@contextlib.contextmanager
def claimed(home: Path, account: str | None, network: str) -> Iterator[None]:
    """Both are ours while inside; AlreadyRunning if another desk of this user has either. `account` None: nobody's."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.ExitStack() as stack:
        lock = home / "desk.lock"
        stack.enter_context(_held(lock, str(lock.resolve()), f"the home folder {home}"))
        _refuse_survivor(home)
        if account is not None:
            whose = f"{os.getuid()} {network} {account.lower()}"
            stack.enter_context(_held(account_lock(account, network), whose, f"account {account} on {network}"))
        yield


def refuse_second(home: Path, account: str | None, network: str) -> None:
    """AlreadyRunning if a desk could not begin now."""
    with claimed(home, account, network):
        return


def account_lock(account: str, network: str) -> Path:
    """The file that whoever trades the account holds, whatever its home folder is."""
    folder = _TEMPORARY / f"hats-{os.getuid()}-accounts"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise AlreadyRunning(f"{folder} must be ours and 0700: somebody else made it, so nobody can tell who trades")
    return folder / f"{network}-{account.lower()}.lock"


@contextlib.contextmanager
def _held(path: Path, named: str, what: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        name = stack.enter_context(socket.socket(socket.AF_UNIX))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            name.bind(_name_of(named))
        except OSError as error:
            if error.errno not in _HELD:
                raise
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise AlreadyRunning(f"a desk already runs on {what} (process {holder}): `hats down` ends it") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield


def _name_of(named: str) -> bytes:
    """The socket's: one of the abstract ones (unix(7)), which begin with a zero byte. Everybody may read it."""
    return b"\0hats-" + hashlib.sha256(named.encode()).hexdigest().encode()


def _refuse_survivor(home: Path) -> None:
    try:
        run = current_run(home)
    except NotRunning:
        return
    if run.ray_pid is not None and is_running(run.ray_pid, "ray"):
        raise AlreadyRunning(f"a desk ended without order ({run.run_dir}): `hats down` first puts it in order")
