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
        self._has_acted = False
        self._missed = 0

    def hear(self, view: View | None) -> KillOrdered | None:
        """What follows from its answer to a beat; None as `view`: there was none."""
        if view is None:
            self._missed += 1
            is_away = self._missed == BEATS_MISSED_MAX + 1
            what = f"no watchdog has answered {BEATS_MISSED_MAX} heartbeats: nobody would act if this desk died"
            return KillOrdered(KillLevel.PAUSE, what) if is_away else None
        self._missed = 0
        had_acted, self._has_acted = self._has_acted, view.phase in {Phase.ACTING, Phase.SAFE}
        if had_acted or not self._has_acted:
            return None
        return KillOrdered(KillLevel.FLATTEN, f"the watchdog acted: {view.reason}")
