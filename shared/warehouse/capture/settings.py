"""How the capture log is written: how long a frame may wait for the disk, how much may wait, when a segment ends."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.config import Section

MIB = 1 << 20


class CaptureSettings(Section):
    """The capture log's section of the configuration."""

    enabled: bool = Field(True, description="Write down every frame as it was received, both ways.")
    dir: Path | None = Field(None, description="Folder of the log. Unset: capture in the run's folder.")

    seal_key_file: Path | None = Field(
        None, description="Key (0600) that finished segments are encrypted with. Unset: none; at_rest.mode sets it."
    )

    group_age_ms: int = Field(
        10, ge=0, le=1_000, description="A frame waits at most so long before its group goes to the disk."
    )
    group_bytes: int = Field(
        256 << 10,
        ge=1,
        le=16 * MIB,
        description="A group of so many bytes goes to the disk at once, before compression.",
    )
    segment_bytes: int = Field(
        64 * MIB, ge=4_096, description="A segment of so many bytes on disk is sealed and the next begun."
    )
    segment_age_s: int = Field(3_600, gt=0, description="A segment as old as this is sealed and the next begun.")
    queue_bytes: int = Field(
        64 * MIB,
        ge=1,
        description="What may wait between the socket and the disk; beyond, frames become a declared gap.",
    )
    queue_controls: int = Field(
        10_000, ge=1, description="Records other than frames that may wait; beyond, the one who says them is refused."
    )
    reserve_bytes: int = Field(
        MIB, ge=64 << 10, description="Kept free in a file of its own, so that a full disk still takes what was lost."
    )
    low_water_bytes: int = Field(
        256 * MIB, ge=0, description="Free disk space below which no entry is made: trading ends before the log does."
    )
    resume_bytes: int = Field(
        8 * MIB, ge=0, description="Free space, besides the reserve, at which a log that was out of space goes on."
    )
