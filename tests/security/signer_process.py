"""A signer process for tests and campaigns: a folder with a quickly encrypted key, and a socket to ask on."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from hats.security_architect import keystore
from hats.security_architect.signer import frames
from shared.approval import Ticket
from shared.bus.framing import FrameBuffer, framed
from shared.private_files import make_secret
from shared.units import Ns

PASSWORD: Final = "canary-password-7731"
NOOP: Final = b'{"type":"noop"}'
WAIT_S: Final = 30.0


class Process:
    """A signer process in a folder of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.socket = folder / "s" / "signer.sock"
        self.log = folder / "signer.log"
        self.child = subprocess.Popen(
            [
                sys.executable, "-m", "hats.security_architect.signer",
                "--keystore", str(keystore.keystore_path(folder / "keys", "trader")),
                "--password-file", str(folder / "password"), "--socket", str(self.socket), "--log", str(self.log),
                "--network", "testnet", "--assets", "0:2,1", "--max-notional-usd", "1000", "--allow-weak-keystore",
                "--approval-key-file", str(folder / "approvals.key"),
                *more,
            ],
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def call(self) -> socket.socket:
        """A connection, once it listens; AssertionError if it ended instead."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(WAIT_S)
            if sock.connect_ex(str(self.socket)) == 0:
                return sock
            sock.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"the signer ended with {self.child.wait(0.02)}: {self.errors()}")
        raise AssertionError("the signer did not listen in time")

    def errors(self) -> str:
        """What it said on stderr."""
        assert self.child.stderr is not None
        return self.child.stderr.read()

    def events(self) -> list[dict[str, Any]]:
        """Its log."""
        return [msgspec.json.decode(line) for line in self.log.read_bytes().splitlines()]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit code after the signal."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        code = self.child.wait(WAIT_S)
        assert self.child.stderr is not None
        self.child.stderr.close()
        return code


def furnish(folder: Path) -> None:
    """Put a quickly encrypted key, its password and the keys of approvals and prices there."""
    keystore.new_agent(folder / "keys", "trader", PASSWORD, "testnet", Ns(0), scrypt_n=1_024, is_weak_allowed=True)
    password = folder / "password"
    password.touch(0o600)
    password.write_text(PASSWORD + "\n")
    make_secret(folder / "approvals.key")
    make_secret(folder / "oracle.key")


def read(sock: socket.socket) -> bytes:
    """The next frame; empty if the stream ended."""
    buffer = FrameBuffer()
    while data := sock.recv(65_536):
        if found := buffer.feed(data):
            return found[0]
    return b""


def asked(
    sock: socket.socket, action: bytes, nonce: int, expires_after_ms: int = 0, tickets: tuple[Ticket, ...] = ()
) -> frames.Answer:
    """The signer's answer."""
    sock.sendall(framed(frames.encode(frames.Ask(1, action, nonce, expires_after_ms, tickets))))
    return frames.decode_answer(read(sock))


def now_ms() -> int:
    """A nonce."""
    return time.time_ns() // 1_000_000
