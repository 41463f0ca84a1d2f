"""How the exchange's objects are taken apart and put together again: which classes, and which fields of each."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from importlib import import_module
from typing import Any, Final

import msgspec

from shared.errors import SnapshotError

HOMES: Final = (
    "shared.venue.core",
    "shared.rules",
    "shared.position",
    "shared.book",
    "shared.instrument",
    "shared.order",
    "shared.units",
)
"""Where a class must be defined to be part of a snapshot; everything below these counts too."""


class Shape(msgspec.Struct, frozen=True):
    """One class with the names of its fields, in the order in which a snapshot holds their values."""

    kind: type
    fields: tuple[str, ...]

    @property
    def name(self) -> str:
        """Module and class, as a snapshot spells it."""
        return f"{self.kind.__module__}:{self.kind.__qualname__}"


def is_home(module: str) -> bool:
    """May a class of this module be in a snapshot?"""
    return any(module == home or module.startswith(home + ".") for home in HOMES)


def checked(kind: type) -> type:
    """The class itself; SnapshotError, which names it, for one that no snapshot may hold."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    if not is_home(kind.__module__):
        raise SnapshotError(f"the exchange's state holds a {name}, which a snapshot can't")
    if issubclass(kind, msgspec.Struct) and not is_value(kind) and hasattr(kind, "__post_init__"):
        raise SnapshotError(f"{name} is mutable and has a __post_init__: it can't be made before its fields are")
    return kind


def is_value(kind: type) -> bool:
    """Is it a class of values that never change, so that two equal ones are the same?"""
    if issubclass(kind, msgspec.Struct):
        return bool(kind.__struct_config__.frozen)
    return issubclass(kind, tuple)


def declared(kind: type) -> tuple[str, ...]:
    """Fields that every object of the class has by its definition."""
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    if issubclass(kind, tuple):
        return tuple(getattr(kind, "_fields", ()))
    names = (name for base in reversed(kind.__mro__) for name in _slots(base))
    return tuple(dict.fromkeys(names))


def _slots(kind: type) -> tuple[str, ...]:
    """The class's own slots, under the names by which they are reached."""
    named = vars(kind).get("__slots__", ())
    slots = (named,) if isinstance(named, str) else tuple(named)
    hidden = f"_{kind.__name__.lstrip('_')}"
    return tuple(
        hidden + name if name.startswith("__") and not name.endswith("__") else name
        for name in slots
        if name not in ("__dict__", "__weakref__")
    )


def fields_of(thing: object) -> tuple[str, ...]:
    """The object's field names: the declared ones that are set, then those of its own dictionary in sorted order."""
    kind = type(thing)
    own = getattr(thing, "__dict__", None)
    fields = declared(kind)
    if issubclass(kind, msgspec.Struct | tuple):
        return fields
    fields = tuple(name for name in fields if hasattr(thing, name))
    return (*fields, *sorted(own)) if own else fields


def shape_named(name: str, fields: tuple[str, ...]) -> Shape:
    """The class of that name with those fields; SnapshotError if the code at hand has no such class or fields."""
    module, _, path = name.partition(":")
    kind: Any = None
    if is_home(module):
        try:
            kind = import_module(module)
            for part in path.split("."):
                kind = getattr(kind, part)
        except (ImportError, AttributeError) as error:
            raise SnapshotError(f"the snapshot holds a {name}, which this code does not know") from error
    if not isinstance(kind, type):
        raise SnapshotError(f"the snapshot holds a {name}, which no snapshot may")
    if issubclass(kind, msgspec.Struct | tuple) and declared(kind) != fields:
        raise SnapshotError(f"{name} has the fields {declared(kind)} here, and {fields} in the snapshot")
    if not issubclass(kind, Enum) and not hasattr(kind, "__dict__") and not set(declared(kind)) >= set(fields):
        raise SnapshotError(f"{name} lacks some of the fields {fields} here")
    return Shape(checked(kind), fields)


def empty(shape: Shape) -> Any:
    """A new object without content, to be filled; only for classes whose objects change."""
    if issubclass(shape.kind, msgspec.Struct):
        return shape.kind(**dict.fromkeys(shape.fields))
    return object.__new__(shape.kind)


def value_maker(shape: Shape) -> Callable[[list[Any]], Any]:
    """Makes an unchanging object from the values of its fields."""
    kind, fields = shape.kind, shape.fields
    if issubclass(kind, tuple):
        return lambda values: kind(*values) if fields else kind(values)
    return lambda values: kind(**dict(zip(fields, values, strict=True)))
