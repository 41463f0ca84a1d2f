"""The whole state as bytes and back: every object reachable from the world, whatever classes others add to it.

Objects that change keep their identity: one order in book, account and history is one order again. Values that never
change (tuples, frozen structs) are written once per distinct content. Equal states have equal bytes in every process.

The bytes are msgpack: [version, shapes, values, objects, root]. A shape is [class, field names]; a value or object is
[what it is made of, ...its parts]. A part is a plain scalar or an array: [0, i] object i, [1, i] value i, and else
[tag, ...] for a decimal, fraction, enum member or integer beyond 64 bits. Values stand after their parts.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Final

import msgspec

from shared.errors import SnapshotError
from shared.venue.core.shapes import Shape, checked, declared, empty, fields_of, is_value, shape_named, value_maker

VERSION: Final = 1
_OBJECT, _VALUE, _DECIMAL, _FRACTION, _ENUM, _BIG = range(6)
_WORD: Final = 1 << 63
_PLAIN: Final = frozenset({str, bool, bytes, type(None)})
_CHANGING: Final[dict[type, str]] = {dict: "dict", OrderedDict: "ordered", list: "list", deque: "deque", set: "set"}
_FIXED: Final[dict[type, str]] = {tuple: "tuple", frozenset: "frozenset"}
_ENCODE: Final = msgspec.msgpack.Encoder().encode
_identity: Final = object.__hash__
"""Tells living objects apart and is never written: numbers in a snapshot are given in order of discovery."""


def snapshot_of(root: object) -> bytes:
    """`root` with everything reachable from it; SnapshotError, which names the class, for what no snapshot may hold."""
    return _Writer().write(root)


def restored(snapshot: bytes) -> Any:
    """The root again, with everything reachable from it; SnapshotError for bytes that this code did not write."""
    try:
        version, shapes, values, objects, root = msgspec.msgpack.decode(snapshot)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise SnapshotError(f"these bytes are no snapshot: {error}") from error
    if version != VERSION:
        raise SnapshotError(f"expected a snapshot of version {VERSION}, got {version!r}")
    try:
        return _Reader(shapes).read(values, objects, root)
    except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SnapshotError(f"the snapshot is damaged: {error}") from error


class _Writer:
    """Walks breadth first over what changes and depth first through what does not."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[type, tuple[str, ...]], int] = {}
        self._found: dict[int, int] = {}
        self._objects: list[Any] = []
        self._values: dict[bytes, int] = {}
        self._known: dict[int, tuple[int, int]] = {}
        self._value_kinds: dict[type, tuple[str, ...] | None] = dict.fromkeys(_FIXED, ())

    def write(self, root: object) -> bytes:
        """The bytes."""
        first = self._part(root)
        written = [self._taken_apart(thing) for thing in self._until_done()]
        shapes = [(Shape(kind, fields).name, fields) for kind, fields in self._shapes]
        values = [msgspec.Raw(value) for value in self._values]
        return _ENCODE((VERSION, shapes, values, written, first))

    def _until_done(self) -> Any:
        """Every changing object once; taking one apart may find more."""
        index = 0
        while index < len(self._objects):
            yield self._objects[index]
            index += 1

    def _part(self, thing: Any) -> Any:
        """How the thing is spelled inside another."""
        kind = type(thing)
        if kind in _PLAIN:
            return thing
        if kind is int:
            return thing if -_WORD <= thing < _WORD else (_BIG, str(thing))
        if isinstance(thing, Enum):
            return _ENUM, self._shape(kind, ()), thing.name
        if kind is Decimal:
            return _DECIMAL, str(thing)
        if kind is Fraction:
            return _FRACTION, str(thing.numerator), str(thing.denominator)
        if self._value_fields(kind) is None:
            return self._object(thing)
        return self._value(thing)

    def _value_fields(self, kind: type) -> tuple[str, ...] | None:
        """Field names of a class of values; None for one whose objects change."""
        if kind not in self._value_kinds:
            self._value_kinds[kind] = declared(checked(kind)) if kind not in _CHANGING and is_value(kind) else None
        return self._value_kinds[kind]

    def _object(self, thing: Any) -> tuple[int, int]:
        """The number of a changing object, given at first sight."""
        key = _identity(thing)
        number = self._found.get(key)
        if number is None:
            number = self._found[key] = len(self._objects)
            self._objects.append(thing)
        return _OBJECT, number

    def _value(self, thing: Any) -> tuple[int, int]:
        """The number of a value, the same for equal ones."""
        key = _identity(thing)
        known = self._known.get(key)
        if known is None:
            spelled = _ENCODE(self._fixed_parts(thing))
            known = self._known[key] = (_VALUE, self._values.setdefault(spelled, len(self._values)))
        return known

    def _fixed_parts(self, thing: Any) -> list[Any]:
        """A value taken apart."""
        kind = type(thing)
        if kind is tuple:
            return ["tuple", *map(self._part, thing)]
        if kind is frozenset:
            return ["frozenset", *self._sorted(thing)]
        fields = self._value_fields(kind) or ()
        parts = thing if isinstance(thing, tuple) else [getattr(thing, name) for name in fields]
        return [self._shape(kind, fields), *map(self._part, parts)]

    def _taken_apart(self, thing: Any) -> list[Any]:
        """A changing object taken apart."""
        kind = type(thing)
        name = _CHANGING.get(kind)
        if name is None:
            fields = fields_of(thing)
            return [self._shape(kind, fields), *[self._part(getattr(thing, field)) for field in fields]]
        if name in ("dict", "ordered"):
            return [name, *[self._part(one) for pair in thing.items() for one in pair]]
        if name == "set":
            return [name, *self._sorted(thing)]
        parts = map(self._part, thing)
        return [name, thing.maxlen, *parts] if name == "deque" else [name, *parts]

    def _sorted(self, things: Any) -> list[Any]:
        """Members of a set in an order that does not depend on the process; SnapshotError if they have none."""
        parts = [self._part(thing) for thing in things]
        if any(type(part) is tuple and part[0] in (_OBJECT, _VALUE) for part in parts):
            kinds = sorted({type(thing).__name__ for thing in things})
            raise SnapshotError(f"the exchange's state holds a set of {', '.join(kinds)}: its order is not determined")
        return sorted(parts, key=_ENCODE)

    def _shape(self, kind: type, fields: tuple[str, ...]) -> int:
        """The number of a class with these fields."""
        number = self._shapes.get((kind, fields))
        if number is None:
            number = self._shapes[checked(kind), fields] = len(self._shapes)
        return number


