"""Laws of sealed bytes: they come back whole to the one key and name, and to nothing else whatsoever."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigError, DataError
from shared.sealing import KEY_BYTES, NONCE_BYTES, OVERHEAD_BYTES, SealKey, is_sealed, seal_chunks, unseal_chunks

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


def nonces() -> Iterator[bytes]:
    """Never the same twice."""
    return (number.to_bytes(NONCE_BYTES, "big") for number in count())


@given(KEYS, NAMES, st.lists(DATA, max_size=6), st.data())
def test_a_file_of_chunks_comes_back_or_not_at_all(
    key: SealKey, name: str, chunks: list[bytes], draw: st.DataObject
) -> None:
    """Cut anywhere, with a chunk left out, doubled or swapped, or under another name it is refused."""
    fresh = nonces()
    marker, *sealed = seal_chunks(key, name, chunks, lambda: next(fresh))
    whole = b"".join([marker, *sealed])
    assert b"".join(unseal_chunks(key, name, whole)) == b"".join(chunks)
    cut = whole[: draw.draw(st.integers(len(marker), len(whole) - 1))]
    at = draw.draw(st.integers(0, len(sealed) - 1))
    missing, doubled = sealed[:at] + sealed[at + 1 :], sealed[: at + 1] + sealed[at:]
    other = draw.draw(st.integers(0, len(sealed) - 1))
    swapped = list(sealed)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    wrong = [cut, b"".join([marker, *missing]), b"".join([marker, *doubled]), whole + b"x"]
    wrong += [b"".join([marker, *swapped])] if at != other else []
    for each in wrong:
        with pytest.raises(DataError):
            list(unseal_chunks(key, name, each))
    with pytest.raises(DataError):
        list(unseal_chunks(key, name + "x", whole))
