"""EDGE: the watchdog's loop: one thread, one socket that one user may open, and whatever is due."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from hats.security_architect.signer.process import Log
from orchestrator.watchdog import words
from orchestrator.watchdog.guard import Aim, Beat, Guard, Kept, Work
from orchestrator.watchdog.hands import Hands
from shared.bus.credentials import credentials_of
from shared.bus.sockets import Connection, Listener
from shared.clock import WallClock
from shared.errors import BusError, ConfigError, VenueError
from shared.operator_word import rearm_words, signature_fault
from shared.private_files import write_private
from shared.units import MS, SECOND

TURN_S: Final = 0.05
"""How often it looks at its clock."""
_PEERS_MAX: Final = 8
_STALL_NS: Final = SECOND
"""A turn that took longer, besides its work, was none: this process was stopped or got no processor."""
_WORK_NS: Final = 5 * SECOND
"""No call to the venue takes longer before it is given up."""


class WatchdogServer:
    """Runs until told to stop. A venue that fails is tried again; our own bug ends it, and whoever started it sees.

    A disk that takes nothing any more stops the desk, and must not stop whoever acts then.
    """

    def __init__(
        self,
        guard: Guard,
        hands: Hands,
        listener: Listener,
        kept: Path,
        silence_ms: int,
        dead_man_ms: int,
        log: Log,
        clock: Callable[[], int] = time.monotonic_ns,
        *,
        operator_public_key: str = "",
        halt: Callable[[str, int], None] | None = None,
    ) -> None:
        """`halt` has the account's next run begin halted, told why and by which run; empty key: anybody may rearm."""
        self._guard = guard
        self._hands = hands
        self._listener = listener
        self._file = kept
        self._kept: Kept | None = None
        self._file_faults: set[str] = set()
        self._silence_ms, self._dead_man_ms = silence_ms, dead_man_ms
        self._log = log
        self._clock = clock
        self._wall = WallClock()
        self._operator_public_key = operator_public_key
        self._signed_ns: int = self._wall.now()
        """What was signed before this process began may have been used with the one before."""
        self._halt = halt
        self._is_halted = False
        self._peers: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._said: tuple[object, ...] = ()

    def stop(self) -> None:
        """End after this turn (for a signal's handler)."""
        self._is_stopping = True

    def run(self) -> None:
        """Turn until stopped."""
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._log("ready", {"address": self._hands.address, "pid": os.getpid(), "phase": self._guard.phase})
        turned_ns = self._clock()
        try:
            while not self._is_stopping:
                ready = self._selector.select(TURN_S)
                turned_ns = self._turned(turned_ns)
                for key, _ in ready:
                    self._hear(key.fileobj)
                self._keep()
                self._work(turned_ns)
                turned_ns = min(self._clock(), turned_ns + _WORK_NS)
                self._note()
        finally:
            for peer in list(self._peers):
                self._drop(peer)
            self._selector.close()
            self._listener.close()
            self._hands.close()
            self._log("stopped", {"pid": os.getpid()})

    def _turned(self, last_ns: int) -> int:
        """Now; what was not heard because this process stood still is no silence of the desk.

        Asked after waiting, which is where it is stopped most likely; this turn's work goes by the time that it gives.
        What work takes is silence all the same, unless it takes longer than any: a venue that does not answer must not
        make a dead desk look alive.
        """
        now = self._clock()
        if now - last_ns > _STALL_NS:
            self._log("stood_still", {"ms": (now - last_ns) // MS})
            self._guard.stood_still(now - last_ns)
        return now

    def _hear(self, source: object) -> None:
        if source is self._listener:
            self._welcome()
        elif isinstance(source, Connection):
            try:
                for data in source.receive_ready():
                    if len(data) > words.FRAME_BYTES_MAX:
                        raise BusError(f"expected frames of at most {words.FRAME_BYTES_MAX} bytes")
                    refusal = self._take(words.decode_word(data))
                    view = words.view_of(self._guard, self._hands.address, self._silence_ms, refusal)
                    source.send(words.encode(view))
            except BusError as error:
                self._log("peer_dropped", {"reason": str(error)})
                source.is_open = False
            if not source.is_open:
                self._drop(source)

    def _welcome(self) -> None:
        try:
            peer = self._listener.accept()
        except BusError as error:
            self._log("peer_refused", {"peer": str(error), "peers": len(self._peers)})
            return
        who = credentials_of(peer.fileno())
        if who is None or who.uid != os.getuid() or len(self._peers) >= _PEERS_MAX:
            self._log("peer_refused", {"peer": str(who), "peers": len(self._peers)})
            peer.close()
            return
        self._peers.add(peer)
        self._selector.register(peer, selectors.EVENT_READ)

    def _take(self, word: words.Word) -> str:
        """Do as told; else why not."""
        now = self._clock()
        match word:
            case Beat():
                self._guard.beat(word, now)
            case words.Flatten(reason=reason):
                self._guard.order(reason, now)
            case words.Rearm():
                return self._rearm(word, now)
            case words.Dismiss():
                self._guard.dismiss()
        return ""

    def _rearm(self, word: words.Rearm, now: int) -> str:
        """Watch again, if whoever may loosen says so.

        There is no delay as a resume's: what may trade again, and when, that decides, and a kill acts again at once.
        """
        said = rearm_words(self._hands.address, word.reason, word.ns)
        fault = signature_fault(word, said, self._operator_public_key, self._signed_ns, self._wall.now())
        if fault is not None:
            self._log("not_rearmed", {"reason": word.reason, "fault": fault})
            return f"not rearmed: {fault}"
        self._signed_ns = max(self._signed_ns, word.ns)
        self._log("rearmed", {"reason": word.reason})
        self._guard.rearm(now)
        return ""

    def _work(self, now: int) -> None:
        guard, work = self._guard, self._guard.due(now)
        try:
            match work:
                case Work.ENFORCE:
                    orders, positions, fault = self._hands.enforce(guard.aim, guard.acts)
                    guard.looked(orders, positions, self._clock(), fault)
                case Work.SCHEDULE:
                    guard.scheduled(self._hands.schedule(self._dead_man_ms), self._clock())
                case Work.UNSCHEDULE:
                    self._hands.unschedule()
                    guard.unscheduled(self._clock())
        except VenueError as error:
            said = f"{error} {error.said}".strip()
            if work is Work.ENFORCE:
                guard.failed(said, self._clock())
            else:
                guard.not_scheduled(said, self._clock())

    def _keep(self) -> None:
        """Before anything is done, what later ones must know lies on the disk, if that takes it; else soon.

        Later ones are a new process of the watchdog, and the account's next desk: that must not trade on as if nothing
        had been, though the hub that would remember may be dead. Only the operator's resume lets it.
        """
        guard = self._guard
        kept = guard.kept
        if kept != self._kept and self._is_written(lambda: self._write(kept)):
            self._kept = kept
        self._is_halted = self._is_halted and guard.is_latched
        halt = self._halt
        if halt is not None and guard.is_latched and not self._is_halted:
            self._is_halted = self._is_written(lambda: halt(f"the watchdog acted: {guard.reason}", guard.run))

    def _write(self, kept: Kept | None) -> None:
        if kept is None:
            self._file.unlink(missing_ok=True)
        else:
            write_private(self._file, msgspec.json.encode(kept))

    def _is_written(self, write: Callable[[], None]) -> bool:
        """Did the disk take it? What it has against it is logged once."""
        try:
            write()
        except (ConfigError, OSError) as error:
            if str(error) not in self._file_faults:
                self._file_faults.add(str(error))
                self._log("not_kept", {"reason": str(error)})
            return False
        self._file_faults.clear()
        return True

    def _note(self) -> None:
        """Log what changed."""
        guard = self._guard
        said = (guard.phase, guard.reason, guard.open_orders, guard.positions, guard.fault, guard.dead_man)
        if said != self._said:
            self._said = said
            names = ("phase", "reason", "open_orders", "positions", "fault", "dead_man")
            fields: dict[str, object] = dict(zip(names, said, strict=True))
            self._log("stands", fields | {"dead_man_said": guard.dead_man_said})

    def _drop(self, peer: Connection) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            self._selector.unregister(peer)
            peer.close()


def read_kept(path: Path, aim: Aim) -> Kept | None:
    """What a former process left; None if nothing. A file that can't be read counts as an act, to be safe."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        return Kept(f"the latch {path.name} can't be read: {error}", aim)
