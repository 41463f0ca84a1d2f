"""What hub and Hat say to each other on the bus; the house's messages travel inside, unread."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from shared.errors import BusError
from shared.ids import Role


def pass_of(role: Role, secret: str) -> str:
    """What lets a peer in as `role`, made of the run's secret: whoever has one pass can't speak as anybody else."""
    return hmac.new(secret.encode(), f"hats-bus-pass:{role}".encode(), hashlib.sha256).hexdigest()


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """First frame of a connection. `channel`: "hat" (batches), "market" or "order" (what its edges publish).

    `token` is the role's pass.
    """

    role: Role
    channel: str
    token: str
    build: str
    pid: int


class Said(msgspec.Struct, frozen=True, array_like=True):
    """One output and the input (by its place in the batch) that led to it."""

    cause_index: int
    body: msgspec.Raw


class Outcome(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A batch was handled as a whole: every output in order, and how long each input took (ns)."""

    n: int
    said: tuple[Said, ...]
    handled_ns: tuple[int, ...]


class Publication(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """An edge says something in its Hat's name."""

    cause: int
    origin_ns: int
    body: msgspec.Raw


class SnapshotTaken(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The Hat's whole state after batch `n`."""

    n: int
    state: bytes


class Restored(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The Hat is back in the state that the journal tells, `replayed` inputs after its snapshot."""

    replayed: int


class Pong(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The Hat's loop turns."""

    sent_ns: int


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The Hat met its own bug and stops; `detail` is the error with its place, without values."""

    detail: str


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The operator's own channel: a question or command, by name."""

    what: str
    body: bytes


FromHat = Hello | Outcome | Publication | SnapshotTaken | Restored | Pong | Failed | Ask


class Delivered(msgspec.Struct, frozen=True, array_like=True):
    """One message for a Hat."""

    seq: int
    origin_ns: int
    body: msgspec.Raw


class Batch(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Handle these at `now`; on replay say nothing."""

    n: int
    now: int
    is_replay: bool
    letters: tuple[Delivered, ...]


class Restore(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Forget everything and start from this state (None: from nothing); replayed batches follow, then Go."""

    epoch: int
    state: bytes | None


class Go(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """All replayed: open your edges and say Restored.

    What came of messages up to `seq` a former process of this Hat may have carried out without the journal having it.
    """

    seq: int


class TakeSnapshot(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Say SnapshotTaken."""


class Ping(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Say Pong."""

    sent_ns: int


class Stop(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Close your edges and end."""


class Answer(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the operator: the answer, or why there is none."""

    body: bytes
    refusal: str


ToHat = Batch | Restore | Go | TakeSnapshot | Ping | Stop | Answer

_ENCODER: Final = msgspec.msgpack.Encoder()
_FROM_HAT: Final[msgspec.msgpack.Decoder[FromHat]] = msgspec.msgpack.Decoder(FromHat)
_TO_HAT: Final[msgspec.msgpack.Decoder[ToHat]] = msgspec.msgpack.Decoder(ToHat)


def encode(frame: FromHat | ToHat) -> bytes:
    """The frame as bytes."""
    return _ENCODER.encode(frame)


def decode_from_hat(data: bytes) -> FromHat:
    """What a Hat sent; BusError if it is nothing a Hat may send."""
    try:
        return _FROM_HAT.decode(data)
    except msgspec.MsgspecError as error:
        raise BusError(f"expected a Hat's frame, got {len(data)} bytes that are none: {error}") from error


def decode_to_hat(data: bytes) -> ToHat:
    """What the hub sent; BusError if it is nothing the hub may send."""
    try:
        return _TO_HAT.decode(data)
    except msgspec.MsgspecError as error:
        raise BusError(f"expected a hub's frame, got {len(data)} bytes that are none: {error}") from error


def raw(body: bytes) -> msgspec.Raw:
    """An encoded message, to travel inside a frame as it is."""
    return msgspec.Raw(body)
