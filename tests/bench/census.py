"""What a graph of objects holds, by the attribute that holds it: how many, and how many bytes."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import msgspec

_PASSED_BY = (type, ModuleType, FunctionType, MethodType, msgspec.json.Decoder, msgspec.json.Encoder)
"""What belongs to the program, not to its state."""


class Held(NamedTuple):
    """So many objects of so many bytes in all."""

    objects: int
    total_bytes: int


def census(*roots: object) -> dict[str, Held]:
    """Everything reachable from the roots, each object once, under `Class.attribute` of its nearest holder.

    Structs, tuples and containers belong to the attribute in which they are; so do the numbers and texts in them. What
    two attributes share is counted where it is found first, breadth first. C objects count with what they say of their
    size themselves.
    """
    found: dict[str, list[int]] = {}
    seen: set[int] = set()
    waiting = deque((type(root).__name__, root) for root in roots)
    while waiting:
        name, thing = waiting.popleft()
        if id(thing) in seen or isinstance(thing, _PASSED_BY):
            continue
        seen.add(id(thing))
        sums = found.setdefault(name, [0, 0])
        sums[0] += 1
        sums[1] += sys.getsizeof(thing)
        waiting.extend(_parts(name, thing))
    return {name: Held(*sums) for name, sums in found.items()}


def grown(before: dict[str, Held], after: dict[str, Held]) -> list[tuple[str, int]]:
    """(attribute, bytes more than before), the greatest first; what did not grow is left out."""
    more = {name: held.total_bytes - before.get(name, Held(0, 0)).total_bytes for name, held in after.items()}
    return sorted(((name, by) for name, by in more.items() if by > 0), key=lambda pair: (-pair[1], pair[0]))


def _parts(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    """What the thing holds, and under which name."""
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            yield name, key
            yield name, value
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        for one in thing:
            yield name, one
    elif isinstance(thing, msgspec.Struct):
        for field in thing.__struct_fields__:
            yield name, getattr(thing, field)
    else:
        owner = type(thing).__name__
        for field in _attributes(thing):
            if hasattr(thing, field):
                yield f"{owner}.{field}", getattr(thing, field)


def _attributes(thing: Any) -> list[str]:
    """Names of what an object of ours has."""
    slots = [slot for kind in type(thing).__mro__ for slot in _slots(kind)]
    return [*slots, *getattr(thing, "__dict__", ())]


def _slots(kind: type) -> tuple[str, ...]:
    named = kind.__dict__.get("__slots__", ())
    slots = (named,) if isinstance(named, str) else tuple(named)
    prefix = f"_{kind.__name__.lstrip('_')}"
    return tuple(prefix + slot if slot.startswith("__") and not slot.endswith("__") else slot for slot in slots)
