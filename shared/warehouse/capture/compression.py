"""zstd by pyarrow, which is a dependency already; loaded when the first group needs it, not when a Hat starts."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from shared.errors import DataError

LEVEL: Final = 1
"""Fastest; repeated JSON keys already shrink to a few per cent of themselves."""


def compress(data: bytes) -> bytes:
    """`data` as one zstd frame; releases the interpreter's lock while it works."""
    packed: bytes = _codec().compress(data, asbytes=True)
    return packed


def decompress(data: bytes, length: int) -> bytes:
    """The `length` bytes that were compressed; DataError if they are not in there."""
    try:
        plain: bytes = _codec().decompress(data, length, asbytes=True)
    except OSError as error:  # pyarrow's class for corrupt data
        raise DataError(f"expected {length} bytes of zstd data: {error}") from error
    if len(plain) != length:
        raise DataError(f"expected {length} bytes of zstd data, got {len(plain)}")
    return plain


@cache
def _codec() -> Any:
    import pyarrow as pa  # noqa: PLC0415 - tens of megabytes that a process which only imports us can spare

    return pa.Codec("zstd", LEVEL)
