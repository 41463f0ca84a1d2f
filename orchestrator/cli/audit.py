"""`hats audit`: checks the chain of a run's audit log."""

from __future__ import annotations

import typer

from orchestrator.cli.options import Config, Json, RunDir
from orchestrator.cli.terminal import emit, report_error, say
from shared.errors import JournalError, NotRunning

app = typer.Typer(help="Check the hash-chained log of what was decided and signed.", no_args_is_help=True)

TAMPERED = 1
UNREADABLE = 2


@app.callback()
def _audit() -> None:
    """Check the hash-chained log of what was decided and signed."""


@app.command()
def verify(run: RunDir = None, config: Config = None, as_json: Json = False) -> None:
    """Check every record and the head beside the log. Exit codes: 0 intact, 1 tampered or cut short, 2 unreadable."""
    from hats.security_architect.audit_log import verify_file
    from orchestrator.cli.runs import last_run

    try:
        path = last_run(run, config).audit
        found = verify_file(path)
    except (JournalError, NotRunning) as error:
        report_error(error, "unreadable", as_json=as_json)
        raise typer.Exit(UNREADABLE) from error
    if as_json:
        emit(
            {
                "intact": found.is_sound,
                "records": found.records,
                "head": found.head,
                "fault_line": found.fault_line,
                "fault": found.fault,
                "file": str(path),
            }
        )
    elif found.is_sound:
        say(f"intact: {found.records} records, head {found.head.digest[:16]}; {path}")
    else:
        say(f"TAMPERED: {path}, line {found.fault_line}: {found.fault}; {found.records} records before it are sound")
    if not found.is_sound:
        raise typer.Exit(TAMPERED)
