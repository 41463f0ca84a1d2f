"""What a single value of the configuration may look like, before it is asked whether it is a good one.

TOML knows what a number, a truth and a text are, so one in place of another is a mistake and not a spelling. A name's
ending is its unit, and no quantity of a unit is boundless: what lies beyond is a wrong unit or a slipped key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

MOST: Final[Mapping[str, float]] = {
    "_us": 60_000_000,
    "_ms": 86_400_000,
    "_s": 31_536_000,
    "_days": 36_500,
    "_bps": 1_000_000,
    "_percent": 1_000_000,
    "_usd": 10**12,
    "_bytes": 1 << 43,
    "seed": 2**53,
}
"""Most of each unit that any setting may say: a minute, a day, a year, a century, hundredfold, ten thousandfold, a
trillion, 8 TiB; of a seed, beyond which JSON and floating point lose units."""
MOST_OF_ALL: Final = 10**9
"""Of what has no unit, which are counts."""
_NUMBERS: Final[frozenset[type]] = frozenset({int, float})


def misfit(name: str, annotation: Any, value: object) -> str | None:
    """What was expected in place of `value` in the field of this name and type; None if it may be judged."""
    kinds = _kinds(annotation)
    for leaf in _leaves(value):
        if Path in kinds and leaf == "":
            return "expected a path; without the key there is none"
        if bool in kinds and not isinstance(leaf, bool | NoneType):
            return "expected true or false"
        if kinds & _NUMBERS and isinstance(leaf, bool | str):
            return "expected a number"
        if kinds & _NUMBERS and isinstance(leaf, int | float) and abs(leaf) > _most(name):
            return f"expected at most {_most(name):,.0f}"
    return None


def from_words(annotation: Any, text: str) -> object:
    """What `text` says where only text can be given (the environment): a number or truth if the type asks for one."""
    kinds = _kinds(annotation)
    if not kinds & (_NUMBERS | {bool}):
        return text
    try:
        return TypeAdapter(annotation).validate_python(text)
    except ValidationError:
        return text  # refused as it stands when the settings are judged


def _kinds(annotation: Any) -> set[Any]:
    """The types of single values that the annotation allows; a mapping's keys are none."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {type(arg) for arg in args}
    if origin is Annotated:
        return _kinds(args[0])
    if origin in (dict, Mapping):
        return _kinds(args[1])
    return set().union(*map(_kinds, args)) if args else {annotation}


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _most(name: str) -> float:
    unit = name.removesuffix("_max").removesuffix("_min")
    return next((most for ending, most in MOST.items() if unit.endswith(ending)), MOST_OF_ALL)
