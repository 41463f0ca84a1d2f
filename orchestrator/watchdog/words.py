"""What is said on the watchdog's socket: a fixed schema; every word is answered with how things stand."""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.watchdog.guard import Beat, DeadMan, Guard, Phase
from shared.errors import BusError

FRAME_BYTES_MAX: Final = 4_096
REASON_CHARACTERS_MAX: Final = 500


class Dismiss(msgspec.Struct, frozen=True, array_like=True, tag="dismiss"):
    """The desk ends in order; silence means nothing from here on."""


class Flatten(msgspec.Struct, frozen=True, array_like=True, tag="flatten"):
    """Cancel everything and close everything, now."""

    reason: str


class Rearm(msgspec.Struct, frozen=True, array_like=True, tag="rearm"):
    """The operator has looked at what it did: watch again. `signature` (hex) is theirs at `ns`, if one is asked for."""

    reason: str
    ns: int = 0
    signature: str = ""


class Look(msgspec.Struct, frozen=True, array_like=True, tag="look"):
    """How do things stand?"""


class View(msgspec.Struct, frozen=True):
    """How the watchdog stands. None: it has not looked, so it does not know. `refusal`: why it does not do as told."""

    phase: Phase
    reason: str
    address: str
    silence_ms: int
    open_orders: int | None
    positions: int | None
    fault: str
    dead_man: DeadMan
    dead_man_said: str
    acts: int = 0
    refusal: str = ""


Word = Beat | Dismiss | Flatten | Rearm | Look

_ENCODER: Final = msgspec.msgpack.Encoder()
_WORD: Final[msgspec.msgpack.Decoder[Word]] = msgspec.msgpack.Decoder(Word)
_VIEW: Final = msgspec.msgpack.Decoder(View)


def encode(word: Word | View) -> bytes:
    """The frame; of a long reason its beginning, for no words may stop a kill."""
    if isinstance(word, Flatten | Rearm):
        word = msgspec.structs.replace(word, reason=word.reason[:REASON_CHARACTERS_MAX])
    return _ENCODER.encode(word)


def decode_word(data: bytes) -> Word:
    """What a peer says; BusError if it is none of our words."""
    try:
        word = _WORD.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BusError(f"expected a word for the watchdog: {error}") from error
    if isinstance(word, Flatten | Rearm) and len(word.reason) > REASON_CHARACTERS_MAX:
        raise BusError(f"expected a reason of at most {REASON_CHARACTERS_MAX} characters")
    return word


def decode_view(data: bytes) -> View:
    """The watchdog's answer; BusError if it is none."""
    try:
        return _VIEW.decode(data)
    except msgspec.MsgspecError as error:
        raise BusError(f"expected the watchdog's answer: {error}") from error


def view_of(guard: Guard, address: str, silence_ms: int, refusal: str = "") -> View:
    """The answer now."""
    return View(
        phase=guard.phase,
        reason=guard.reason,
        address=address,
        silence_ms=silence_ms,
        open_orders=guard.open_orders,
        positions=guard.positions,
        fault=guard.fault,
        dead_man=guard.dead_man,
        dead_man_said=guard.dead_man_said,
        acts=guard.acts,
        refusal=refusal,
    )
