"""EDGE: what the operating system does for a process that holds a key: no core file, no debugger, private files."""

from __future__ import annotations

import ctypes
import os
import resource
from typing import Final

from shared.errors import InvariantError

_PR_SET_DUMPABLE: Final = 4
_PR_GET_DUMPABLE: Final = 3


def harden() -> None:
    """Nothing; afterwards a crash leaves no core and no process of the same user can read our memory.

    CPython cannot wipe every copy of a key from memory; this is what can be had.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise InvariantError(f"cannot make the signer undumpable: {os.strerror(ctypes.get_errno())}")
