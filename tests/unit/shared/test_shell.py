"""The loop around a Hat: what its edge is told of the commands that it carries out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec
import pytest

from shared import shell
from shared.bus import frames
from shared.codec import encode
from shared.edge import Context
from shared.ids import Role
from shared.messages import AnyMessage, Message
from shared.messages.control import Disarmed
from shared.messages.order import DropWaiting
from shared.shell import HatLoop, LaunchSpec
from shared.units import Ns


class Dropper:
    """Tells its edge to drop what waits, whatever it hears."""

    role: ClassVar[Role] = Role.EXCHANGE_ARCHITECT
    hears: ClassVar[tuple[type[Message], ...]] = (Disarmed,)

    def __init__(self) -> None:
        self.state = msgspec.UNSET

    def handle(self, _: AnyMessage, __: Ns) -> Iterable[AnyMessage]:
        """One command."""
        return [DropWaiting("test")]


class Noting:
    """Notes the context of every command."""

    commands: ClassVar[frozenset[type[Message]]] = frozenset({DropWaiting})

    def __init__(self) -> None:
        self.contexts: list[Context] = []

    def start(self, _: Any) -> None:
        """Nothing to open."""

    def carry_out(self, _: Message, context: Context, __: Ns) -> None:
        """Note it."""
        self.contexts.append(context)

    def stop(self) -> None:
        """Nothing to close."""


class Nowhere:
    """Takes what is sent."""

    def __init__(self, *_: Any) -> None:
        pass

    def send(self, _: bytes) -> None:
        """Gone."""


def test_what_came_before_its_time_may_have_been_carried_out_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that the journal had when the Hat was brought back may have been its predecessor's last."""
    monkeypatch.setattr(shell, "Publisher", Nowhere)
    edge, connection = Noting(), Nowhere()
    loop = HatLoop(LaunchSpec(Dropper.role, "", "", "", b"", ""), Dropper, lambda: edge)
    letters = tuple(frames.Delivered(seq, 0, frames.raw(encode(Disarmed("test")))) for seq in (7, 8))
    for frame in (frames.Restore(1, None), frames.Go(7), frames.Batch(0, 1, False, letters)):
        assert loop._serve(frame, connection)  # type: ignore[arg-type]
    assert edge.contexts == [Context(7, 0, True), Context(8, 0, False)]
