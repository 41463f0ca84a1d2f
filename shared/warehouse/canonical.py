"""A hash of rows that does not depend on how they are stored: not on format, compression, chunks or dictionaries."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class RowHash:
    """A fold over tables of one schema. Each column is hashed for itself, in three streams: which values are there, how
    long they are (texts, lists), and the values as little-endian int64 or bytes; null counts as zero or empty.
    """

    def __init__(self, schema: Any) -> None:
        self._names = schema.names
        self._columns = [(hashlib.sha256(), hashlib.sha256(), hashlib.sha256()) for _ in self._names]
        self._rows = 0
        self._schema = "\n".join(str(field) for field in schema)

    def add(self, table: Any) -> None:
        """Take in the rows of a pyarrow Table or RecordBatch, whose columns are those of the schema."""
        assert table.schema.names == self._names, f"expected {self._names}, got {table.schema.names}"
        self._rows += table.num_rows
        for column, hashes in zip(table.columns, self._columns, strict=True):
            for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
                _add(chunk, *hashes)

    def hexdigest(self) -> str:
        """The hash of all rows so far, in their order."""
        total = hashlib.sha256(f"{self._rows}\n{self._schema}\n".encode())
        for hashes in self._columns:
            for stream in hashes:
                total.update(stream.digest())
        return total.hexdigest()


def _add(array: Any, validity: Any, lengths: Any, values: Any) -> None:
    kind = array.type
    if pa.types.is_dictionary(kind):
        _add(array.cast(kind.value_type), validity, lengths, values)
        return
    validity.update(_validity(array))
    if pa.types.is_list(kind):
        lengths.update(_int64(pc.list_value_length(array)))
        _add(array.flatten(), validity, lengths, values)
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        lengths.update(_int64(pc.binary_length(array)))
        values.update(_joined(array.drop_null()))
    else:
        values.update(_int64(array))


def _validity(array: Any) -> bytes:
    if not array.null_count:
        return b"\x01" * len(array)
    present: bytes = array.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes()
    return present


def _joined(array: Any) -> memoryview:
    """All texts of an array without nulls, one behind the other, as Arrow keeps them."""
    _, offsets, data = array.buffers()
    if not len(array) or data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype="<i4")
    return memoryview(data)[ends[array.offset] : ends[array.offset + len(array)]]


def _int64(array: Any) -> bytes:
    numbers = array if array.type == pa.int64() else array.cast(pa.int64())
    numbers = (pc.fill_null(numbers, 0) if numbers.null_count else numbers).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers, dtype="<i8").tobytes()
