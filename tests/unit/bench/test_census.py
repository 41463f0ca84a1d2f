"""What a census of objects counts, and under which name."""

from __future__ import annotations

import sys
from collections import deque

import msgspec

from tests.bench.census import Held, census, grown


class _Row(msgspec.Struct):
    text: str


class _Holder:
    __slots__ = ("__secret", "rows")

    def __init__(self) -> None:
        self.rows: deque[_Row] = deque()
        self.__secret = [2**70]


class _Owner:
    def __init__(self) -> None:
        self.holder = _Holder()
        self.same = self.holder


def test_everything_is_counted_once_under_its_nearest_holder() -> None:
    """Structs and containers belong to the attribute that holds them; what two attributes share counts once."""
    owner = _Owner()
    row = _Row("a text that nobody else has")
    owner.holder.rows.append(row)
    held = census(owner)
    assert set(held) == {"_Owner", "_Owner.holder", "_Holder.rows", "_Holder._Holder__secret"}
    sizes = sum(map(sys.getsizeof, (owner.holder.rows, row, row.text)))
    assert held["_Holder.rows"] == Held(3, sizes)
    assert held["_Owner.holder"].objects == 1


def test_a_second_census_tells_what_grew() -> None:
    """Only the attribute that holds more is told, with how much more."""
    owner = _Owner()
    before = census(owner)
    owner.holder.rows.extend(_Row(f"row {number}") for number in range(100))
    ((name, more),) = grown(before, census(owner))
    assert name == "_Holder.rows"
    assert more > 100 * sys.getsizeof(_Row("row 0"))
