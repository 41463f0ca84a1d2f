"""Signed checkpoints of the audit log: how many records there were, under which Merkle root, at what time.

A chain that was cut short, or written anew as a whole, is still a chain. A checkpoint says what the log was, under a
key that whoever writes the log can't read; copies lie beside the log and where the signer keeps its own. The signer
takes the leaves of new records only and hashes them onto those it has seen, so it can't be made to sign a rewritten
past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from hats.security_architect.merkle import Peaks
from shared.errors import DataError

VERSION: Final = "hyperhats audit checkpoint v1"
_SEALED: Final = "hyperhats audit checkpoint key, sealed v1"
_SEED_BYTES: Final = 32
NONCE_BYTES: Final = 12


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a log was: its name, its first `size` records, their root (hex), when (ns UTC), and who says so.

    `public_key` is Ed25519's, 32 bytes in hex; `signature` 64 bytes in hex over `signed_bytes`. `peaks` (hex) let the
    signer go on from here; they are not signed, for they give the root or are wrong.
    """

    log: str
    size: int
    root: str
    ns: int
    public_key: str
    signature: str
    peaks: tuple[str, ...]

    def signed_bytes(self) -> bytes:
        """What the signature covers: everything else, behind a prefix that no action of the venue can begin with."""
        return b"\x00".join(
            (VERSION.encode(), self.log.encode(), b"%d" % self.size, self.root.encode(), b"%d" % self.ns)
        )


class CheckpointKey:
    """The key that signs checkpoints, derived from the agent's secret, so that it is nowhere else than that one."""

    def __init__(self, secret: bytes, seed: bytes | None = None) -> None:
        """`seed`: the key of a run that goes on under another agent (see `opened`)."""
        self._seed = seed or _derived(secret, VERSION)
        seed = self._seed
        self._key = ECC.construct(curve="Ed25519", seed=seed)  # type: ignore[arg-type]  # bytes, as its documentation says
        self.public_key = self._key.public_key().export_key(format="raw").hex()

    def __repr__(self) -> str:
        return f"CheckpointKey({self.public_key})"

    def sealed_for(self, secret: bytes, nonce: bytes) -> bytes:
        """This key, for whoever has that agent's secret: a run's checkpoints keep their key when its agent changes.

        `nonce` is 12 bytes of chance.
        """
        cipher = AES.new(_derived(secret, _SEALED), AES.MODE_GCM, nonce=nonce)
        text, tag = cipher.encrypt_and_digest(self._seed)
        return nonce + tag + text

    @classmethod
    def opened(cls, secret: bytes, sealed: bytes) -> CheckpointKey:
        """The key that was sealed for that agent; DataError if it was sealed for another, or changed."""
        nonce, tag, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES : NONCE_BYTES + 16], sealed[NONCE_BYTES + 16 :]
        try:
            seed = AES.new(_derived(secret, _SEALED), AES.MODE_GCM, nonce=nonce).decrypt_and_verify(text, tag)
        except ValueError as error:
            raise DataError("the checkpoint key was sealed for another agent, or changed") from error
        return cls(secret, seed)

    def sign(self, log: str, peaks: Peaks, ns: int) -> Checkpoint:
        """The checkpoint of a log as it stands."""
        hashes = tuple(peak.hex() for peak in peaks.hashes)
        unsigned = Checkpoint(log, peaks.size, peaks.root().hex(), ns, self.public_key, "", hashes)
        signature = eddsa.new(self._key, "rfc8032").sign(unsigned.signed_bytes())
        return msgspec.structs.replace(unsigned, signature=signature.hex())


def _derived(secret: bytes, purpose: str) -> bytes:
    key = HKDF(secret, _SEED_BYTES, b"", SHA256, context=purpose.encode())
    assert isinstance(key, bytes)
    return key


def peaks_of(checkpoint: Checkpoint) -> Peaks:
    """The tree as it stood; DataError if the peaks don't give the root that was signed."""
    try:
        peaks = Peaks(checkpoint.size, [bytes.fromhex(peak) for peak in checkpoint.peaks])
    except ValueError as error:
        raise DataError(f"expected peaks in hex: {error}") from error
    if len(peaks.hashes) != peaks.size.bit_count() or peaks.root().hex() != checkpoint.root:
        raise DataError(f"the peaks of the checkpoint over {checkpoint.size} records don't give its root")
    return peaks


def is_genuine(checkpoint: Checkpoint) -> bool:
    """Does the signature belong to the key that the checkpoint names?"""
    try:
        key = eddsa.import_public_key(bytes.fromhex(checkpoint.public_key))
        eddsa.new(key, "rfc8032").verify(checkpoint.signed_bytes(), bytes.fromhex(checkpoint.signature))
    except ValueError:
        return False
    return True


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Checkpoint)


def line_of(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as a line of its file."""
    return _ENCODER.encode(checkpoint) + b"\n"


def read_lines(lines: Iterable[bytes], name: str) -> list[Checkpoint]:
    """The checkpoints of a file called `name`; a last line without its end was torn and is left out.

    DataError if a line is none.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            break
        try:
            found.append(_DECODER.decode(line))
        except msgspec.MsgspecError as error:
            raise DataError(f"{name}, line {number}: expected a checkpoint: {error}") from error
    return found


class Expected:
    """Checkpoints held against a log while it is read: each must be genuine, and the log must have been what it says.

    `trusted` names the keys (hex) that may sign; without any, the keys must at least be the same everywhere.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], log: str, trusted: Sequence[str] = ()) -> None:
        self._roots: dict[int, set[str]] = {}
        self.size = max((checkpoint.size for checkpoint in checkpoints), default=0)
        self.fault = _fault_in(checkpoints, log, trusted)
        for checkpoint in checkpoints:
            self._roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
        self._peaks = Peaks()

    def fault_after(self, leaf: bytes) -> str | None:
        """What the checkpoints say against the next record; None if nothing."""
        self._peaks.add(leaf)
        roots = self._roots.get(self._peaks.size)
        if roots is None or roots == {self._peaks.root().hex()}:
            return None
        return f"the first {self._peaks.size} records are not those that the checkpoint signed"

    def fault_at_end(self) -> str | None:
        """What the checkpoints say against the log's end; None if nothing."""
        if self._peaks.size >= self.size:
            return None
        return f"cut off: a checkpoint was signed over {self.size} records, the log ends at {self._peaks.size}"

    def root(self) -> str:
        """The root over all that was read, in hex."""
        return self._peaks.root().hex()


def _fault_in(checkpoints: Sequence[Checkpoint], log: str, trusted: Sequence[str]) -> str | None:
    """What is wrong with the checkpoints themselves."""
    keys = {checkpoint.public_key for checkpoint in checkpoints}
    for checkpoint in checkpoints:
        name = f"the checkpoint over {checkpoint.size} records"
        if checkpoint.log != log:
            return f"{name} is of the log {checkpoint.log!r}, not of {log!r}"
        if trusted and checkpoint.public_key not in trusted:
            return f"{name} is signed by {checkpoint.public_key[:16]}, a key that is not trusted"
        if not is_genuine(checkpoint):
            return f"{name} has a signature that is not its key's"
    if len(keys) > 1 and not trusted:
        return f"checkpoints are signed by {len(keys)} keys; name those to trust"
    return None
