"""What TLS costs the bus: a frame there and back, and frames a second, beside plain TCP and the Unix socket in one run.

python -m tests.bench.bench_bus [--frames 5000]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from orchestrator.machine import certificates
from shared.bus.sockets import Connection, connect, listen
from shared.bus.tls import TlsFiles

FRAME: Final = b"x" * 200
"""About what an order's message takes."""
AT_ONCE: Final = 100


class Figures(NamedTuple):
    """Microseconds there and back, and frames a second in batches."""

    p50_us: float
    p99_us: float
    frames_per_s: float


def measure(address: str, tls: TlsFiles | None, frames: int) -> Figures:
    """One connection, whose other end gives every frame back from a thread of its own."""
    listener = listen(address, tls)
    echo = threading.Thread(target=_echo, args=(listener.accept,))
    echo.start()
    connection = connect(listener.address, tls=tls)
    taken = []
    for _ in range(frames):
        began = time.perf_counter_ns()
        connection.send(FRAME)
        connection.receive(5)
        taken.append(time.perf_counter_ns() - began)
    began = time.perf_counter_ns()
    for _ in range(frames // AT_ONCE):
        for _ in range(AT_ONCE):
            connection.send(FRAME)
        for _ in range(AT_ONCE):
            connection.receive(5)
    spent_s = (time.perf_counter_ns() - began) / 1e9
    connection.close()
    echo.join()
    listener.close()
    taken.sort()
    return Figures(taken[len(taken) // 2] / 1e3, taken[len(taken) * 99 // 100] / 1e3, frames / spent_s)


def _echo(accept: object) -> None:
    assert callable(accept)
    end: Connection = accept()
    while (frame := end.receive()) is not None:
        end.send(frame)
    end.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_bus", description="What TLS costs the bus.")
    parser.add_argument("--frames", type=int, default=5_000, help="frames there and back on each")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        (tls,) = certificates.make(Path(folder) / "tls", ["127.0.0.1"])
        kinds = {
            "unix": (f"unix:{folder}/bus", None),
            "tcp": ("tcp:127.0.0.1:0", None),
            "tls": ("tcp:127.0.0.1:0", tls),
        }
        found = {name: measure(address, files, options.frames) for name, (address, files) in kinds.items()}
    for name, one in found.items():
        there = f"there and back p50 {one.p50_us:6.0f} us, p99 {one.p99_us:6.0f} us"
        print(f"{name:5} {there}, {one.frames_per_s:8,.0f} /s")
    tls_us, tcp_us, unix_us = (found[name].p50_us for name in ("tls", "tcp", "unix"))
    print(f"TLS takes {tls_us / tcp_us:.2f} times as long as plain TCP, {tls_us / unix_us:.2f} as a Unix socket")
    return 0


if __name__ == "__main__":
    sys.exit(main())
