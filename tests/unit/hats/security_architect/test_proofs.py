"""A proof that a record was signed, checked without the log."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hats.security_architect.checkpoint_file import CheckpointFile, checkpoints_path
from hats.security_architect.proofs import Proof, fault_in, proof_in, read_proof
from shared.errors import DataError
from tests.security.attack_audit import KEY, Target


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of thirty records, the first twenty-five signed in two checkpoints."""
    path, target = tmp_path_factory.mktemp("run") / "audit.jsonl", Target(25, every=20)
    longer = Target(30, every=30)
    path.write_bytes(b"".join(longer.lines))
    file = CheckpointFile(checkpoints_path(path))
    for checkpoint in target.checkpoints:
        file.append(checkpoint)
    file.close()
    return path


@pytest.mark.parametrize("index", [1, 13, 20, 25])
def test_holds_by_itself(index: int, log: Path, tmp_path: Path) -> None:
    """Written to a file and read again; also with the key named."""
    file = tmp_path / "proof.json"
    file.write_bytes(msgspec.json.encode(proof_in(log, index)))
    assert fault_in(read_proof(file)) is None
    assert fault_in(read_proof(file), [KEY.public_key]) is None
    assert "not trusted" in str(fault_in(read_proof(file), ["00" * 32]))


def test_holds_for_nothing_else(log: Path) -> None:
    """Neither for another record nor for another place, path or size."""
    proof = proof_in(log, 13)
    other = proof_in(log, 12)
    changed: list[Proof] = [
        msgspec.structs.replace(proof, record=other.record),
        msgspec.structs.replace(proof, index=12),
        msgspec.structs.replace(proof, path=other.path),
        msgspec.structs.replace(proof, path=("xy",)),
        msgspec.structs.replace(proof, checkpoint=msgspec.structs.replace(proof.checkpoint, size=24)),
    ]
    assert all(fault_in(forged) for forged in changed)


@pytest.mark.parametrize(("index", "text"), [(0, "from 1 to 30"), (31, "from 1 to 30"), (26, "covers record 26 yet")])
def test_what_cannot_be_proved_is_said(index: int, text: str, log: Path) -> None:
    """A record that is not there, or not signed yet."""
    with pytest.raises(DataError, match=text):
        proof_in(log, index)


def test_garbage_is_no_proof(tmp_path: Path) -> None:
    """A typed error with the file's name."""
    (tmp_path / "proof.json").write_text("{}")
    with pytest.raises(DataError, match=r"proof\.json: expected a proof"):
        read_proof(tmp_path / "proof.json")
