"""Who used a door of the running desk, for the audit log: every command at once, repeated reading counted. Pure.

A view that asks twice a second would drown the log. So the first reading of its kind is told at once and then, once a
`PERIOD_NS`, how many more there were. A command is told by itself, with what came of it, and so is every refusal
that is new.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from orchestrator.heart import Heart
from shared.bus.frames import Ask
from shared.codec import kind_named
from shared.ids import Role
from shared.messages.control import Accessed
from shared.units import SECOND, Ns

PERIOD_NS: Final = 60 * SECOND
KINDS_MAX: Final = 256
"""Kinds of reading that are counted apart; whoever makes more of them at a time is counted together."""
RESULT_CHARACTERS_MAX: Final = 200
WHAT_CHARACTERS_MAX: Final = 40
OPERATOR_DOOR: Final = "operator"
SAY: Final = "say"
"""What the operator asks to have a message said: a command."""
OK: Final = "ok"
UNKNOWN: Final = -1
"""A user or process that the system does not tell."""
Who = tuple[int, int]
"""User and process id."""


class Access(NamedTuple):
    """One use: of which door, by whom, for what, and what came of it ("ok" or the refusal)."""

    door: str
    what: str
    uid: int
    pid: int
    result: str = OK


class _Count:
    """How often since when."""

    def __init__(self, now: Ns) -> None:
        self.first_ns = now
        self.count = 0


class AccessBook:
    """What is to be told to the audit log."""

    def __init__(self) -> None:
        self._reads: dict[Access, _Count] = {}
        self._next_ns = 0
        self.waiting: deque[Accessed] = deque()
        """To be said; whoever says it takes it out."""
        self._visits: deque[Access] = deque()

    def visited(self, access: Access) -> None:
        """Somebody read at another door of this process; may be called from any thread."""
        self._visits.append(access)

    def asked(self, ask: Ask, refusal: str, who: Who, now: Ns) -> None:
        """The operator's line was asked something, and what came of it ("": done)."""
        is_command = ask.what == SAY
        what = f"{SAY} {kind_named(ask.body)}" if is_command else ask.what[:WHAT_CHARACTERS_MAX]
        self.note(Access(OPERATOR_DOOR, what, *who, refusal or OK), now, is_command=is_command)

    def turned_away(self, reason: str, who: Who, now: Ns) -> None:
        """Somebody came without our pass."""
        self.note(Access(OPERATOR_DOOR, "hello", *who, reason), now, is_command=False)

    def tell(self, heart: Heart, now: Ns) -> None:
        """What waits is said, as far as the Security Architect has room for it."""
        while self._visits:
            self.note(self._visits.popleft(), now, is_command=False)
        self.tick(now)
        mailbox = heart.mailboxes[Role.SECURITY_ARCHITECT]
        while self.waiting and mailbox.has_room(self.waiting[0]):
            heart.say((self.waiting.popleft(),), now)

    def note(self, access: Access, now: Ns, *, is_command: bool) -> None:
        """Something was asked for. Commands wait to be told one by one, reading of one kind is counted."""
        access = access._replace(result=access.result[:RESULT_CHARACTERS_MAX])
        if is_command:
            self.waiting.append(Accessed(*access, 1, now, now))
            return
        if access not in self._reads and len(self._reads) >= KINDS_MAX:
            access = Access(access.door, "other reading", UNKNOWN, UNKNOWN, "not told apart")
        known = self._reads.get(access)
        if known is None:
            self._reads[access] = _Count(now)
            self.waiting.append(Accessed(*access, 1, now, now))
        else:
            known.first_ns = known.first_ns if known.count else now
            known.count += 1

    def tick(self, now: Ns) -> None:
        """Once a period: what was counted waits to be told; kinds that nobody asked for any more are forgotten."""
        if now >= self._next_ns:
            self._next_ns = now + PERIOD_NS
            self.flush(now)

    def flush(self, now: Ns) -> None:
        """What was counted waits to be told, now."""
        for access, known in list(self._reads.items()):
            if known.count:
                self.waiting.append(Accessed(*access, known.count, known.first_ns, now))
                known.count = 0
            elif now - known.first_ns >= PERIOD_NS:
                del self._reads[access]
