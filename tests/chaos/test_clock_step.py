"""The library under `clock_steps`: it moves the system clock, and no wait becomes longer or shorter by it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.units import SECOND
from tests.chaos.clock_steps import Bent

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler to build the library with")

WAITS_S = 0.2
WAITERS = f"""
import ctypes, sys, time

libc = ctypes.CDLL(None)
room = [ctypes.create_string_buffer(64) for _ in range(3)]
condition, mutex, semaphore = room
word = ctypes.c_int(0)
SYS_FUTEX = {{"x86_64": 202, "aarch64": 98}}[sys.argv[1]]
FUTEX, WAIT_BITSET_BY_REALTIME, ANY = map(ctypes.c_long, (SYS_FUTEX, 9 | 256, 0xFFFFFFFF))


class Timespec(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]


def deadline():
    ns = time.time_ns() + int({WAITS_S} * 1e9)
    return ctypes.byref(Timespec(ns // 10**9, ns % 10**9))


libc.sem_init(semaphore, 0, 0)
libc.pthread_cond_init(condition, None)
libc.pthread_mutex_init(mutex, None)
libc.pthread_mutex_lock(mutex)
waits = [
    lambda: libc.pthread_cond_timedwait(condition, mutex, deadline()),
    lambda: libc.pthread_cond_clockwait(condition, mutex, 0, deadline()),
    lambda: libc.pthread_mutex_timedlock(mutex, deadline()),
    lambda: libc.sem_timedwait(semaphore, deadline()),
    lambda: libc.syscall(FUTEX, ctypes.byref(word), WAIT_BITSET_BY_REALTIME, ctypes.c_long(0), deadline(), None, ANY),
]
print(time.time_ns(), flush=True)
for wait in waits:
    began = time.monotonic()
    assert wait() != 0, "nobody wakes it, so it times out"
    print(time.monotonic() - began, flush=True)
"""


@pytest.mark.parametrize("off_s", [0, 3_600, -3_600])
def test_a_deadline_by_the_wrong_clock_comes_when_it_should(tmp_path: Path, off_s: int) -> None:
    """Condition variables, mutexes, semaphores and futexes, as Ray and gRPC wait on them."""
    bent = Bent(tmp_path)
    bent.set_ns(off_s * SECOND)
    true_ns = int(subprocess.check_output([sys.executable, "-c", "import time; print(time.time_ns())"]))
    told = subprocess.run(
        [sys.executable, "-c", WAITERS, os.uname().machine],
        env={**os.environ, **bent.environ}, capture_output=True, text=True, timeout=30.0, check=True,
    ).stdout.split()  # fmt: skip
    assert abs(int(told[0]) - true_ns - off_s * SECOND) < 60 * SECOND
    waited_s = [float(each) for each in told[1:]]
    assert len(waited_s) == 5
    assert all(WAITS_S * 0.9 < each < 10.0 for each in waited_s), waited_s
