"""The Merkle tree against RFC 6962's published vectors and a naive reference."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.security_architect.merkle import (
    Peaks,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)

# Certificate Transparency's reference leaves and roots (google/certificate-transparency, merkle_tree_test.cc)
TEXTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
LEAVES = [bytes.fromhex(text) for text in TEXTS]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def test_roots_are_the_published_ones() -> None:
    """Every size from none to eight."""
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [root_of(HASHES[:size]).hex() for size in range(1, 9)] == ROOTS


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ],
)  # fmt: skip
def test_audit_paths_are_the_published_ones(index: int, size: int, path: list[str]) -> None:
    """The vectors of the same file."""
    assert [step.hex() for step in inclusion_proof(HASHES[:size], index)] == path
    assert is_included(
        HASHES[index], index, size, [bytes.fromhex(step) for step in path], bytes.fromhex(ROOTS[size - 1])
    )


@pytest.mark.parametrize(
    ("old_size", "size", "proof"),
    [
        (1, 1, []),
        (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_consistency_proofs_are_the_published_ones(old_size: int, size: int, proof: list[str]) -> None:
    """The vectors of the same file."""
    assert [step.hex() for step in consistency_proof(HASHES[:size], old_size)] == proof
    roots = bytes.fromhex(ROOTS[old_size - 1]), bytes.fromhex(ROOTS[size - 1])
    assert is_consistent(old_size, roots[0], size, roots[1], [bytes.fromhex(step) for step in proof])


def _leaves(size: int) -> list[bytes]:
    return [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(size)]


@given(size=st.integers(1, 70), data=st.data())
def test_proofs_hold_and_hold_for_nothing_else(size: int, data: st.DataObject) -> None:
    """Of any size: the right proof is taken; another leaf, place, size or a changed step is not."""
    leaves, index = _leaves(size), data.draw(st.integers(0, size - 1))
    root, proof = root_of(leaves), inclusion_proof(leaves, index)
    assert is_included(leaves[index], index, size, proof, root)
    assert not is_included(leaf_hash(b"other"), index, size, proof, root)
    assert not is_included(leaves[index], index, size, [*proof, root], root)
    other = data.draw(st.integers(0, size - 1))
    assert other == index or not is_included(leaves[index], other, size, proof, root)
    if proof:
        assert not is_included(leaves[index], index, size, proof[:-1], root)


@given(size=st.integers(1, 70), data=st.data())
def test_growth_is_proved_and_nothing_else(size: int, data: st.DataObject) -> None:
    """Any beginning of any tree is proved; a beginning with one other leaf is not."""
    leaves, old_size = _leaves(size), data.draw(st.integers(1, size))
    root, proof = root_of(leaves), consistency_proof(leaves, old_size)
    assert is_consistent(old_size, root_of(leaves[:old_size]), size, root, proof)
    forged = leaves[:old_size]
    forged[data.draw(st.integers(0, old_size - 1))] = leaf_hash(b"other")
    assert not is_consistent(old_size, root_of(forged), size, root, proof)


@given(size=st.integers(0, 300))
def test_peaks_grow_to_the_same_root(size: int) -> None:
    """Leaf by leaf or at once, with as many peaks as the size has bits set."""
    peaks = Peaks()
    for leaf in _leaves(size):
        peaks.add(leaf)
    assert peaks.size == size
    assert len(peaks.hashes) == size.bit_count()
    assert peaks.root() == root_of(_leaves(size))
