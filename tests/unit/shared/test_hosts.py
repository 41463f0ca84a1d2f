"""What is this machine's own name or address, and what only looks like one."""

from __future__ import annotations

import pytest

from shared.hosts import is_loopback, names_loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_loopback(host: str) -> None:
    """Every spelling of loopback."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "127.0.0.1.nip.io", "127.1", "0", "2130706433"]
)
def test_everything_else_counts_as_reachable(host: str) -> None:
    """Wildcards, private addresses, and names that only begin like ours."""
    assert not is_loopback(host)


@pytest.mark.parametrize("header", ["localhost", "localhost:80", "127.0.0.1:9464", "[::1]", "[::1]:9464"])
def test_a_host_header_of_ours(header: str) -> None:
    """With or without a port."""
    assert names_loopback(header)


@pytest.mark.parametrize(
    "header",
    [
        "", ":80", "evil.example", "evil.example:9464", "127.0.0.1.evil.example", "localhost:x", "localhost:80:80",
        "[::1", "[::1]x", "[::1]:", "localhost,evil.example", "evil.example@localhost", "localhost evil.example",
    ],
)  # fmt: skip
def test_a_foreign_host_header(header: str) -> None:
    """A name that may have led a browser here, and anything that is no host and port."""
    assert not names_loopback(header)
