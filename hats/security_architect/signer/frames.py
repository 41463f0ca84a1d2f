"""What is said on the signer's socket: a fixed schema, and nothing in it can ask for the key."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.errors import BusError

VERSION: Final = 1
FRAME_BYTES_MAX: Final = 64 * 1024
"""Largest frame; twenty orders are 4 KiB."""


class Greeting(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The signer's first frame: which schema it speaks and for whom it signs."""

    version: int
    address: str
    network: str


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Sign this. `expires_after_ms` 0: never expires. `ask_id` comes back with the answer."""

    ask_id: int
    action: bytes
    nonce: int
    expires_after_ms: int


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


Answer = Signed | Refused

_ENCODER: Final = msgspec.msgpack.Encoder()
_ASK: Final = msgspec.msgpack.Decoder(Ask)
_GREETING: Final = msgspec.msgpack.Decoder(Greeting)
_ANSWER: Final[msgspec.msgpack.Decoder[Answer]] = msgspec.msgpack.Decoder(Answer)


def encode(frame: Greeting | Ask | Answer) -> bytes:
    """The frame as bytes."""
    return _ENCODER.encode(frame)


def decode_ask(data: bytes) -> Ask:
    """What the client asks; BusError if it is no Ask or its numbers are not unsigned and of 64 bits."""
    try:
        ask = _ASK.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BusError(f"expected an Ask: {error}") from error
    if not (0 <= ask.nonce < 1 << 63 and 0 <= ask.expires_after_ms < 1 << 63):
        raise BusError("expected nonce and expiry as unsigned numbers of 63 bits")
    return ask


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
