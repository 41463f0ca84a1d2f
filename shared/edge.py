"""What an edge is: the thin thing beside a Hat that touches the world for it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from shared.messages import Message
from shared.units import Ns


class Context(NamedTuple):
    """Where a command came from: the message that caused it and the market data at the root of the chain.

    `may_be_repeated`: a process that died may have carried out what came of that message, and could not say so.
    """

    cause: int = 0
    origin_ns: int = 0
    may_be_repeated: bool = False


class Publish(Protocol):
    """How an edge says something in its Hat's name. It is sequenced and journaled like everything else."""

    def __call__(self, message: Message, context: Context = Context()) -> None:
        """Say `message`; returns once the hub took it or holds the speaker back."""
        ...


class Edge(Protocol):
    """Carries out the commands of its Hat and reports what happened, in messages.

    `commands` are the Hat's outputs that it acts on. A repeated command must be harmless: the same bytes again, and no
    word that what it asks for did not happen, for that may have been done the first time.
    """

    commands: ClassVar[frozenset[type[Message]]]

    def start(self, publish: Publish) -> None:
        """Open what it needs; from here on it may publish, from any thread."""
        ...

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:
        """Do it, or begin to; never waits for the world longer than its deadline."""
        ...

    def stop(self) -> None:
        """Close everything and return when nothing of it runs any more."""
        ...


@runtime_checkable
class SettlingEdge(Protocol):
    """An edge that has things to do only once the journal has them on disk."""

    def settled(self) -> None:
        """Whatever the Hat said in batches before this moment is on disk."""
        ...
