"""`hats topology`: who says what and who hears it, drawn from the one route table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.options import Json
from orchestrator.cli.terminal import console, emit, say

if TYPE_CHECKING:
    from rich.table import Table

    from orchestrator.routes import Route
    from shared.ids import Role
    from shared.messages import Message

OWN_EDGE = "own edge"


def topology(
    mermaid: Annotated[bool, typer.Option("--mermaid", help="A Mermaid flowchart instead of the table.")] = False,
    as_json: Json = False,
) -> None:
    """Show every message with who may say it, who hears it, in which lane, and whether it is on disk before it acts."""
    from orchestrator.routes import ROUTES

    if mermaid and as_json:
        raise typer.BadParameter("--mermaid and --json exclude each other")
    if as_json:
        emit({"routes": [_line(kind, route) for kind, route in ROUTES.items()]})
    elif mermaid:
        say(flowchart())
    else:
        console().print(routes_table())


def subject_of(kind: type[Message]) -> str:
    """The subject that a message belongs to: market, signal, risk, order, account or control."""
    return kind.__module__.rpartition(".")[2]


def routes_table() -> Table:
    """The route table for the terminal, grouped by subject."""
    from rich.table import Table
    from rich.text import Text

    from orchestrator.routes import ROUTES

    table = Table(title="Who says what, and who hears it", header_style="bold", border_style="dim")
    for name in ("Subject", "Message", "Lane", "Said by", "Heard by"):
        table.add_column(name, no_wrap=name in ("Subject", "Message", "Lane"))
    by_subject: dict[str, list[type[Message]]] = {}
    for kind in ROUTES:
        by_subject.setdefault(subject_of(kind), []).append(kind)
    for subject, kinds in by_subject.items():
        for number, kind in enumerate(kinds):
            route = ROUTES[kind]
            shown = Text.assemble(kind.__name__, (" durable" if kind.durable else "", "dim"))
            said_by, heard_by = _names(route.said_by), _heard(route)
            table.add_row(Text("" if number else subject, "bold"), shown, kind.lane.name.lower(), said_by, heard_by)
        table.add_section()
    return table


def flowchart() -> str:
    """The same as a Mermaid flowchart: one arrow for each pair, labelled with what it carries."""
    from orchestrator.routes import ROUTES
    from shared.ids import TITLES

    carried: dict[tuple[Role, Role], list[str]] = {}
    for kind, route in ROUTES.items():
        for source in route.said_by:
            for hearer in route.heard_by:
                if not route.addressed or source is not hearer:
                    carried.setdefault((source, hearer), []).append(kind.__name__)
    lines = ["flowchart LR", *(f'  {role}["{title}"]' for role, title in TITLES.items())]
    for (source, hearer), names in carried.items():
        lines.append(f'  {source} -->|"{"<br>".join(names)}"| {hearer}')
    return "\n".join(lines)


def _line(kind: type[Message], route: Route) -> dict[str, Any]:
    return {
        "message": kind.__name__,
        "subject": subject_of(kind),
        "lane": kind.lane.name.lower(),
        "durable": kind.durable,
        "said_by": route.said_by,
        "heard_by": route.heard_by,
        "addressed": route.addressed,
    }


def _heard(route: Route) -> str:
    if not route.heard_by:
        return OWN_EDGE
    names = _names(route.heard_by)
    return f"the one named, of {names}" if route.addressed else names


def _names(roles: tuple[Role, ...]) -> str:
    from shared.ids import HATS

    if set(HATS) <= set(roles):
        others = [str(role) for role in roles if role not in HATS]
        return ", ".join(["all nine", *others])
    return ", ".join(roles)
