"""The bench of the bus, in little, so that it keeps running."""

from __future__ import annotations

import re

import pytest

from tests.bench import bench_bus


def test_it_prints_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    """All three ways, and what TLS costs beside the other two."""
    assert bench_bus.main(["--frames", "200"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines()[:3]] == ["unix", "tcp", "tls"]
    assert re.search(r"TLS takes \d+\.\d\d times as long", said)
