"""EDGE: `hats certs`: certificates for the hosts of a desk that spans several, so that nothing travels in the clear."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import emit, say

app = typer.Typer(
    help="Make and check the certificates by which the hosts of one desk know each other.", no_args_is_help=True
)

Directory = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Folder of the certificates. Default: tls in the home folder."),
]


@app.command()
def make(
    hosts: Annotated[list[str], typer.Argument(metavar="HOST...", help="Names or IP addresses, as others call them.")],
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How long they are good for.")] = 397,
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a certificate and key for each host, of an authority of your own that is made the first time.

    Take each host its own two files and ca.pem; keep ca.key off all of them.
    """
    from orchestrator.machine import certificates

    folder = _folder(directory, config)
    made = certificates.make(folder, hosts, days)
    if as_json:
        emit(
            {
                "dir": str(folder),
                "hosts": [{"host": host, "files": files} for host, files in zip(hosts, made, strict=True)],
            }
        )
        return
    for host, files in zip(hosts, made, strict=True):
        say(f"{host}: tls.cert_file {files.cert}  tls.key_file {files.key}  tls.ca_file {files.ca}")
    say(f"keep {folder / certificates.AUTHORITY}.key off the desk's machines: whoever has it can join the desk")


@app.command()
def check(directory: Directory = None, config: Config = None, as_json: Json = False) -> None:
    """Is every certificate good for another 30 days and every key private? Exit code 6 with problems."""
    from orchestrator.machine import certificates

    folder = _folder(directory, config)
    problems = certificates.problems(folder)
    left = {cert.stem: certificates.days_left(cert) for cert in sorted(folder.glob("*.pem"))}
    if as_json:
        emit({"dir": str(folder), "days_left": left, "problems": problems})
    else:
        for name, days in left.items():
            say(f"{name:24} {days} days")
        for problem in problems:
            say(f"problem: {problem}")
        if not left:
            say(f"no certificates in {folder}: `hats certs make HOST` makes them")
    if problems:
        raise typer.Exit(Exit.PROBLEMS)


def _folder(directory: Path | None, config: Path | None) -> Path:
    from orchestrator.cli.launching import home

    return directory if directory is not None else home(config) / "tls"
