"""What a desk opens to whom: every listening socket, and what in the settings would expose one without credentials."""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.hosts import is_loopback, names_loopback


class Opening(NamedTuple):
    """A listening socket of a run. `process` is how its owner's command line is told: a regular expression.

    `port` names the setting with its port; None: Ray chooses, or it is a Unix socket of the run's folder.
    """

    name: str
    process: str
    port: str | None
    kind: str
    asks_for: str


OPENINGS: Final[tuple[Opening, ...]] = (
    Opening("local exchange", r"orchestrator\.cli venue", "local_venue.port", "http", "a signature for each action"),
    Opening("metrics", r"^ray::Orchestrator", "metrics.port", "http", "nothing; names of this machine only"),
    Opening("bus", r"^ray::Orchestrator", "bus.port", "tcp", "a pass for each role; a certificate beyond loopback"),
    Opening("bus", r"^ray::Orchestrator", None, "unix", "the same user, a pass for each role"),
    Opening("signer", r"hats\.security_architect\.signer", None, "unix", "the same user, by the kernel's word"),
    Opening("watchdog", r"orchestrator\.watchdog", None, "unix", "the same user, by the kernel's word"),
    Opening("dashboard", r"ray/dashboard/dashboard\.py", "ray.dashboard_port", "http", "Ray's token"),
    Opening("launcher, as Ray's driver", r"-m orchestrator( |$)", None, "tcp", "Ray's token"),
    Opening("Ray", r"^ray::|^ray-|/ray/|ray\.util\.client\.server|^raylet|gcs_server", None, "tcp", "Ray's token"),
)
"""All that may listen while a desk runs, and by whose leave one gets in. `tests/security/test_desk.py` compares it with
the sockets that do."""


def exposed(
    *, metrics_host: str, local_venue_host: str, bus_host: str | None, venue_url: str, has_tls: bool
) -> list[str]:
    """Every reason why a desk with these settings must not start; `bus_host` is None unless the bus is on TCP."""
    problems = []
    if not is_loopback(metrics_host):
        problems.append(f"metrics.host: expected a loopback address, got {metrics_host!r}: there is no login")
    if not is_loopback(local_venue_host):
        problems.append(
            f"local_venue.host: expected a loopback address, got {local_venue_host!r}: it gives money to whoever signs"
        )
    if bus_host is not None and not is_loopback(bus_host) and not has_tls:
        problems.append(
            f"bus.host: expected a loopback address or certificates (tls.ca_file, .cert_file, .key_file; `hats certs`"
            f" makes them), got {bus_host!r} without"
        )
    scheme, _, authority = venue_url.partition("://")
    if scheme != "https" and not names_loopback(authority):
        problems.append(f"venue.base_url: expected https:// beyond this machine, got {venue_url!r}")
    return problems
