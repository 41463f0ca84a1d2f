"""EDGE: what an account's controls count from, from one run to the next.

Highest equity, the day's first and what was approved in the day, and which strategies are disabled. What else the Risk
Officer counts over time spans seconds (rates, repeated fills, denials within a minute) or belongs to one run (intent
numbers, approvals), so a new run, which arms only with books that agree, may begin it anew.

Within a run the Risk Officer's own state remembers, through any restart of it; this file is for the desk that is
started anew. Deleting it while no desk runs is how the operator lets the count begin anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from loguru import logger

from orchestrator.accounts.account_file import AccountFile
from shared.errors import DataError
from shared.messages import AnyMessage
from shared.messages.account import LedgerReport
from shared.messages.control import Armed, Drained, KillLevel, KillOrdered
from shared.messages.risk import MarksKept, RiskReport
from shared.sealing import SealKey
from shared.units import SECOND, Ns, Usd

WRITE_EVERY_NS: Final = 5 * SECOND
"""A rising peak is written no more often, for the hub waits for the disk: a crash costs what it rose in that time, and
what was approved in it."""


class MarksFile:
    """The file of one account on one network."""

    def __init__(self, home: Path, account: str | None, network: str, key: SealKey | None = None) -> None:
        """Sealed under `key` if there is one."""
        own_key = None if key is None else key.derive("marks")
        self._file = AccountFile(home / "marks", account, network, MarksKept, own_key)
        self._kept: MarksKept | None = None
        self._newest: MarksKept | None = None
        self._written_ns = 0
        self._is_drained = False
        self._flat_equity_usd: Usd | None = None

    def begin(self) -> MarksKept | KillOrdered | None:
        """What a new run must begin with; None if nothing is kept.

        A file that can't be read halts: nobody knows how much was lost, and this run counts from what it finds.
        """
        try:
            self._kept = self._newest = self._file.read()
        except DataError as error:
            return KillOrdered(KillLevel.PAUSE, f"{error}; losses are counted from this run on")
        if self._kept is not None:
            logger.info("losses are counted on from {path}: {marks}", path=self._file.path, marks=self._kept)
        return self._kept

    def hear(self, message: AnyMessage, now: Ns) -> None:
        """Keep what the Risk Officer reports, and the equity of a run that has ended flat."""
        match message:
            case RiskReport(day_open_usd=int(open_usd)):
                flat_usd = self._flat_equity_usd
                marks = MarksKept(
                    message.peak_equity_usd, message.day, Usd(open_usd), flat_usd, message.day_approved_usd,
                    message.disabled,
                )  # fmt: skip
                self._keep(marks, now)
            case Drained(flat=True):
                self._is_drained = True
            case LedgerReport() if self._is_drained:  # a late fill, or somebody else, may open a position even then
                self._note_flat(None if message.positions else message.equity_usd, now)
            case Drained() | Armed():
                self._is_drained = False
                self._note_flat(None, now)
            case _:
                return

    def _note_flat(self, equity_usd: Usd | None, now: Ns) -> None:
        self._flat_equity_usd = equity_usd
        if self._newest is not None:
            self._keep(msgspec.structs.replace(self._newest, flat_equity_usd=equity_usd), now)

    def _keep(self, marks: MarksKept, now: Ns) -> None:
        """Write what is new; at once if that is being flat or not, lest a loss pass for money that was taken away.

        Who is disabled is written at once, too.
        """
        self._newest, kept = marks, self._kept
        is_urgent = kept is None or kept.flat_equity_usd != marks.flat_equity_usd or kept.disabled != marks.disabled
        if marks != kept and (is_urgent or now - self._written_ns >= WRITE_EVERY_NS):
            self._file.write(marks)
            self._kept, self._written_ns = marks, now
