"""EDGE: an account's trading state from one run to the next: what a run left tightened, the next one begins with.

Within a run the Risk Officer's own state remembers; this file is for the desk that is started anew. It is written
before anyone hears of the change, and goes only when the operator's word loosened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from orchestrator.accounts.account_file import AccountFile
from shared.errors import DataError
from shared.messages import AnyMessage
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.risk import LOOSE_TO_TIGHT, STATE_FOR, TradingState, TradingStateChanged
from shared.sealing import SealKey

_LEVEL: Final = {TradingState.REDUCING: KillLevel.REDUCE, TradingState.HALTED: KillLevel.PAUSE}
"""The kill that brings a new run to the state; nothing is flattened a second time."""


class Latched(msgspec.Struct, frozen=True):
    """What is kept: the run that tightened, to what, and why."""

    run: int
    state: TradingState
    reason: str


class LatchFile:
    """The file of one account on one network. The desk writes it, and its watchdog, which has no key to seal with."""

    def __init__(
        self,
        home: Path,
        account: str | None,
        network: str,
        run: int,
        key: SealKey | None = None,
        stands: TradingState | None = None,
    ) -> None:
        """Sealed under `key` if there is one. `stands`: the trading state that this run was in last."""
        own_key = None if key is None else key.derive("latch")
        self._file = AccountFile(home / "latched", account, network, Latched, own_key)
        self._run = run
        self._is_sealing = key is not None
        self._stands = stands

    def hear(self, message: AnyMessage) -> None:
        """Note a kill as it is ordered, for whoever judges it may be dead and the run end before; and every change."""
        if isinstance(message, KillOrdered):
            self._tighten(STATE_FOR[message.level], f"kill ({message.level}): {message.reason}")
        elif isinstance(message, TradingStateChanged):
            self.note(message)

    def note(self, changed: TradingStateChanged) -> None:
        """Keep the tightest state with its first reason; forget it when trading has become active again.

        One that was active and says so again has loosened nothing: what is kept may be the watchdog's.
        """
        before, self._stands = self._stands, changed.state
        if changed.state is not TradingState.ACTIVE:
            self._tighten(changed.state, changed.reason)
        elif before not in {None, TradingState.ACTIVE}:
            self._file.forget()

    def _tighten(self, to: TradingState, reason: str) -> None:
        if self._is_tighter(to):
            self._file.write(Latched(self._run, to, reason))

    def _is_tighter(self, state: TradingState) -> bool:
        """May it replace what is kept? A file that can't be read halts, so only what halts too may."""
        try:
            kept = self._file.read()
        except DataError:
            return state is TradingState.HALTED  # such as the watchdog's word over a file that it has no key to
        return kept is None or LOOSE_TO_TIGHT.index(kept.state) < LOOSE_TO_TIGHT.index(state)

    def halt(self, reason: str) -> None:
        """The account's next run begins halted, whatever was latched: nobody knows what happened meanwhile."""
        self._file.write(Latched(self._run, TradingState.HALTED, reason))

    def order(self) -> KillOrdered | None:
        """What a new run must begin with; None if nothing is latched. A file that can't be read halts, to be safe."""
        try:
            latched = self._file.read()
        except DataError as error:
            return KillOrdered(KillLevel.PAUSE, str(error))
        if latched is None or latched.state is TradingState.ACTIVE:
            return None
        if self._is_sealing:
            self._file.write(latched)  # it may have been the watchdog's
        return KillOrdered(_LEVEL[latched.state], f"latched since run {latched.run}: {latched.reason}")
