"""EDGE: an account's trading state from one run to the next: what a run left tightened, the next one begins with.

Within a run the Risk Officer's own state remembers; this file is for the desk that is started anew. It is written
before anyone hears of the change, and goes only when the operator's word loosened.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from shared.errors import DataError
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.risk import TradingState, TradingStateChanged
from shared.private_files import write_private
from shared.seal_file import fresh_nonce
from shared.sealing import SealKey, is_sealed

_LEVEL: Final = {TradingState.REDUCING: KillLevel.REDUCE, TradingState.HALTED: KillLevel.PAUSE}
"""The kill that brings a new run to the state; nothing is flattened a second time."""


class Latched(msgspec.Struct, frozen=True):
    """What is kept: the run that tightened, to what, and why."""

    run: int
    state: TradingState
    reason: str


class LatchFile:
    """The file of one account."""

    def __init__(self, home: Path, account: str | None, run: int, key: SealKey | None = None) -> None:
        """Written under `key` if there is one, and readable either way. Its name does not tell the account."""
        name = hashlib.sha256((account or "no-account").lower().encode()).hexdigest()[:16]
        self._path = home / "latched" / name
        self._run = run
        self._key = None if key is None else key.derive("latch")

    def note(self, changed: TradingStateChanged) -> None:
        """Keep a tightened state with its first reason; forget it when trading is active again."""
        if changed.state is TradingState.ACTIVE:
            self._path.unlink(missing_ok=True)
        elif self._state() is not changed.state:
            self._write(Latched(self._run, changed.state, changed.reason))

    def halt(self, reason: str) -> None:
        """The account's next run begins halted, whatever was latched: nobody knows what happened meanwhile."""
        self._write(Latched(self._run, TradingState.HALTED, reason))

    def order(self) -> KillOrdered | None:
        """What a new run must begin with; None if nothing is latched. A file that can't be read halts, to be safe."""
        try:
            latched = self._read()
        except FileNotFoundError:
            return None
        except (OSError, DataError, msgspec.MsgspecError) as error:
            return KillOrdered(KillLevel.PAUSE, f"{self._path} can't be read: {error}")
        if latched.state is TradingState.ACTIVE:
            return None
        return KillOrdered(_LEVEL[latched.state], f"latched since run {latched.run}: {latched.reason}")

    def _state(self) -> TradingState | None:
        try:
            return self._read().state
        except (OSError, DataError, msgspec.MsgspecError):
            return None

    def _read(self) -> Latched:
        return msgspec.json.decode(self._plain(self._path.read_bytes()), type=Latched)

    def _write(self, latched: Latched) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        data = msgspec.json.encode(latched)
        if self._key is not None:
            data = self._key.seal(self._path.name, data, fresh_nonce())
        write_private(self._path, data)

    def _plain(self, data: bytes) -> bytes:
        if not is_sealed(data):
            return data
        if self._key is None:
            raise DataError("it is sealed, and the settings name no key")
        return self._key.unseal(self._path.name, data)
