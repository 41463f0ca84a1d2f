"""Frames that could not be kept, folded into the gaps that declare them."""

from __future__ import annotations

from shared.warehouse.capture.records import Frame, Gap, Reason


class Drops:
    """What was lost and is not declared yet; consecutive frames of one connection make one gap."""

    def __init__(self) -> None:
        self._gaps: dict[tuple[int, int, Reason], list[Gap]] = {}
        self.frames = 0

    def add(self, frame: Frame, reason: Reason) -> None:
        """Count a frame as lost."""
        self.frames += 1
        gaps = self._gaps.setdefault((frame.socket, frame.epoch, reason), [])
        if gaps and gaps[-1].last_seq + 1 == frame.seq:
            first, start_ns = gaps[-1].first_seq, gaps[-1].start_ns
            gaps.pop()
        else:
            first, start_ns = frame.seq, frame.recv_ns
        gaps.append(Gap(frame.socket, frame.epoch, reason, start_ns, frame.recv_ns, first, frame.seq))

    def take(self) -> tuple[Gap, ...]:
        """All gaps, to be declared by the caller now; nothing is held afterwards."""
        gaps = tuple(gap for gaps in self._gaps.values() for gap in gaps)
        self._gaps.clear()
        self.frames = 0
        return gaps

    def __bool__(self) -> bool:
        return bool(self._gaps)
