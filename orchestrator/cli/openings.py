"""EDGE: what on this machine is open to others: a Ray that listens beyond loopback, certificates that end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.cli.findings import Finding, ok, problem, worth_knowing
from shared.bus.tls import TlsFiles, check_private
from shared.errors import ConfigError
from shared.hosts import is_loopback


def ray_exposure() -> Iterator[Finding]:
    """Which of this user's Ray heads others can reach; their token protects them, and nothing else."""
    from orchestrator.machine import processes
    from orchestrator.safekeeping.run_scan import listening

    heads = [pid for pid in processes.every() if processes.command_of(pid)[0].endswith("gcs_server")]
    found = {(each.host, each.port) for each in listening(heads)}
    exposed = sorted(f"{host}:{port}" for host, port in found if not is_loopback(host))
    if exposed:
        remedy = "start it with what deploy/systemd/hats-ray.service sets, or close its ports in the firewall"
        yield worth_knowing("ray ports", f"a Ray of yours listens on {', '.join(exposed)}", remedy)
    elif found:
        yield ok("ray ports", "on loopback")


def certificates(tls: TlsFiles | None) -> Iterator[Finding]:
    """Does each certificate last, and is the key private? Nothing where there are none."""
    if tls is None:
        return
    from orchestrator.machine.certificates import SOON_DAYS, days_left

    try:
        check_private(Path(tls.key))
        left = {path: days_left(Path(path)) for path in (tls.cert, tls.ca)}
    except ConfigError as error:
        yield problem("certificates", str(error), "`hats certs make` makes others; chmod 600 the key")
        return
    late = [f"{path} ends in {days} days" for path, days in left.items() if days < SOON_DAYS]
    if late:
        yield problem("certificates", ", ".join(late), "`hats certs make HOST` makes another")
    else:
        yield ok("certificates", f"good for {min(left.values())} days")