class _Reader:
    """Makes every changing object empty, then the values, then fills the objects."""

    def __init__(self, shapes: list[Any]) -> None:
        self._shapes = [shape_named(name, tuple(fields)) for name, fields in shapes]
        self._makers: dict[int, Callable[[list[Any]], Any]] = {}
        self._objects: list[Any] = []
        self._values: list[Any] = []

    def read(self, values: list[Any], objects: list[Any], root: Any) -> Any:
        """The root."""
        self._objects = [self._empty(parts) for parts in objects]
        for parts in values:
            self._values.append(self._made(parts))
        for thing, parts in zip(self._objects, objects, strict=True):
            self._fill(thing, parts)
        return self._whole(root)

    def _whole(self, part: Any) -> Any:
        """What a part stands for."""
        if type(part) is not list:
            return part
        tag = part[0]
        if tag == _OBJECT:
            return self._objects[part[1]]
        if tag == _VALUE:
            return self._values[part[1]]
        if tag == _ENUM:
            return self._shapes[part[1]].kind[part[2]]  # type: ignore[index] # an enum's class is indexed by name
        if tag == _DECIMAL:
            return Decimal(part[1])
        if tag == _FRACTION:
            return Fraction(int(part[1]), int(part[2]))
        return int(part[1])

    def _made(self, parts: list[Any]) -> Any:
        """A value from its parts."""
        what, wholes = parts[0], [self._whole(part) for part in parts[1:]]
        if what == "tuple":
            return tuple(wholes)
        if what == "frozenset":
            return frozenset(wholes)
        maker = self._makers.get(what)
        if maker is None:
            maker = self._makers[what] = value_maker(self._shapes[what])
        return maker(wholes)

    def _empty(self, parts: list[Any]) -> Any:
        """A changing object before it is filled."""
        match parts[0]:
            case "dict":
                return {}
            case "ordered":
                return OrderedDict()
            case "list":
                return []
            case "set":
                return set()
            case "deque":
                return deque(maxlen=parts[1])
            case number:
                return empty(self._shapes[number])

    def _fill(self, thing: Any, parts: list[Any]) -> None:
        """Put the parts where they belong."""
        whole = self._whole
        match parts[0]:
            case "dict" | "ordered":
                wholes = map(whole, parts[1:])
                thing.update(zip(wholes, wholes, strict=True))
            case "list":
                thing.extend(map(whole, parts[1:]))
            case "set":
                thing.update(map(whole, parts[1:]))
            case "deque":
                thing.extend(map(whole, parts[2:]))
            case number:
                for field, part in zip(self._shapes[number].fields, parts[1:], strict=True):
                    setattr(thing, field, whole(part))
