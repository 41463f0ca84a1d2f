"""Looks at a configuration model: its dotted keys, the field behind a key, its TOML form with every key explained."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

WIDTH: Final = 118
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key of the model, in order; sections are walked through, not named."""
    for name, info in model.model_fields.items():
        section = section_of(info)
        if section is None:
            yield f"{prefix}{name}"
        else:
            yield from keys(section, f"{prefix}{name}.")


def leaves(settings: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of checked settings, in the model's order."""
    found: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            found |= leaves(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def section_of(info: FieldInfo) -> type[BaseModel] | None:
    """The section that a field holds, None if it is a plain value."""
    annotation = info.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def field_at(model: type[BaseModel], path: Sequence[str]) -> FieldInfo | None:
    """The field (or section) at a path of names; None if there is none."""
    info: FieldInfo | None = None
    section: type[BaseModel] | None = model
    for name in path:
        info = section.model_fields.get(name) if section else None
        if info is None:
            return None
        section = section_of(info)
    return info


def as_toml(settings: BaseModel, prefix: str = "") -> str:
    """The settings as TOML tables, every key under a comment with its description; unset keys are commented out."""
    tables: list[str] = []
    lines: list[str] = []
    for name, info in type(settings).model_fields.items():
        value = getattr(settings, name)
        about = "".join(f"# {line}\n" for line in textwrap.wrap(info.description or "", WIDTH))
        below = _tables(value, f"{prefix}{name}", about)
        if below:
            tables.append(below)
        else:
            lines.append(about + (f"# {name} =\n" if value is None else f"{name} = {toml_value(value)}\n"))
    return "".join(lines + tables)


def toml_value(value: object) -> str:
    """One value as TOML writes it."""
    if isinstance(value, Enum):
        return toml_value(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, BaseModel):
        return toml_value({name: given for name, given in value if given is not None})
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {toml_value(given)}" for name, given in value.items())
        return "{ " + inner + " }" if inner else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(toml_value(given) for given in value) + "]"
    return _quoted(str(value))


def _tables(value: object, name: str, about: str) -> str:
    """What needs tables of its own: a section, a list of sections, a mapping too long for a line; else nothing."""
    if isinstance(value, BaseModel):
        own = (type(value).__doc__ or "").strip().split("\n")[0]
        return f"\n# {own}\n[{name}]\n{as_toml(value, f'{name}.')}"
    if isinstance(value, list | tuple) and value and all(isinstance(item, BaseModel) for item in value):
        return "".join(f"\n{'' if n else about}[[{name}]]\n{as_toml(item, f'{name}.')}" for n, item in enumerate(value))
    if isinstance(value, Mapping) and len(toml_value(value)) > WIDTH - len(name):
        return f"\n{about}[{name}]\n" + "".join(f"{_key(key)} = {toml_value(item)}\n" for key, item in value.items())
    return ""


def _key(name: object) -> str:
    text = str(getattr(name, "value", name))
    return text if _BARE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, except that TOML wants DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
