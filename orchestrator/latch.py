"""EDGE: an account's trading state from one run to the next: what a run left tightened, the next one begins with.

Within a run the Risk Officer's own state remembers; this file is for the desk that is started anew. It is written
before anyone hears of the change, and goes only when the operator's word loosened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from orchestrator.runfiles import write_private
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.risk import TradingState, TradingStateChanged

_LEVEL: Final = {TradingState.REDUCING: KillLevel.REDUCE, TradingState.HALTED: KillLevel.PAUSE}
"""The kill that brings a new run to the state; nothing is flattened a second time."""

SINCE: Final = "latched since run"


class Latched(msgspec.Struct, frozen=True):
    """What is kept: the run that tightened, to what, and why."""

    run: int
    state: TradingState
    reason: str


class LatchFile:
    """The file of one account."""

    def __init__(self, home: Path, account: str | None, run: int) -> None:
        self._path = home / "latched" / f"{account or 'no-account'}.json"
        self._run = run

    def note(self, changed: TradingStateChanged) -> None:
        """Keep a tightened state with its first reason; forget it when trading is active again."""
        if SINCE in changed.reason and self._path.exists():
            return
        if changed.state is TradingState.ACTIVE:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._path, msgspec.json.encode(Latched(self._run, changed.state, changed.reason)))

    def halt(self, reason: str) -> None:
        """The account's next run begins halted, whatever was latched: nobody knows what happened meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._path, msgspec.json.encode(Latched(self._run, TradingState.HALTED, reason)))

    def order(self) -> KillOrdered | None:
        """What a new run must begin with; None if nothing is latched. A file that can't be read halts, to be safe."""
        try:
            latched = msgspec.json.decode(self._path.read_bytes(), type=Latched)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            return KillOrdered(KillLevel.PAUSE, f"{self._path} can't be read: {error}")
        if latched.state is TradingState.ACTIVE:
            return None
        return KillOrdered(_LEVEL[latched.state], f"{SINCE} {latched.run}: {latched.reason}")
