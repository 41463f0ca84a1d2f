"""Laws of sealed bytes: they come back whole to the one key and name, and to nothing else whatsoever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigError, DataError
from shared.sealing import KEY_BYTES, NONCE_BYTES, OVERHEAD_BYTES, SealKey, is_sealed

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES).map(SealKey)
NONCES = st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES)
NAMES = st.text(max_size=40)
DATA = st.binary(max_size=400)


@given(KEYS, NAMES, DATA, NONCES)
def test_what_was_sealed_comes_back(key: SealKey, name: str, data: bytes, nonce: bytes) -> None:
    """And only so many bytes are added."""
    sealed = key.seal(name, data, nonce)
    assert is_sealed(sealed)
    assert len(sealed) == len(data) + OVERHEAD_BYTES
    assert key.unseal(name, sealed) == data


@given(KEYS, NAMES, DATA, NONCES, st.data())
def test_one_flipped_bit_is_refused(key: SealKey, name: str, data: bytes, nonce: bytes, draw: st.DataObject) -> None:
    """Anywhere: in the marker, the version, the key's id, the nonce, the text or the tag."""
    sealed = bytearray(key.seal(name, data, nonce))
    bit = draw.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DataError):
        key.unseal(name, bytes(sealed))


@given(KEYS, NAMES, DATA, NONCES, st.data())
def test_a_cut_or_grown_text_is_refused(
    key: SealKey, name: str, data: bytes, nonce: bytes, draw: st.DataObject
) -> None:
    """Shorter by any count of bytes, or longer."""
    sealed = key.seal(name, data, nonce)
    with pytest.raises(DataError):
        key.unseal(name, sealed[: draw.draw(st.integers(0, len(sealed) - 1))])
    with pytest.raises(DataError):
        key.unseal(name, sealed + draw.draw(st.binary(min_size=1, max_size=20)))


@given(KEYS, KEYS, NAMES, DATA, NONCES)
def test_another_key_is_refused(key: SealKey, other: SealKey, name: str, data: bytes, nonce: bytes) -> None:
    """Also one of ours for another purpose."""
    sealed = key.seal(name, data, nonce)
    for wrong in (other, key.derive("backup"), key.derive("capture")):
        if wrong.id != key.id:
            with pytest.raises(DataError, match="is sealed with key"):
                wrong.unseal(name, sealed)


@given(KEYS, NAMES, NAMES, DATA, NONCES)
def test_another_name_is_refused(key: SealKey, name: str, other: str, data: bytes, nonce: bytes) -> None:
    """So that a sealed file can't take the place of another."""
    if name != other:
        with pytest.raises(DataError, match="another name"):
            key.unseal(other, key.seal(name, data, nonce))


@given(KEYS)
def test_a_key_shows_itself_to_nobody(key: SealKey) -> None:
    """Its text is its id, which differs for each purpose."""
    assert repr(key) == f"SealKey({key.id})"
    assert key.derive("a").id == key.derive("a").id
    assert len({key.id, key.derive("a").id, key.derive("b").id}) == 3


@given(st.binary(max_size=80).filter(lambda secret: len(secret) != KEY_BYTES))
def test_a_key_of_another_length_is_refused(secret: bytes) -> None:
    """Nothing is padded."""
    with pytest.raises(ConfigError, match="32 bytes"):
        SealKey(secret)
