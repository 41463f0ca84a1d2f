"""Messages as bytes: msgpack, one decoder for the whole union, the same bytes on the wire and in the journal."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.errors import BusError
from shared.messages import AnyMessage, Message

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[AnyMessage]] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: Message) -> bytes:
    """The message's one form as bytes."""
    return _ENCODER.encode(message)


def decode(data: bytes | msgspec.Raw | memoryview) -> AnyMessage:
    """The message that `data` is; BusError if it is none of ours."""
    try:
        return _DECODER.decode(data)
    except msgspec.MsgspecError as error:
        size = memoryview(data).nbytes
        raise BusError(f"expected a message of this house, got {size} bytes that are none: {error}") from error


def kind_named(data: bytes | msgspec.Raw | memoryview) -> str:
    """The name of the message's type, for a log; "unreadable" if it is none of ours."""
    try:
        return type(decode(data)).__name__
    except BusError:
        return "unreadable"
