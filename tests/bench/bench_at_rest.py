"""What sealing costs: `python -m tests.bench.bench_at_rest`. Each figure beside the same work in the clear, same run.

A capture segment sealed beside one that is copied and synced; the warehouse's tables written and read back encrypted
beside plain; a home folder backed up beside one that is copied file by file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.safekeeping.backup import back_up, seal_key_path
from orchestrator.safekeeping.sealed_store import SealedStore
from shared.private_files import make_secret
from shared.seal_file import read_seal_key
from shared.sealing import SealKey
from shared.units import MS, SECOND
from shared.warehouse.capture.segment import seal_file
from shared.warehouse.manifest import Input, Lineage
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from shared.warehouse.tables import Origin, TradeRow

MIB = 1 << 20
KEY = SealKey(b"k" * 32)


def best_s(rounds: int, sealed: Callable[[int], object], plain: Callable[[int], object]) -> tuple[float, float]:
    """The fastest of some rounds of each, in turns, so that both meet the same machine; each is told its number."""
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        began = time.perf_counter()
        plain(number)
        between = time.perf_counter()
        sealed(number)
        times.append((time.perf_counter() - between, between - began))
    return min(each for each, _ in times), min(each for _, each in times)


def line(what: str, sealed_s: float, plain_s: float, size: float, unit: str) -> str:
    """One comparison, to read."""
    return (
        f"{what:28} sealed {size / sealed_s:12,.0f} {unit}/s   plain {size / plain_s:12,.0f} {unit}/s   "
        f"{sealed_s / plain_s:5.2f} times the time"
    )


def segment(folder: Path, rounds: int, mib: int) -> str:
    """A finished segment."""
    data = os.urandom(mib * MIB)
    for number in range(rounds):
        (folder / f"{number:08d}.hlog").write_bytes(data)

    def copy(number: int) -> None:
        with (folder / f"{number}.copy").open("wb") as file:
            file.write((folder / f"{number:08d}.hlog").read_bytes())
            file.flush()
            os.fsync(file.fileno())

    times = best_s(rounds, lambda n: seal_file(folder / f"{n:08d}.hlog", KEY), copy)
    return line("capture segment", *times, mib, "MiB")


def tables(folder: Path, rounds: int, rows: int) -> list[str]:
    """Trades into the warehouse and back."""
    lineage = Lineage((Input("bench", "0" * 64, 0),), "bench", {})

    def write(root: Path, key: SealKey | None) -> None:
        with Store(root, key).writing() as writing, writing.publication("batch", "bench", lineage) as publication:
            for n in range(rows):
                ns = n * MS + SECOND
                row = TradeRow("BTC", ns, ns, 1, 5, "buy", 10**6 + n % 977, n % 89, n)
                publication.add(row, Origin("bench", seq=n))
            publication.publish()

    def read(root: Path, key: SealKey | None) -> None:
        assert Warehouse(root, key=key).arrow("trades").num_rows == rows

    def compared(what: str, work: Callable[[Path, SealKey | None], None]) -> str:
        times = best_s(rounds, lambda n: work(folder / f"sealed-{n}", KEY), lambda n: work(folder / f"plain-{n}", None))
        return line(what, *times, rows, "rows")

    return [compared("warehouse, write", write), compared("warehouse, read", read)]


def backup(folder: Path, rounds: int, mib: int) -> str:
    """A home folder, the first time."""
    home = folder / "home"
    home.mkdir()
    for number in range(8):
        (home / f"{number:08d}.hlog").write_bytes(os.urandom(mib * MIB // 8))
    key_file = seal_key_path(home, None)
    make_secret(key_file)
    key = read_seal_key(key_file)

    def copy(number: int) -> None:
        shutil.copytree(home, folder / f"copy-{number}")
        os.sync()

    times = best_s(rounds, lambda n: back_up(home, SealedStore(folder / f"backup-{n}", key), key_file), copy)
    return line("backup, first", *times, mib, "MiB")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_at_rest", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--mib", type=int, default=64, help="size of the segment and of the home folder")
    parser.add_argument("--rows", type=int, default=200_000, help="trades in the warehouse")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in ("segment", "tables", "backup")]
        for folder in folders:
            folder.mkdir()
        print(segment(folders[0], asked.rounds, asked.mib))
        print("\n".join(tables(folders[1], asked.rounds, asked.rows)))
        print(backup(folders[2], asked.rounds, asked.mib))


if __name__ == "__main__":
    main()
