"""What a Hat is: a pure state machine with a name, a list of what it hears, and a state that can be written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol

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


def settled(hat: Hat, now: Ns) -> Iterable[tuple[int, AnyMessage]]:
    """What the Hat says of the batch that it has just handled as a whole, each with the place in it of the message that
    counts as its cause; nothing of most Hats, which have no `settle`. Whoever calls `handle` calls this.

    Afterwards the Hat holds nothing back: a batch is what a crash repeats, and a snapshot is taken between two.
    """
    settle: Callable[[Ns], Iterable[tuple[int, AnyMessage]]] | None = getattr(hat, "settle", None)
    return () if settle is None else settle(now)


def snapshot(hat: Hat) -> bytes:
    """The Hat's whole state as bytes (sorted keys, so equal states give equal bytes)."""
    return msgspec.msgpack.encode(hat.state, order="sorted")


def restore(hat: Hat, data: bytes) -> None:
    """Put the Hat back into the state that `snapshot` wrote."""
    hat.state = msgspec.msgpack.decode(data, type=type(hat.state))
