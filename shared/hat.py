"""What a Hat is: a pure state machine with a name, a list of what it hears, and a state that can be written down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec

from shared.ids import Role
from shared.messages import AnyMessage, Message
from shared.units import Ns


class Hat(Protocol):
    """One specialist. It computes and never acts: no clock, no socket, no disk, no chance.

    `state` is one mutable msgspec Struct holding all that the Hat remembers, so that a snapshot is its encoding and
    nothing can be forgotten. Settings and lookup tables that follow from them stay outside it.
    """

    role: ClassVar[Role]
    hears: ClassVar[tuple[type[Message], ...]]
    state: Any

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from `message` at `now`. Equal states and inputs give equal outputs."""
        ...


@runtime_checkable
class Packing(Protocol):
    """A Hat that also says something of a batch as a whole, once every message in it was handled."""

    def settle(self, now: Ns) -> Iterable[tuple[int, AnyMessage]]:
        """What follows from the batch, each with the place in it of the message that counts as its cause.

        Afterwards the Hat holds nothing back: a batch is what a crash repeats, and a snapshot is taken between two.
        """
        ...


def settled(hat: Hat, now: Ns) -> Iterable[tuple[int, AnyMessage]]:
    """What the Hat says of the batch that it has just handled; nothing of most. Whoever calls `handle` calls this."""
    return hat.settle(now) if isinstance(hat, Packing) else ()


def snapshot(hat: Hat) -> bytes:
    """The Hat's whole state as bytes (sorted keys, so equal states give equal bytes)."""
    return msgspec.msgpack.encode(hat.state, order="sorted")


def restore(hat: Hat, data: bytes) -> None:
    """Put the Hat back into the state that `snapshot` wrote."""
    hat.state = msgspec.msgpack.decode(data, type=type(hat.state))
