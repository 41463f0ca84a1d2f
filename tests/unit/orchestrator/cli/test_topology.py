"""The topology is the route table, whole, in each of its three forms."""

from __future__ import annotations

import json
import re

import pytest
from rich.console import Console

from orchestrator.cli.app import app
from orchestrator.cli.running import run
from orchestrator.cli.topology import flowchart, routes_table
from orchestrator.routes import ROUTES


def test_the_table_has_every_message() -> None:
    """Each message stands in it, grouped by subject."""
    console = Console(width=200)
    with console.capture() as capture:
        console.print(routes_table())
    text = capture.get()
    assert all(kind.__name__ in text for kind in ROUTES)
    assert "all nine" in text
    assert "own edge" in text


def test_json_is_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """One object with every route, said_by and heard_by as the table has them."""
    assert run(app, "hats", ["topology", "--json"]) == 0
    routes = {line["message"]: line for line in json.loads(capsys.readouterr().out)["routes"]}
    assert len(routes) == len(ROUTES)
    for kind, route in ROUTES.items():
        line = routes[kind.__name__]
        assert (line["said_by"], line["heard_by"]) == ([*route.said_by], [*route.heard_by])
        assert line["durable"] is kind.durable


def test_the_flowchart_has_every_arrow() -> None:
    """Each pair of a speaker and a hearer is one arrow, labelled with all that it carries."""
    arrows = {
        (source, hearer): label.split("<br>")
        for source, label, hearer in re.findall(r'^  (\w+) -->\|"([^"]+)"\| (\w+)$', flowchart(), re.MULTILINE)
    }
    for kind, route in ROUTES.items():
        for source in route.said_by:
            for hearer in route.heard_by:
                assert kind.__name__ in arrows[source, hearer]


def test_two_forms_at_once_are_refused() -> None:
    """--mermaid and --json exclude each other."""
    assert run(app, "hats", ["topology", "--json", "--mermaid"]) == 2
