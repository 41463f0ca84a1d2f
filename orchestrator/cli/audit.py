"""`hats audit`: checks a run's audit log, proves a record of it to others, and tells why an order was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.audit_why import why
from orchestrator.cli.options import Config, Json, RunDir
from orchestrator.cli.terminal import emit, report_error, say
from shared.errors import DataError, JournalError, NotRunning

app = typer.Typer(help="Check the hash-chained log of what was decided and signed.", no_args_is_help=True)

TAMPERED = 1
UNREADABLE = 2

Copies = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoints", metavar="FILE", help="Another copy of the signed checkpoints to hold it against; repeatable."
    ),
]
Trusted = Annotated[
    list[str] | None,
    typer.Option("--trust", metavar="HEX", help="Public key that may have signed the checkpoints; repeatable."),
]


@app.callback()
def _audit() -> None:
    """Check the hash-chained log of what was decided and signed."""


@app.command()
def verify(
    run: RunDir = None,
    copies: Copies = None,
    trusted: Trusted = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check every record against its chain, the head and the signed checkpoints, beside the log and at the signer's.

    Exit codes: 0 intact, 1 tampered or cut short, 2 unreadable.
    """
    from hats.security_architect.audit_log import verify_file
    from orchestrator.cli.runs import last_run

    try:
        files = last_run(run, config)
        found = verify_file(files.audit, [files.signer_checkpoints, *(copies or ())], trusted or ())
    except (JournalError, NotRunning) as error:
        report_error(error, "unreadable", as_json=as_json)
        raise typer.Exit(UNREADABLE) from error
    if as_json:
        emit(
            {
                "intact": found.is_sound,
                "records": found.records,
                "signed": found.signed,
                "root": found.root,
                "head": found.head,
                "fault_line": found.fault_line,
                "fault": found.fault,
                "file": str(files.audit),
            }
        )
    elif found.is_sound:
        signed = f"{found.signed} of them signed" if found.signed else "NONE of them signed"
        say(f"intact: {found.records} records, {signed}, head {found.head.digest[:16]}; {files.audit}")
    else:
        sound = f"{found.records} records before it are sound"
        say(f"TAMPERED: {files.audit}, line {found.fault_line}: {found.fault}; {sound}")
    if not found.is_sound:
        raise typer.Exit(TAMPERED)


@app.command()
def prove(
    record: Annotated[int, typer.Argument(help="The record's number, from 1.")],
    run: RunDir = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Prove that a record was in the log when the signer signed it; --json is the proof, and shows no other record."""
    from hats.security_architect.proofs import proof_in
    from orchestrator.cli.runs import last_run

    proof = proof_in(last_run(run, config).audit, record)
    if as_json:
        emit(proof)
    else:
        signed = f"the {proof.checkpoint.size} that {proof.checkpoint.public_key} signed"
        say(f"record {proof.index} of {signed}, by {len(proof.path)} hashes: {proof.record}")
        say("--json writes the proof for `hats audit check`")


@app.command()
def check(
    proof: Annotated[Path, typer.Argument(help="A file that `hats audit prove` wrote.")],
    trusted: Trusted = None,
    as_json: Json = False,
) -> None:
    """Check such a proof; no run, log or key is needed. Exit codes: 0 it holds, 1 it does not, 2 unreadable."""
    from hats.security_architect.proofs import fault_in, read_proof

    try:
        read = read_proof(proof)
    except DataError as error:
        report_error(error, "unreadable", as_json=as_json)
        raise typer.Exit(UNREADABLE) from error
    fault = fault_in(read, trusted or ())
    if as_json:
        emit({"holds": fault is None, "fault": fault or "", "record": read.record})
    else:
        signer = read.checkpoint.public_key
        say(f"DOES NOT HOLD: {fault}" if fault else f"holds: record {read.index}, signed by {signer}: {read.record}")
    if fault is not None:
        raise typer.Exit(TAMPERED)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="The file to write, .csv or .jsonl; it must not exist.")],
    event: Annotated[str | None, typer.Option("--event", help="Only records of this event, e.g. approval.")] = None,
    run: RunDir = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the records for other programs: one row each, with its number, time, event, order and all it says."""
    from orchestrator.cli.runs import last_run
    from orchestrator.telling.audit_export import export_log

    count = export_log(last_run(run, config).audit, out, event)
    if as_json:
        emit({"records": count, "file": str(out)})
    else:
        say(f"{count} records written to {out}")


app.command()(why)
