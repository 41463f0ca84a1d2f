"""What the desk makes of its watchdog's answers: one that acted kills it, one that is away halts it. Pure."""

from __future__ import annotations

from typing import Final

from orchestrator.watchdog.guard import Phase
from orchestrator.watchdog.words import View
from shared.messages.control import KillLevel, KillOrdered

BEATS_MISSED_MAX: Final = 45
"""Beats, one a second, without an answer; one that died is started anew within some seconds. Counted and not timed, so
that a machine that slept is no reason."""


class Companion:
    """The desk's side of one watchdog."""

    def __init__(self) -> None:
        self._act: int | None = None
        """Which act of the watchdog was heard of last; None while it does not act."""
        self._missed = 0

    def hear(self, view: View | None) -> KillOrdered | None:
        """What follows from its answer to a beat; None as `view`: there was none."""
        if view is None:
            self._missed += 1
            is_away = self._missed == BEATS_MISSED_MAX + 1
            what = f"no watchdog has answered {BEATS_MISSED_MAX} heartbeats: nobody would act if this desk died"
            return KillOrdered(KillLevel.PAUSE, what) if is_away else None
        self._missed = 0
        before, self._act = self._act, view.acts if view.phase in {Phase.ACTING, Phase.SAFE} else None
        if self._act is None or self._act == before:
            return None
        return KillOrdered(KillLevel.FLATTEN, f"the watchdog acted: {view.reason}")
