"""What a JSON value looks like, whatever it says: keys, kinds of leaves, spelling of numbers; and how two differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

_SPELLINGS: Final = (
    ("decimal", re.compile(r"-?(0|[1-9]\d*)\.(\d|\d*[1-9])")),
    ("hash", re.compile(r"0x[0-9a-f]{64}")),
    ("address", re.compile(r"0x[0-9a-f]{40}")),
    ("cloid", re.compile(r"0x[0-9a-f]{32}")),
    ("whole", re.compile(r"-?\d+")),
)


def kind_of(leaf: Any) -> str:
    """The kind of a leaf: strings by what they spell, numbers by type."""
    if isinstance(leaf, str):
        return next((name for name, pattern in _SPELLINGS if pattern.fullmatch(leaf)), "text")
    return {type(None): "null", bool: "bool", int: "int", float: "float", dict: "object", list: "list"}[type(leaf)]


def differences(theirs: Sequence[Any], ours: Sequence[Any], at: str = "", maps: Sequence[str] = ()) -> Iterator[str]:
    """How values that stand at one place in `ours` look other than those in `theirs`; nothing if theirs say nothing.

    A kind of ours must be among theirs, a key of ours too, and a key that theirs always have must always be there, in
    the same order where theirs is not the alphabet's. Objects at a path of `maps` are keyed by names: only their
    values are compared. Lists of pairs and of rows are compared place by place.
    """
    if not theirs:
        return
    if not ours:
        yield f"{at}: nothing to compare"
        return
    known, found = {kind_of(one) for one in theirs}, {kind_of(one) for one in ours}
    for kind in sorted(found - known):
        yield f"{at}: {kind} instead of {'|'.join(sorted(known))}"
    objects = [one for one in theirs if isinstance(one, dict)], [one for one in ours if isinstance(one, dict)]
    lists = [one for one in theirs if isinstance(one, list)], [one for one in ours if isinstance(one, list)]
    if objects[0] and objects[1]:
        yield from _object_differences(*objects, at, maps)
    if lists[0] and lists[1]:
        yield from _list_differences(*lists, at, maps)


def _object_differences(
    theirs: list[dict[str, Any]], ours: list[dict[str, Any]], at: str, maps: Sequence[str]
) -> Iterator[str]:
    if at in maps:
        yield from differences([v for one in theirs for v in one.values()], _values(ours), f"{at}{{}}", maps)
        return
    always = set.intersection(*(set(one) for one in theirs))
    for one in ours:
        for key in always - set(one):
            yield f"{at}.{key}: missing"
    for key in dict.fromkeys(key for one in ours for key in one):
        having = [one[key] for one in theirs if key in one]
        if having:
            yield from differences(having, [one[key] for one in ours if key in one], f"{at}.{key}", maps)
        else:
            yield f"{at}.{key}: extra"
    yield from _order_difference(theirs[0], ours[0], at)


def _order_difference(theirs: dict[str, Any], ours: dict[str, Any], at: str) -> Iterator[str]:
    shared = [key for key in theirs if key in ours]
    if list(theirs) != sorted(theirs) and [key for key in ours if key in theirs] != shared:
        yield f"{at}: keys in another order"


def _list_differences(theirs: list[list[Any]], ours: list[list[Any]], at: str, maps: Sequence[str]) -> Iterator[str]:
    widths = {len(one) for one in theirs}
    if len(widths) == 1 and any(len({kind_of(item) for item in one}) > 1 for one in theirs):
        (width,) = widths
        for one in ours:
            if len(one) != width:
                yield f"{at}: {len(one)} places instead of {width}"
                return
        for place in range(width):
            yield from differences([one[place] for one in theirs], [one[place] for one in ours], f"{at}[{place}]", maps)
        return
    yield from differences([i for one in theirs for i in one], [i for one in ours for i in one], f"{at}[]", maps)


def _values(objects: list[dict[str, Any]]) -> list[Any]:
    return [value for one in objects for value in one.values()]
