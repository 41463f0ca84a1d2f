"""What waits for a slow reader is bounded in frames and in bytes."""

from __future__ import annotations

import asyncio

import pytest

from shared.venue.door import lines
from shared.venue.door.lines import Line


def test_frames_and_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that would exceed either bound is not taken; what is read makes room; a close code always fits."""

    async def scenario() -> None:
        line = Line()
        assert line.put(b"12345")
        assert not line.put(b"123456")
        assert line.put(b"1234")
        assert not line.put(b"")
        assert await line.get() == b"12345"
        assert line.put(b"12345")
        line.hang_up(1000)
        assert [await line.get() for _ in range(3)] == [b"1234", b"12345", 1000]

    monkeypatch.setattr(lines, "MAX_WAITING_FRAMES", 2)
    monkeypatch.setattr(lines, "MAX_WAITING_BYTES", 10)
    asyncio.run(scenario())


def test_a_cleared_line_has_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After clearing, only what came later is read."""

    async def scenario() -> None:
        line = Line()
        assert line.put(b"1234567890")
        line.clear()
        assert line.put(b"abcdefghij")
        assert await line.get() == b"abcdefghij"

    monkeypatch.setattr(lines, "MAX_WAITING_BYTES", 10)
    asyncio.run(scenario())
