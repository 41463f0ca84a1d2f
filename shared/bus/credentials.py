"""EDGE: who is at the other end of a Unix socket, as the kernel says."""

from __future__ import annotations

import os
import socket
import struct
from typing import Final, NamedTuple

_CREDENTIALS: Final = struct.Struct("iII")


class Credentials(NamedTuple):
    """The process and user that connected (or, asked by a client, that listen)."""

    pid: int
    uid: int

    def __str__(self) -> str:
        return f"pid {self.pid} uid {self.uid}"


def credentials_of(fileno: int) -> Credentials | None:
    """The peer of the socket with this descriptor; None where the kernel does not know (TCP)."""
    with socket.socket(fileno=os.dup(fileno)) as sock:
        if sock.family != socket.AF_UNIX:
            return None
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    return Credentials(pid, uid)
