"""The audit chain: each record holds the digest of the one before, so that a change anywhere shows from there on.

A chain can be cut short or rewritten as a whole and still be a chain. Therefore `verify` also takes the head (index and
digest) that was written down beside the log, and the checkpoints that the signer made of it (`checkpoints.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from hats.security_architect.checkpoints import Expected
from hats.security_architect.merkle import leaf_hash
from shared.errors import InvariantError
from shared.messages.control import AuditRecord
from shared.units import Ns

GENESIS: Final = "0" * 64
"""The digest before the first record."""

_BODY: Final = msgspec.json.Encoder(order="sorted")
_LINE_ENCODER: Final = msgspec.json.Encoder()


class Head(msgspec.Struct, frozen=True):
    """Where a chain stands: the index of its last record (0: none yet) and that record's digest."""

    index: int = 0
    digest: str = GENESIS


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a check: how many records are sound, and the first fault with its line (1 is the first line).

    `signed` is how many of the records a checkpoint covers, `root` the Merkle root (hex) over all that were sound.
    """

    records: int
    head: Head
    signed: int = 0
    root: str = ""
    fault_line: int | None = None
    fault: str = ""

    @property
    def is_sound(self) -> bool:
        """Is every record as it was written, and none missing up to the expected head?"""
        return self.fault_line is None


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    index: int
    previous: str
    digest: str
    body: msgspec.Raw


_LINE_DECODER: Final = msgspec.json.Decoder(_Line)


def body_of(event: str, now: Ns, fields: dict[str, Any]) -> str:
    """The canonical JSON of one event: keys sorted, no spaces."""
    return _BODY.encode({"event": event, "ns": now, **fields}).decode()


def digest_of(previous: str, body: str) -> str:
    """SHA-256 of the previous digest (32 bytes) and the body (UTF-8), in hex."""
    return hashlib.sha256(bytes.fromhex(previous) + body.encode()).hexdigest()


def append(head: Head, body: str) -> AuditRecord:
    """The record that follows `head`."""
    return AuditRecord(head.index + 1, body, head.digest, digest_of(head.digest, body))


def head_of(record: AuditRecord) -> Head:
    """Where the chain stands after `record`."""
    return Head(record.index, record.digest)


def follow(head: Head, record: AuditRecord) -> Head:
    """Where the chain stands after `record`; InvariantError if it does not follow `head` or its digest is wrong."""
    fault = _link_fault(head, record)
    if fault is not None:
        raise InvariantError(f"audit: {fault}")
    return head_of(record)


def is_chain(records: Sequence[AuditRecord], head: Head) -> bool:
    """Do the records, hashed anew, follow one another and end at `head`?"""
    at = Head(records[0].index - 1, records[0].previous) if records else head
    for record in records:
        if _link_fault(at, record) is not None:
            return False
        at = head_of(record)
    return at == head


def line_of(record: AuditRecord) -> bytes:
    """The record as one line of the log, with its line end."""
    body = msgspec.Raw(record.body.encode())
    return _LINE_ENCODER.encode(_Line(record.index, record.previous, record.digest, body)) + b"\n"


def leaf_of(line: bytes) -> bytes:
    """The Merkle leaf of a line of the log."""
    return leaf_hash(line.rstrip(b"\n"))


def verify(lines: Iterable[bytes], head: Head | None = None, checkpoints: Expected | None = None) -> Verified:
    """What a check of the log finds. `lines` end with a line feed; `head` is the one written beside the log.

    Finds every edit, insertion, deletion, swap and, given the head, truncation before it and rewriting up to it. Given
    checkpoints, the head may be forged too: what they cover is as it was signed, or a fault.
    """
    expected = checkpoints or Expected((), "")
    at, number = Head(), 0
    fault = expected.fault
    if fault is not None:
        return Verified(records=0, head=at, fault_line=1, fault=fault)
    for number, line in enumerate(lines, start=1):
        fault = _fault_in(line, at)
        if fault is None and head is not None and head.index == number and head.digest != _digest_in(line):
            fault = f"record {number} is not the one that the head file names"
        fault = fault or expected.fault_after(leaf_of(line))
        if fault is not None:
            return Verified(records=number - 1, head=at, fault_line=number, fault=fault)
        at = Head(number, _digest_in(line))
    if head is not None and head.index > number:
        fault = f"cut off: the head file names record {head.index}, the log ends at {number}"
    fault = fault or expected.fault_at_end()
    if fault is not None:
        return Verified(records=number, head=at, fault_line=number + 1, fault=fault)
    return Verified(records=number, head=at, signed=expected.size, root=expected.root())


def _digest_in(line: bytes) -> str:
    return _LINE_DECODER.decode(line).digest


def _fault_in(line: bytes, head: Head) -> str | None:
    """What is wrong with the line that should follow `head`; None if nothing is."""
    try:
        read = _LINE_DECODER.decode(line)
        record = AuditRecord(read.index, bytes(read.body).decode(), read.previous, read.digest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return f"not a record: {error}"
    if line_of(record) != line:
        return f"record {read.index} is not in canonical form"
    return _link_fault(head, record)


def _link_fault(head: Head, record: AuditRecord) -> str | None:
    if record.index != head.index + 1:
        return f"expected record {head.index + 1}, found {record.index}"
    if record.previous != head.digest:
        return f"record {record.index} does not follow the record before it"
    if record.digest != digest_of(record.previous, record.body):
        return f"record {record.index} was changed: its digest does not match"
    return None
