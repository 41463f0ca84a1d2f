"""EDGE: what the operating system does for a process that holds a key: no core file, no debugger, private files."""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
from typing import Final

from shared.errors import ConfigError, InvariantError

_PR_SET_DUMPABLE: Final = 4
_PR_GET_DUMPABLE: Final = 3


def become(user: str) -> None:
    """Be that user from here on, without a way back; what is open stays open. ConfigError if it can't be."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError as error:
        raise ConfigError([f"--user: there is no user {user!r} on this machine"]) from error
    if os.getuid() != 0:
        raise ConfigError([f"--user {user}: only a signer that is started by root can become another user"])
    if entry.pw_uid == 0:
        raise ConfigError([f"--user {user}: that is root"])
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if os.getresuid() != (entry.pw_uid,) * 3 or os.getresgid() != (entry.pw_gid,) * 3 or os.getgroups():
        raise InvariantError(f"not wholly {user}: {os.getresuid()}, {os.getresgid()}, {os.getgroups()}")
    harden()  # the kernel forgets some of it when the user changes


def harden() -> None:
    """Nothing; afterwards a crash leaves no core and no process of the same user can read our memory.

    CPython cannot wipe every copy of a key from memory; this is what can be had.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise InvariantError(f"cannot make the signer undumpable: {os.strerror(ctypes.get_errno())}")
