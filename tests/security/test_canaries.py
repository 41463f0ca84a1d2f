"""Twenty secrets, fifty forced errors: none is told anywhere; and the search would have found it."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.security.canaries import short
from tests.security.canary import Canary, Search, planted

SECRET = Canary("key", bytes(range(60, 92)))


@pytest.mark.slow
def test_no_secret_is_told(tmp_path: Path) -> None:
    """Neither by errors, logs, tracebacks, doors, files, nor by the environment of a signer process."""
    report = short(tmp_path)
    assert report.hits == ()
    assert report.canaries >= 20
    assert report.errors >= 50
    assert report.places > 100


@pytest.mark.parametrize(
    "leak",
    [
        SECRET.secret,
        b"key=" + SECRET.secret.hex().encode() + b";",
        b"0x" + SECRET.secret.hex().upper().encode(),
        base64.b64encode(SECRET.secret),
        base64.b64encode(b"u:" + SECRET.secret + b"x"),
        base64.urlsafe_b64encode(b"?" + SECRET.secret),
        str(int.from_bytes(SECRET.secret, "big")).encode(),
        SECRET.secret[::-1],
    ],
)
def test_every_form_is_found(leak: bytes, tmp_path: Path) -> None:
    """Plain, hex, base64 at any offset, decimal, turned round; in a file as in an answer."""
    search = Search([SECRET])
    search.look("an answer", b"before " + leak + b" after")
    (tmp_path / "file").write_bytes(leak)
    search.files(tmp_path)
    assert len(search.hits) == 2


def test_what_is_packed_is_opened(tmp_path: Path) -> None:
    """A table's compressed columns are read, and names of files too."""
    word = planted("packed")
    pq.write_table(pa.table({"a": [word.secret.decode()] * 50}), tmp_path / "t.parquet", compression="zstd")
    (tmp_path / word.secret.decode()).touch()
    search = Search([word])
    search.files(tmp_path)
    assert {hit.place.rpartition(" ")[2] for hit in search.hits} >= {"(unpacked)", "name"}


def test_a_secret_may_lie_in_its_own_private_file_only(tmp_path: Path) -> None:
    """There it is no hit, unless others can read the file."""
    home = tmp_path / "password"
    word = planted("home", home.resolve())
    home.write_bytes(word.secret)
    home.chmod(0o600)
    search = Search([word])
    search.files(tmp_path)
    assert search.hits == []
    home.chmod(0o640)
    search.files(tmp_path)
    assert [hit.canary for hit in search.hits] == ["open to others"]


def test_a_process_is_looked_into() -> None:
    """Command line and environment of a running process."""
    word = planted("process")
    text = word.secret.decode()
    command = [sys.executable, "-c", "print('up', flush=True); input()", text]
    with subprocess.Popen(
        command, env={"PATH": "/bin", "X": text}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        search = Search([word])
        search.processes([process.pid])
        process.communicate(b"\n")
    assert len(search.hits) == 2
