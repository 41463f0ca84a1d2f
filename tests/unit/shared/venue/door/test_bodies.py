"""JSON bodies are read as the venue's HTTP layer reads them."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.venue.door.bodies import BodyRefused, first_value, is_json, repeated_keys

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(PLAIN.filter(lambda value: not _has_surrogate(value)), st.text(max_size=5))
def test_the_first_value_counts(value: Any, rest: str) -> None:
    """Whatever follows a complete object or list is ignored."""
    text = " \n" + json.dumps([value]) + rest
    assert first_value(text) == [value]
    assert first_value(text.encode(errors="replace")) == [value]


@given(st.binary(max_size=60))
def test_any_bytes_are_either_a_value_or_a_400(body: bytes) -> None:
    """No input makes the reader fail in another way."""
    with contextlib.suppress(BodyRefused):
        first_value(body)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"-Infinity", b"\xff", b'"\\ud800"', b"[" * 100_000, b"{'a':1}"])
def test_what_is_not_json_is_400(body: bytes) -> None:
    """Python's extensions to JSON, half characters and endless nesting are refused."""
    with pytest.raises(BodyRefused) as caught:
        first_value(body)
    assert (caught.value.status, caught.value.said) == (400, "Failed to parse the request body as JSON")


def test_repeated_keys_are_noticed() -> None:
    """A key that stands twice is remembered, the last value wins, and others are unharmed."""
    value = first_value('{"a":1,"b":2,"a":3}')
    assert value == {"a": 3, "b": 2}
    assert repeated_keys(value) == {"a"}
    assert repeated_keys(first_value('{"a":1}')) == frozenset()


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.x+json", True),
        ("text/json", False),
        ("", False),
        (None, False),
    ],
)
def test_content_types(content_type: str | None, expected: bool) -> None:
    """JSON media types are taken, all others are not."""
    assert is_json(content_type) is expected


def _has_surrogate(value: Any) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in json.dumps(value, ensure_ascii=False))
