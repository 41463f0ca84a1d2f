"""The one tree of errors. Each class says in one line what its reader must do.

HatsError
├── ConfigError            fix the file, restart
├── UnitError              fix the caller: a number does not fit its unit
├── VenueError             carries what the venue said
│   ├── VenueUnreachable   wait, retry the read; an order becomes UNKNOWN
│   ├── VenueProtocolError report: the venue said something undocumented
│   └── RateLimited        wait until `retry_at_ns`
├── DataError              stop deciding on this coin until the data is whole again
├── SnapshotError          start without it, or with the code that wrote it
├── ExtraMissing           install the optional extra that it names
├── JournalError           stop now: what cannot be written must not happen
├── BusError               the peer is gone or does not speak our framing: reconnect
├── NotRunning             start it first
├── Unanswered             ask again, or look into the log: it did not answer in time
├── MailboxFull            hold the sender back; nothing was taken
├── NotAllowedError        halt: somebody said what is not theirs to say
└── InvariantError         halt: our own bug
"""

from __future__ import annotations

from collections.abc import Sequence


class HatsError(Exception):
    """Root of everything this project raises on purpose."""


class ConfigError(HatsError):
    """Fix the configuration and start again; `problems` lists every fault found, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class UnitError(HatsError, ValueError):
    """Fix the caller: the number is not exactly representable in the unit asked for."""


class VenueError(HatsError):
    """Read `said`: the venue's own words, as received."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(f"{message}: {said}" if said else message)
        self.said = said


class VenueUnreachable(VenueError):  # noqa: N818 - a state of the world, named as operators name it
    """Wait and retry the read; an order in flight is UNKNOWN, not failed."""


class VenueProtocolError(VenueError):
    """Report it: the venue said something its documents do not contain."""


class RateLimited(VenueError):  # noqa: N818
    """Wait until `retry_at_ns` (UTC nanoseconds)."""

    def __init__(self, message: str, retry_at_ns: int) -> None:
        super().__init__(message)
        self.retry_at_ns = retry_at_ns


class DataError(HatsError):
    """Stop deciding on this data until it is whole again (gap, crossed book, time going back)."""


class SnapshotError(HatsError):
    """Start without it, or with the code that wrote it: state can't be written as a snapshot or read from one."""


class ExtraMissing(HatsError):  # noqa: N818
    """Install the optional extra that the message names: this installation was made without it."""


class JournalError(HatsError):
    """Stop now: what cannot be written down must not happen."""


class BusError(HatsError):
    """Reconnect: the peer is gone, or what it sent is not our framing."""


class NotRunning(HatsError):  # noqa: N818
    """Start it first: there is no such cluster, desk or process."""


class AlreadyRunning(HatsError):  # noqa: N818
    """End the other one first, or take another home folder and account: two desks would undo each other's work."""


class Unanswered(HatsError):  # noqa: N818
    """Ask again, or look into its log: it did not answer in time."""


class MailboxFull(HatsError):  # noqa: N818
    """Hold the sender back: the lane has no room and nothing was taken."""


class NotAllowedError(HatsError):
    """Halt: a role said a message that the route table does not give it."""


class InvariantError(HatsError, AssertionError):
    """Halt: our own bug; the state can't be trusted."""
