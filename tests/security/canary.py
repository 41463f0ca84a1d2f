"""Secrets that were planted, and the search for them in every form that a leak may give them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow.parquet as pq

from orchestrator.machine.processes import below, command_of
from shared.warehouse.capture.reader import read
from shared.warehouse.capture.segment import OPEN, SEALED

LENGTH_MIN: Final = 12
"""A shorter one would be found by chance."""


class Canary(NamedTuple):
    """A secret, and the place where it was put: a file that may hold it, or none."""

    name: str
    secret: bytes
    home: Path | None = None

    @property
    def forms(self) -> tuple[bytes, ...]:
        """The secret as it is, in hex, in base64 wherever it stood in a longer text, in decimal, and turned round."""
        assert len(self.secret) >= LENGTH_MIN, self.name
        plain = {self.secret, self.secret[::-1], self.secret.hex().encode(), self.secret.hex().upper().encode()}
        for pad in range(3):
            encoded = base64.b64encode(b"\x00" * pad + self.secret)
            inner = encoded[4 if pad else 0 :].rstrip(b"=")[:-1]
            plain |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
        if len(self.secret) == 32:
            plain.add(str(int.from_bytes(self.secret, "big")).encode())
        return tuple(plain)


class Hit(NamedTuple):
    """A secret where it must not be."""

    canary: str
    place: str


class Search:
    """Looks for all canaries and counts what it looked at."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self.canaries = tuple(canaries)
        self._forms = [(canary, form) for canary in self.canaries for form in canary.forms]
        self.places = 0
        self.looked_at_bytes = 0
        self.hits: list[Hit] = []

    def look(self, place: str, data: bytes, *, home: Path | None = None) -> None:
        """At these bytes; `home` is the file that they are, where its own secret may be."""
        self.places += 1
        self.looked_at_bytes += len(data)
        found = {canary.name for canary, form in self._forms if form in data and not (home and canary.home == home)}
        self.hits += [Hit(name, place) for name in sorted(found)]

    def files(self, folder: Path) -> None:
        """At every file below, also at what is packed within: captures and tables. A secret's own file must be 0600."""
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # gone between the listing and the look
            self.look(str(path), data, home=path.resolve())
            if any(canary.home == path.resolve() for canary in self.canaries) and path.stat().st_mode & 0o077:
                self.hits.append(Hit("open to others", str(path)))
            for part in _unpacked(path, data):
                self.look(f"{path} (unpacked)", part)
        for path in sorted(folder.rglob("*")):
            self.look("a file's name", str(path.relative_to(folder)).encode())

    def processes(self, pids: Iterable[int]) -> None:
        """At the command line and the environment of each."""
        for pid in pids:
            for name in ("cmdline", "environ"):
                try:
                    data = Path(f"/proc/{pid}/{name}").read_bytes()
                except OSError:
                    continue  # it has ended, or hides it from its own user, as the signer does
                self.look(f"/proc/{pid}/{name} ({' '.join(command_of(pid))[:60]})", data)


def _unpacked(path: Path, data: bytes) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        table = pq.read_table(io.BytesIO(data))
        yield b"\n".join(str(column.to_pylist()).encode() for column in table.columns)
    if path.name.endswith((SEALED, OPEN)):
        yield b"\n".join(repr(record).encode() for record in read(path))


def descendants(root: int) -> list[int]:
    """Every living process below `root`, and itself; Ray's stay in the session of who started them."""
    return sorted(below({root}) | {root})


def planted(name: str, home: Path | None = None) -> Canary:
    """A canary whose value says which it is, of letters and digits as tokens have."""
    return Canary(name, f"cnry{name.replace('_', '').replace('-', '')}Q7x9Zk2Lw8".encode(), home)


def environment(canaries: Mapping[str, Canary]) -> dict[str, str]:
    """Variables with secrets, as they lie about in the shells of people."""
    return {name: canary.secret.decode() for name, canary in canaries.items()}
