"""A model's keys can be listed, found and written as TOML that reads back equal."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from shared.config import Section
from shared.config_keys import as_toml, field_at, keys, leaves, section_of, toml_value


class Colour(StrEnum):
    """A choice."""

    RED = "red"


class Inner(Section):
    """An inner table."""

    sizes: tuple[int, ...] = Field((1, 2), description="Some sizes.")
    colour: Colour = Field(Colour.RED, description="A choice.")


class Leg(Section):
    """One of several."""

    ratio: float = Field(0.5, description="Its share.")
    inner: Inner = Inner()


class Outer(Section):
    """The outer table."""

    name: str = Field('a "name"', description="What it is called.")
    folder: Path | None = Field(None, description="Where it is. " + "Long words. " * 20)
    shares: dict[str, float] = Field({"mm_btc": 0.5}, description="Shares by name.")
    many: dict[str, float] = Field({f"role number {n}": n / 8 for n in range(9)}, description="A long mapping.")
    legs: tuple[Leg, ...] = Field((Leg(), Leg(ratio=0.25)), description="Side by side.")
    inner: Inner = Inner()


SCALARS = (
    st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=200)
def test_a_value_written_as_toml_reads_back(value: object) -> None:
    """Whatever a setting may hold, its TOML form means the same."""
    assert tomllib.loads(f"value = {toml_value(value)}") == {"value": value}


def test_keys_walk_through_sections() -> None:
    """Keys are dotted, in the model's order, and name no section."""
    assert list(keys(Outer)) == ["name", "folder", "shares", "many", "legs", "inner.sizes", "inner.colour"]
    assert list(leaves(Outer())) == list(keys(Outer))


def test_a_key_leads_to_its_field() -> None:
    """A path of names finds its field or section; anything else finds nothing."""
    found = field_at(Outer, ("inner", "sizes"))
    assert found is not None
    assert found.description == "Some sizes."
    section = field_at(Outer, ("inner",))
    assert section is not None
    assert section_of(section) is Inner
    for path in (("nothing",), ("inner", "nothing"), ("name", "more"), ("shares", "mm_btc")):
        assert field_at(Outer, path) is None


def test_the_toml_form_explains_every_key() -> None:
    """Every key stands under its description; an unset one is commented out; the whole reads back equal."""
    text = as_toml(Outer())
    assert "# Some sizes.\nsizes = [1, 2]\n" in text
    assert "\n# folder =\n" in text
    assert "\n# Side by side.\n[[legs]]\n# Its share.\nratio = 0.5\n\n# An inner table.\n[legs.inner]\n" in text
    assert '\n# A long mapping.\n[many]\n"role number 0" = 0.0\n' in text
    assert "\n# An inner table.\n[inner]\n" in text
    assert max(len(line) for line in text.splitlines()) <= 120
    assert Outer.model_validate(tomllib.loads(text)) == Outer()
