"""docs/cli.md, made from the commands themselves: `python -m orchestrator.cli.reference > docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import typer

from orchestrator.cli.app import app
from orchestrator.cli.exits import AUDIT_EXITS, EXIT_OF, MEANINGS
from orchestrator.cli.terminal import say

HEAD: Final = """# The command line

`hats COMMAND --help` says the same as this page. `hats --install-completion` sets up the shell's completion.

- A result goes to stdout, everything else (progress, hints, errors) to stderr.
- `--json` writes exactly one JSON object on stdout. An error is then one JSON object `{"code", "message"}` on stderr.
- `NO_COLOR`, and any output that is no terminal, means no colours and no live screen.
- Nothing is ever asked unless there is a terminal, and then only the password of a new key. No secret is an argument.
- A configuration comes from `--config`, else `HATS_CONFIG`, else the shipped file that the command names. Later wins:
  default, base file, file, variables (`HATS_RUN__SEED` is run.seed), `--set`.
- Runs, keys and logs lie in `HATS_HOME`, else `$XDG_STATE_HOME/hats`, else `~/.local/state/hats`.
"""
LAUNCHER: Final = """
## python -m orchestrator

`python -m orchestrator --config FILE` runs the desk in the foreground on a Ray cluster that exists already
(`ray start --head`), which it never stops. An address where nobody answers is refused within three seconds, exit
code 4. `--own-ray`, `--replay`, `--no-view`, `--set` and `--json` are as for `hats demo`.
"""


def reference() -> str:
    """The whole page."""
    parts = [HEAD, *_exit_codes(), LAUNCHER]
    command: Any = typer.main.get_command(app)
    for name, child in command.commands.items():
        parts += _pages(f"hats {name}", child)
    return "".join(parts)


def _exit_codes() -> Iterator[str]:
    yield "\n## Exit codes\n\n| code | in JSON | when | errors |\n|---|---|---|---|\n"
    for number, meaning in MEANINGS.items():
        errors = ", ".join(f"`{kind.__name__}`" for kind, code in EXIT_OF.items() if code is number)
        yield f"| {number.value} | `{meaning.code}` | {meaning.when} | {errors} |\n"
    own = ", ".join(f"{number} {meaning}" for number, meaning in AUDIT_EXITS.items())
    yield f"\n`hats audit verify` has its own, for the scripts of auditors: {own}.\n"


def _pages(path: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _pages(f"{path} {name}", child)
        if not command.invoke_without_command:
            return
    arguments = "".join(f" {_metavar(each)}" for each in command.params if each.param_type_name == "argument")
    yield f"\n## {path}{arguments}\n\n{command.help.strip()}\n"
    options = [each for each in command.params if not getattr(each, "hidden", False)]
    if options:
        yield "\n| option | default | |\n|---|---|---|\n"
    for option in options:
        yield f"| {_spelling(option)} | {_default(option)} | {option.help} |\n"


def _spelling(option: Any) -> str:
    if option.param_type_name == "argument":
        return f"`{_metavar(option)}`"
    value = "" if option.is_flag else f" {_metavar(option)}"
    return f"`{', '.join(option.opts)}{value}`".replace("|", "\\|")


def _metavar(option: Any) -> str:
    if option.metavar:
        return str(option.metavar)
    return str(option.name).upper() if option.param_type_name == "argument" else "N"


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.default is None or option.is_flag:
        return ""
    return f"`{getattr(option.default, 'value', option.default)}`"


if __name__ == "__main__":
    say(reference().rstrip())
