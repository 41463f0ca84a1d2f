"""The signer as a user of its own: others can neither read its key nor use its socket, and nothing leads back."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from hats.security_architect import keystore
from hats.security_architect.signer import frames
from tests.security.signer_process import NOOP, WAIT_S, Process, asked, furnish, now_ms, read

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process as another user")
OTHER: Final = "nobody"
THIRD: Final = "daemon"
TRIES: Final = """
import socket, sys
try:
    open(sys.argv[1], "rb").read()
    print("read the key")
except PermissionError:
    print("key refused")
sock = socket.socket(socket.AF_UNIX)
try:
    sock.connect(sys.argv[2])
    print("got", sock.recv(1))
except PermissionError:
    print("socket refused")
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A furnished folder that others may pass through, so that only the modes of what is in it protect it."""
    folder = Path(tempfile.mkdtemp(prefix="hats-user-"))
    folder.chmod(0o711)
    furnish(folder)
    for inner in (folder / "keys", folder / "state"):
        inner.mkdir(exist_ok=True)
    shutil.chown(folder / "state", OTHER)
    (folder / "state").chmod(0o700)
    yield folder
    shutil.rmtree(folder)


def started(home: Path, *more: str) -> Process:
    """The signer, as another user."""
    return Process(home, "--user", OTHER, "--nonces", str(home / "state" / "nonces.sqlite"), *more)


def tried_by(user: str, home: Path, process: Process) -> list[str]:
    """What comes of reading the key and calling the signer, as that user."""
    key, group = keystore.keystore_path(home / "keys", "trader"), pwd.getpwnam(user).pw_gid
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", TRIES, str(key), str(process.socket)], user=user, group=group,
        extra_groups=[], capture_output=True, text=True, check=False, cwd="/", timeout=WAIT_S,
        env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_its_own_user(home: Path) -> None:
    """It signs for the desk's user, as another who cannot open the key's file any more, and goes on after kill -9."""
    first = started(home)
    with first.call() as sock:
        read(sock)
        nonce = now_ms()
        before = asked(sock, NOOP, nonce)
        assert isinstance(before, frames.Signed)
    status = Path(f"/proc/{first.child.pid}/status").read_text()
    uid = str(pwd.getpwnam(OTHER).pw_uid)
    assert next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:] == [uid] * 4
    assert next(line for line in status.splitlines() if line.startswith("Groups:")).split()[1:] == []
    assert "CapEff:\t0000000000000000" in status
    assert Path(f"/proc/{first.child.pid}/environ").stat().st_uid == 0  # not dumpable
    assert [event["is_own_user"] for event in first.events() if event["event"] == "identity"] == [True]
    for user in (OTHER, THIRD):
        assert tried_by(user, home, first) == ["key refused", "socket refused"]
    first.end(signal.SIGKILL)
    second = started(home)
    with second.call() as sock:
        read(sock)
        assert asked(sock, NOOP, nonce) == before
    assert second.end() == 0


def test_a_client_that_is_not_root(home: Path) -> None:
    """The socket is the named client's alone: others are kept out by its mode, root by the peer check."""
    process = started(home, "--client-uid", str(pwd.getpwnam(THIRD).pw_uid))
    with process.call() as sock:
        assert read(sock) == b""  # we are root, and not the client
    assert tried_by(THIRD, home, process)[1].startswith("got b'")
    assert tried_by(THIRD, home, process)[1] != "got b''"
    assert tried_by(OTHER, home, process)[1] == "socket refused"
    assert process.end() == 0


@pytest.mark.parametrize(("user", "reason"), [("root", "that is root"), ("no-such-user-7", "no user")])
def test_wrong_users(home: Path, user: str, reason: str) -> None:
    """Root again, or nobody known: it does not start."""
    process = Process(home, "--user", user)
    assert process.child.wait(WAIT_S) == 1
    assert reason in process.errors()
    process.end()


def test_without_root_it_says_so(tmp_path: Path) -> None:
    """Whoever is not root can't become another, and is told."""
    code = (
        "from hats.security_architect.signer.hardening import become\n"
        "from shared.errors import ConfigError\n"
        "try:\n    become('daemon')\nexcept ConfigError as error:\n    print(error)\n"
    )
    script = (
        f"import os, sys; sys.path[:0] = {sys.path!r}; import hats.security_architect.signer.hardening, shared.errors\n"
        f"os.setuid({pwd.getpwnam(OTHER).pw_uid})\n{code}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=WAIT_S)
    assert "only a signer that is started by root" in done.stdout
