"""Frames on a byte stream: four bytes of length, big endian, then the frame. Pure; knows no socket."""

from __future__ import annotations

from typing import Final

from shared.errors import BusError

HEADER_BYTES: Final = 4
FRAME_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest frame taken; a snapshot is the largest thing that travels."""


def framed(frame: bytes) -> bytes:
    """The frame with its length in front; BusError if it is too large to be taken at the other end."""
    if len(frame) > FRAME_BYTES_MAX:
        raise BusError(f"expected a frame of at most {FRAME_BYTES_MAX} bytes, got {len(frame)}")
    return len(frame).to_bytes(HEADER_BYTES, "big") + frame


class FrameBuffer:
    """Bytes as they come, frames as they were sent."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Whole frames that `data` completes, in order; BusError on an impossible length."""
        self._data += data
        frames: list[bytes] = []
        start = 0
        while len(self._data) - start >= HEADER_BYTES:
            length = int.from_bytes(self._data[start : start + HEADER_BYTES], "big")
            if length > FRAME_BYTES_MAX:
                raise BusError(f"expected a frame of at most {FRAME_BYTES_MAX} bytes, peer announced {length}")
            end = start + HEADER_BYTES + length
            if end > len(self._data):
                break
            frames.append(bytes(self._data[start + HEADER_BYTES : end]))
            start = end
        if start:
            del self._data[:start]
        return frames

    @property
    def pending_bytes(self) -> int:
        """How many bytes wait for the rest of their frame; not 0 at the end of a stream means a cut frame."""
        return len(self._data)
