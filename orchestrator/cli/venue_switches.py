"""Any switch of the local exchange by its name, as `--policy KEY=VALUE` and `--door KEY=VALUE` spell it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import typer

if TYPE_CHECKING:
    from shared.venue.core.policy import VenuePolicy

Switches = TypeVar("Switches", bound=msgspec.Struct)
OWN_OPTION: Final = {"network": "--network"}
"""Switches that are no free text and have an option for themselves."""


def switched(settings: Switches, pairs: Sequence[str], option: str) -> Switches:
    """The settings with these switches turned; the last one wins. `docs/venue.md` lists what can be chosen.

    A usage fault for a name that is none, and for a value of another type, none of the choices, or below zero.
    """
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip()
        if not equals:
            raise typer.BadParameter(f"expected KEY=VALUE, got {pair!r}", param_hint=option)
        if key in OWN_OPTION:
            raise typer.BadParameter(f"{key} is chosen by {OWN_OPTION[key]}", param_hint=option)
        if key not in settings.__struct_fields__:
            names = ", ".join(settings.__struct_fields__)
            raise typer.BadParameter(f"no switch is called {key!r}; there are {names}", param_hint=option)
        settings = msgspec.structs.replace(settings, **{key: _value(type(settings), key, text.strip(), option)})
    return settings


def policy_of(pairs: Sequence[str]) -> VenuePolicy:
    """The exchange's own policy with these switches turned."""
    from shared.venue.core.policy import VenuePolicy

    return switched(VenuePolicy(), pairs, "--policy")


def _value(kind: type[msgspec.Struct], key: str, text: str, option: str) -> object:
    """What the text means for this switch; `none` is nothing where that may be chosen, tables are JSON."""
    readings: list[object] = [text]
    if text == "none":
        readings.append(None)
    if text.startswith("{"):
        try:
            readings = [msgspec.json.decode(text)]
        except msgspec.DecodeError as error:
            raise typer.BadParameter(f"{key}: {error}", param_hint=option) from error
    fault = ""
    for reading in readings:
        try:
            value: object = getattr(msgspec.convert({key: reading}, kind, strict=False), key)
        except msgspec.ValidationError as error:
            fault = fault or str(error)
            continue
        if isinstance(value, int) and value < 0:
            fault = f"Expected at least 0, got {text}"
            continue
        return value
    raise typer.BadParameter(f"{key}: {fault}", param_hint=option)
