"""What is said on the signer's socket: a fixed schema, and nothing in it can ask for the key."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.approval import Ticket
from shared.errors import BusError

VERSION: Final = 6
FRAME_BYTES_MAX: Final = 64 * 1024
"""Largest frame; twenty orders are 4 KiB."""


class Greeting(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The signer's first frame: which schema it speaks, for whom it signs and when that key was made (0: unknown)."""

    version: int
    address: str
    network: str
    created_ns: int
    high: int = 0
    """The highest nonce that it has spent."""


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Sign this. `expires_after_ms` 0: never expires. `ask_id` comes back with the answer.

    `tickets` are the approvals that the action's orders stand on, one each.
    """

    ask_id: int
    action: bytes
    nonce: int
    expires_after_ms: int
    tickets: tuple[Ticket, ...] = ()


class Notarize(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Sign a checkpoint of the audit log `log`, grown by `leaves`: hashes of 32 bytes, one after another.

    `first` is the number of the first of them, from 1. Without leaves: the newest checkpoint there is.
    """

    ask_id: int
    log: str
    first: int
    leaves: bytes


class Signed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The signature: 32 bytes of r, 32 of s, and v (27 or 28)."""

    ask_id: int
    r: bytes
    s: bytes
    v: int


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """No, and why."""

    ask_id: int
    reason: str


class Notarized(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The checkpoint, as a line of its file; empty if there is none yet."""

    ask_id: int
    checkpoint: bytes


Question = Ask | Notarize
Answer = Signed | Notarized | Refused

_ENCODER: Final = msgspec.msgpack.Encoder()
_QUESTION: Final[msgspec.msgpack.Decoder[Question]] = msgspec.msgpack.Decoder(Question)
_GREETING: Final = msgspec.msgpack.Decoder(Greeting)
_ANSWER: Final[msgspec.msgpack.Decoder[Answer]] = msgspec.msgpack.Decoder(Answer)


def encode(frame: Greeting | Question | Answer) -> bytes:
    """The frame as bytes."""
    return _ENCODER.encode(frame)


def decode_question(data: bytes) -> Question:
    """What the client asks; BusError if it is no question or its numbers are not unsigned and of 63 bits."""
    try:
        question = _QUESTION.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BusError(f"expected a question: {error}") from error
    numbers = (question.nonce, question.expires_after_ms) if isinstance(question, Ask) else (question.first,)
    if not all(0 <= number < 1 << 63 for number in numbers):
        raise BusError("expected unsigned numbers of 63 bits")
    return question


def decode_greeting(data: bytes) -> Greeting:
    """The signer's greeting; BusError if it is none or speaks another version."""
    try:
        greeting = _GREETING.decode(data)
    except msgspec.MsgspecError as error:
        raise BusError(f"expected a Greeting: {error}") from error
    if greeting.version != VERSION:
        raise BusError(f"expected a signer of version {VERSION}, got {greeting.version}")
    return greeting


def decode_answer(data: bytes) -> Answer:
    """What the signer answers; BusError if it is no answer."""
    try:
        return _ANSWER.decode(data)
    except msgspec.MsgspecError as error:
        raise BusError(f"expected an answer: {error}") from error
