"""The exit codes of every command, in one table: what each means, its name in JSON, and which errors end with it."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from shared.errors import (
    AlreadyRunning,
    BusError,
    ConfigError,
    HatsError,
    MailboxFull,
    NotAllowedError,
    NotRunning,
    Unanswered,
    VenueError,
)


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    NOT_FOUND = 4
    TIMEOUT = 5
    PROBLEMS = 6
    REFUSED = 7
    UNAVAILABLE = 8
    OCCUPIED = 9
    INTERRUPTED = 130
    TERMINATED = 143


class Meaning(NamedTuple):
    """The name of an exit code in JSON, and when it comes."""

    code: str
    when: str


MEANINGS: Final[dict[Exit, Meaning]] = {
    Exit.OK: Meaning("ok", "It is done. A server that was asked to stop and did so ends with 0 too."),
    Exit.FAILED: Meaning("failed", "Something else went wrong; the message says what."),
    Exit.USAGE: Meaning("usage", "The command line can't be understood; nothing was done."),
    Exit.CONFIG: Meaning("config", "The configuration, a key or a password is not right; every fault is listed."),
    Exit.NOT_FOUND: Meaning("not_running", "There is no such run, cluster, desk or file."),
    Exit.TIMEOUT: Meaning("timeout", "It did not answer or finish in time; it may still be under way."),
    Exit.PROBLEMS: Meaning("problems", "The check was made and found problems; they are listed."),
    Exit.REFUSED: Meaning("refused", "Refused by risk, by a kill or for want of permission; nothing was changed."),
    Exit.UNAVAILABLE: Meaning("unavailable", "The exchange or the network could not be used."),
    Exit.OCCUPIED: Meaning(
        "occupied", "A desk already runs in this home folder or on this account; nothing was started."
    ),
    Exit.INTERRUPTED: Meaning("interrupted", "Ctrl-C (SIGINT) before it was done."),
    Exit.TERMINATED: Meaning("terminated", "SIGTERM before it was done."),
}

AUDIT_EXITS: Final[dict[int, str]] = {
    0: "intact",
    1: "tampered with, or cut short",
    2: "can't be read",
}
"""`hats audit verify` has its own three, for the scripts of auditors."""

EXIT_OF: Final[dict[type[BaseException], Exit]] = {
    AlreadyRunning: Exit.OCCUPIED,
    ConfigError: Exit.CONFIG,
    NotRunning: Exit.NOT_FOUND,
    BusError: Exit.NOT_FOUND,
    FileNotFoundError: Exit.NOT_FOUND,
    Unanswered: Exit.TIMEOUT,
    MailboxFull: Exit.TIMEOUT,
    TimeoutError: Exit.TIMEOUT,
    NotAllowedError: Exit.REFUSED,
    VenueError: Exit.UNAVAILABLE,
    ConnectionError: Exit.UNAVAILABLE,
    KeyboardInterrupt: Exit.INTERRUPTED,
    HatsError: Exit.FAILED,
    OSError: Exit.FAILED,
}
"""Which error ends with which code; a class that is not listed ends as the nearest one above it does."""


def exit_of(error: BaseException) -> Exit:
    """How a command ends that could not handle `error`."""
    return next((EXIT_OF[kind] for kind in type(error).__mro__ if kind in EXIT_OF), Exit.FAILED)
