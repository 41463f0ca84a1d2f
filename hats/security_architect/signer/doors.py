"""EDGE: the signer's listening sockets: in a folder that is nobody else's, open to one user."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Final

from shared.errors import ConfigError

BACKLOG: Final = 8


def listen(path: Path, client_uid: int) -> socket.socket:
    """A 0600 socket of the client's in a 0700 directory of ours; only root can give it to another than itself.

    For another client the directory is 0711: to be passed through, not to be looked into. ConfigError if it is more
    open, or if somebody serves there.
    """
    is_given = os.getuid() == 0 and client_uid != 0
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if is_given and path.parent.stat().st_uid == 0:
        path.parent.chmod(0o711)
    status = path.parent.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & (0o066 if is_given else 0o077):
        raise ConfigError([f"{path.parent} must be ours and 0700, it is {stat.S_IMODE(status.st_mode):04o}"])
    if path.exists():
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise ConfigError([f"a signer already serves {path}"])
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        if is_given:
            os.chown(path, client_uid, -1)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError([f"cannot listen at {path}: {error}"]) from error
    return listener
