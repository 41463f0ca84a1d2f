"""EDGE: processes that a run starts beside Ray (signer, local exchange): started, watched, restarted, stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from loguru import logger

from orchestrator.machine import processes
from orchestrator.machine.environment import scrubbed
from shared.errors import HatsError, Unanswered

WATCH_S: Final = 0.2
STOP_TIMEOUT_S: Final = 10.0


class Child:
    """One process of ours. `is_ready` tells when it can be used; while watched it is started again if it dies.

    It is given what it needs of our environment and no more.
    """

    def __init__(
        self, name: str, module_args: Sequence[str], log_path: Path, is_ready: Callable[[], bool], ready_s: float = 30.0
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *module_args]
        self._log_path = log_path
        self._is_ready = is_ready
        self._ready_s = ready_s
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None when it is not running."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """It can be used when this returns. HatsError with the end of its log if it ended, Unanswered if it is late."""
        self._spawn()
        self._wait_ready()
        self._watcher = threading.Thread(target=self._watch, name=f"watch-{self.name}", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """It is gone when this returns."""
        self._ending.set()
        if self._watcher is not None:
            self._watcher.join()
        if self._process is not None:
            processes.stop(self._process.pid, STOP_TIMEOUT_S)
            self._process.wait()
            self._process = None

    def _spawn(self) -> None:
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                self._command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                env=scrubbed(os.environ),
            )  # fmt: skip

    def _wait_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self._ready_s
        while not self._is_ready():
            if self._process.poll() is not None:
                raise HatsError(f"{self.name} ended with {self._process.returncode}:\n{self._tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise Unanswered(f"{self.name} was not ready within {self._ready_s:.0f} s:\n{self._tail()}")
            time.sleep(0.05)

    def _watch(self) -> None:
        while not self._ending.wait(WATCH_S):
            assert self._process is not None
            if self._process.poll() is not None:
                logger.warning("{name} ended with {code}; restarting", name=self.name, code=self._process.returncode)
                try:
                    self._spawn()
                except OSError as error:  # no memory, no process, no file: the next look tries again
                    logger.error("{name} can't be started: {error}", name=self.name, error=error)

    def _tail(self) -> str:
        return self._log_path.read_text(errors="replace")[-2000:]
