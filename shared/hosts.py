"""Which addresses are this machine's own: what listens there, nobody else can reach."""

from __future__ import annotations

import ipaddress
from typing import Final

NAMES: Final = frozenset({"localhost", "ip6-localhost"})


def is_loopback(host: str) -> bool:
    """Is it a name or address of loopback? Other names are not looked up: they count as reachable."""
    bare = host.strip("[]").lower()
    if bare in NAMES:
        return True
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(address.is_loopback or (mapped is not None and mapped.is_loopback))


def names_loopback(host_header: str) -> bool:
    """Does an HTTP Host (or the authority of an Origin) name loopback? So no foreign name led a browser here."""
    if host_header.startswith("["):
        host, closing, port = host_header[1:].partition("]")
        return bool(closing) and (not port or (port[0] == ":" and port[1:].isdigit())) and is_loopback(host)
    host, colon, port = host_header.partition(":")
    return (not colon or port.isdigit()) and is_loopback(host)
