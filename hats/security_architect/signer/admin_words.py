"""What the operator and a running signer say to each other on a line of its own: who signs, take over, retire."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.errors import BusError

FRAME_BYTES_MAX: Final = 16 * 1024


class Describe(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Which agents are held?"""


class TakeOver(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Unlock this keystore and sign with it from then on. Paths are the signer's to read; no secret is in the frame."""

    keystore: str
    password_file: str


class Retire(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Forget the oldest agent, which must be this one and drained."""

    address: str


class Agent(msgspec.Struct, frozen=True, array_like=True):
    """One agent: nothing it signed can act after `until_ms` (UTC)."""

    address: str
    keystore: str
    until_ms: int


class Agents(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """All that are held, oldest first; the last one signs."""

    held: tuple[Agent, ...]


class No(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """It was not done, and why."""

    reason: str


Word = Describe | TakeOver | Retire
Reply = Agents | No

_ENCODER: Final = msgspec.msgpack.Encoder()
_WORD: Final[msgspec.msgpack.Decoder[Word]] = msgspec.msgpack.Decoder(Word)
_REPLY: Final[msgspec.msgpack.Decoder[Reply]] = msgspec.msgpack.Decoder(Reply)


def encode(frame: Word | Reply) -> bytes:
    """The frame as bytes."""
    return _ENCODER.encode(frame)


def decode_word(data: bytes) -> Word:
    """What the operator wants; BusError if it is nothing of ours."""
    try:
        return _WORD.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BusError(f"expected a word of the operator: {error}") from error


def decode_reply(data: bytes) -> Reply:
    """What the signer says to it; BusError if it is no reply."""
    try:
        return _REPLY.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BusError(f"expected a reply of the signer: {error}") from error
