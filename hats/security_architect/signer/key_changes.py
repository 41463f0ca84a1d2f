"""EDGE: what the operator asks of a running signer, carried out between two questions of the desk."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

from hats.security_architect.signer import admin_words
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.process import Log
from hats.security_architect.signer.rotation import Keys, Unlocked
from shared.clock import WallClock
from shared.errors import HatsError
from shared.units import MS


class KeyChanges:
    """One change at a time. `ring` can be read when an unlocked key waits for `finish`."""

    def __init__(self, keys: Keys, signer: Signer, log: Log) -> None:
        self._keys = keys
        self._signer = signer
        self._log = log
        self._clock = WallClock()
        self.ring, self._bell = socket.socketpair()
        self._thread: threading.Thread | None = None
        self._asked_by = -1
        self._outcome: Unlocked | HatsError | None = None

    def hear(self, asked_by: int, word: admin_words.Word) -> admin_words.Reply | None:
        """The reply; None if it comes later, by `finish`. `asked_by` is given back then."""
        match word:
            case admin_words.Describe():
                return self._agents()
            case admin_words.Retire(address=address):
                return self._retire(address)
            case admin_words.TakeOver():
                if self._thread is not None:
                    return admin_words.No("another key is being unlocked; ask again in a moment")
                self._asked_by = asked_by
                self._thread = threading.Thread(target=self._unlock, args=(word,), name="unlock", daemon=True)
                self._thread.start()
        return None

    def finish(self) -> tuple[int, admin_words.Reply]:
        """The unlocked key takes over now; who asked for it, and the reply."""
        self.ring.recv(1)
        assert self._thread is not None
        self._thread.join()
        outcome, self._thread, self._outcome = self._outcome, None, None
        assert outcome is not None
        if isinstance(outcome, Unlocked):
            before, started_ns = self._signer.address, time.perf_counter_ns()
            try:
                since_ms = self._clock.now() // MS - self._signer.window_ms
                self._keys.take_over(outcome, self._signer.high, since_ms)
            except HatsError as error:
                outcome = error
            else:
                took_us = (time.perf_counter_ns() - started_ns) // 1_000
                self._log("took_over", {"agent": self._signer.address, "before": before, "took_us": took_us})
                return self._asked_by, self._agents()
        self._log("not_taken_over", {"reason": str(outcome)})
        return self._asked_by, admin_words.No(str(outcome))

    def close(self) -> None:
        """Wait for a key that is being unlocked, and let go of it."""
        if self._thread is not None:
            self._thread.join()
            if isinstance(self._outcome, Unlocked):
                self._outcome.store.close()
        self.ring.close()
        self._bell.close()

    def _unlock(self, word: admin_words.TakeOver) -> None:
        try:
            self._outcome = self._keys.unlock(Path(word.keystore), Path(word.password_file))
        except HatsError as error:
            self._outcome = error
        self._bell.send(b"k")

    def _retire(self, address: str) -> admin_words.Reply:
        try:
            self._keys.retire(address, self._clock.now() // MS)
        except HatsError as error:
            return admin_words.No(str(error))
        self._log("retired", {"agent": address})
        return self._agents()

    def _agents(self) -> admin_words.Agents:
        return admin_words.Agents(
            tuple(
                admin_words.Agent(one.key.address, self._keys.place_of(one.key.address).keystore, one.until_ms)
                for one in self._keys.ring.held
            )
        )
