"""The OpenAPI description of a small JSON service, made from the structs that it reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

REFERENCE: Final = "#/components/schemas/{name}"


class Operation(msgspec.Struct, frozen=True):
    """One thing the service does. `takes` and `gives` are types that msgspec can read and write; None: no body."""

    method: str
    path: str
    name: str
    summary: str
    takes: Any = None
    gives: Any = None


class Problem(msgspec.Struct, frozen=True):
    """What was wrong, and what was expected."""

    error: str


def describe(title: str, version: str, operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    types = [kind for one in operations for kind in (one.takes, one.gives) if kind is not None]
    shapes, components = msgspec.json.schema_components([*types, Problem], ref_template=REFERENCE)
    schemas = iter(shapes)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        takes = None if one.takes is None else next(schemas)
        gives = None if one.gives is None else next(schemas)
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, takes, gives)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(one: Operation, takes: Any, gives: Any) -> dict[str, Any]:
    names = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    described: dict[str, Any] = {"operationId": one.name, "summary": one.summary}
    if names:
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "integer"}} for name in names
        ]
    if takes is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": takes}}}
    good: dict[str, Any] = {"description": "Done."}
    if gives is not None:
        good["content"] = {"application/json": {"schema": gives}}
    problem = {"description": "Refused.", "content": {"application/json": {"schema": {"$ref": _ref("Problem")}}}}
    return described | {"responses": {"200": good, "400": problem}}


def _ref(name: str) -> str:
    return REFERENCE.format(name=name)
