"""Whatever is logged, in whatever shape, no canary secret comes out."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.redaction import GONE, HASH_FIELDS, TEXT_MAX, redact_text, redact_value

KEYS = st.binary(min_size=32, max_size=32).filter(lambda key: key[0] > 16)
"""Private keys; a tiny number would not be recognisable in decimal."""
AROUND = st.text(max_size=40)
WORDS = st.from_regex(r"[!-~]{8,40}", fullmatch=True).filter(lambda word: not set(word) & set("\"'\\,;)]}"))


def shapes(key: bytes) -> list[str]:
    """The ways in which a program shows 32 bytes."""
    return [
        key.hex(),
        key.hex().upper(),
        f"0x{key.hex()}",
        repr(key),
        repr(bytearray(key)),
        str(int.from_bytes(key)),
        base64.b64encode(key).decode(),
    ]


@given(KEYS, AROUND, AROUND)
@settings(max_examples=150)
def test_no_shape_of_a_key_survives(key: bytes, before: str, after: str) -> None:
    """A key in hex, decimal, base64 or as bytes is gone from any text that words surround."""
    for shape in shapes(key):
        assert shape not in redact_text(f"{before} {shape} {after}")
        assert shape not in redact_text(json.dumps({before: shape, "x": [after, shape]}))


@given(KEYS, st.text(alphabet="0123456789abcdefxX", max_size=8), st.text(alphabet="0123456789abcdef", max_size=80))
@settings(max_examples=100)
def test_a_key_inside_more_hex_is_gone(key: bytes, before: str, after: str) -> None:
    """Hex that continues before or after the key does not hide it."""
    assert key.hex() not in redact_text(before + key.hex() + after)


@given(
    st.recursive(KEYS | st.integers() | AROUND, lambda inner: st.lists(inner) | st.dictionaries(AROUND, inner)), KEYS
)
@settings(max_examples=100)
def test_no_depth_hides_a_key(value: object, key: bytes) -> None:
    """Keys are found in nested values and in the names of fields; the result is JSON."""
    tree = {"a": [value, {"b": (key, key.hex(), {key.hex(): int.from_bytes(key)})}], key.hex(): frozenset({key})}
    shown = json.dumps(redact_value(tree), allow_nan=False)
    assert not [shape for shape in shapes(key) if shape in shown]


@given(WORDS, st.sampled_from(["password", "HATS_PASSWORD", "private_key", "secretKey", "api-key", "auth_token"]))
@settings(max_examples=100)
@example("hunter2!", "passphrase")
def test_named_secrets_are_gone(word: str, name: str) -> None:
    """What a secret's name introduces is gone: as an assignment, as JSON, as a field."""
    for text in (f"{name}={word}", f"{name}: {word}", json.dumps({name: word}), f"{{'{name}': '{word}'}}"):
        shown = redact_text(f"before {text} after")
        assert word not in shown
        assert GONE in shown
    assert redact_value({name: word}) == {name: GONE}


@given(WORDS)
@settings(max_examples=50)
def test_bearer_tokens_are_gone(word: str) -> None:
    """A token behind Bearer or in an address is gone."""
    token = "".join(letter for letter in word if letter.isalnum()) + "zZ9"
    assert token not in redact_text(f"GET / with Bearer {token} please")
    assert f":{token}@" not in redact_text(f"https://user:{token}@host/path")


@given(KEYS, st.integers(min_value=1, max_value=63))
@settings(max_examples=50)
def test_the_cut_does_not_leave_half_a_key(key: bytes, kept: int) -> None:
    """A text that is cut within a key shows no part of the key."""
    text = "x " * ((TEXT_MAX - kept) // 2) + key.hex()
    assert key.hex()[:8] not in redact_text(text)


@given(KEYS, st.sampled_from(sorted(HASH_FIELDS)))
@settings(max_examples=30)
def test_declared_hashes_stay(digest: bytes, name: str) -> None:
    """A public hash in a field declared for it can be read; anything else in that field can't pass as one."""
    assert redact_value({name: digest.hex()}) == {name: digest.hex()}
    assert digest.hex() not in str(redact_value({name: f"{digest.hex()}00"}))
    assert digest.hex() not in str(redact_value({name: f"key {digest.hex()}"}))


@given(st.text(alphabet=st.characters(categories=["L", "P", "Zs"]), max_size=200).filter(lambda t: "=" not in t))
@settings(max_examples=50)
def test_plain_words_stay(text: str) -> None:
    """Redaction is idempotent and leaves prose alone unless it names a secret."""
    once = redact_text(text)
    assert redact_text(once) == once
    assert once == text or GONE in once


def test_what_operators_need_stays() -> None:
    """Prices, addresses, cloids and plain messages are not secrets."""
    address = "0x" + "1f" * 20
    for text in (
        f"order 0x{'ab' * 16} of {address} filled: 12345.6 x 0.001",
        "the password is wrong",
        "basic order rejected",
        "tokens: 3, seq 1763700000000000000",
    ):
        assert redact_text(text) == text
    assert redact_value({"ok": True, "n": 3, "x": 0.5, "none": None}) == {"ok": True, "n": 3, "x": 0.5, "none": None}


@pytest.mark.parametrize("piece", ["a-", "x", "password", "secret----------", "b'", "://", "bearer ", "key:", "\\"])
def test_no_text_takes_long(piece: str) -> None:
    """Redaction takes time in proportion to the text: a hostile one can't stop the desk (quadratic took seconds)."""
    text = piece * (TEXT_MAX // len(piece))
    began = time.perf_counter()
    redact_text(text)
    assert time.perf_counter() - began < 1.0
