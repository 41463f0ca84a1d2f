"""EDGE: the hub's side of each Hat's connections: who is there, what is parked, what is being restored."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from orchestrator.access import UNKNOWN, Who
from shared.bus import frames
from shared.bus.credentials import credentials_of
from shared.bus.sockets import Connection
from shared.errors import BusError
from shared.ids import Role
from shared.units import Ns


class Peer:
    """One accepted connection. Until its Hello it is nobody."""

    def __init__(self, connection: Connection, now: Ns) -> None:
        self.connection = connection
        self.role: Role | None = None
        self.channel = ""
        self.pid = 0
        self.credentials = credentials_of(connection.fileno())
        """User and process as the kernel tells them; None over TCP."""
        self.heard_ns: int = now
        self.pinged_ns = 0
        self.parked: deque[frames.FromHat] = deque()
        """Frames that no mailbox had room for, or that came before their batch was written down."""
        self.is_read = True
        """Is its connection read? Not while the first that is parked waits for room."""
        self.replay: Iterator[frames.ToHat] | None = None
        self.fed_ns = 0
        """When it last took a piece of its replay."""
        self.is_live = False
        """Restored and ready for batches."""
        self.snapshot_of: int | None = None
        """Batch after which a snapshot was asked for and has not come yet."""
        self.batches_since_snapshot = 0

    @property
    def known_role(self) -> Role:
        """Its role; BusError before its Hello."""
        if self.role is None:
            raise BusError("a peer spoke before its Hello")
        return self.role

    @property
    def who(self) -> Who:
        """Its user and process, as the kernel tells them; over TCP the process by its own word, the user unknown."""
        known = self.credentials
        return (UNKNOWN, self.pid or UNKNOWN) if known is None else (known.uid, known.pid)

    def send(self, frame: frames.ToHat) -> None:
        """Hand a frame to the Hat."""
        self.connection.send(frames.encode(frame))
