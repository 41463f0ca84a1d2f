"""Reads the files of `deploy/` for the tests of this folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from orchestrator.settings import Settings
from shared.config_sources import load

ROOT: Final = Path(__file__).resolve().parents[3]
DEPLOY: Final = ROOT / "deploy"
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def yaml_of(name: str) -> Any:
    """What a YAML file says; `name` is relative to `deploy/`."""
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def json_of(name: str) -> Any:
    """What a JSON file says; `name` is relative to `deploy/`."""
    return json.loads((DEPLOY / name).read_text(encoding="utf-8"))


def seconds(text: str) -> float:
    """A duration such as 15s, 2m or 150 (seconds)."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h)?", text)
    assert match is not None, text
    return int(match[1]) * _UNITS_S[match[2] or "s"]


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert of rules.yml by its name."""
    return {rule["alert"]: rule for group in yaml_of("prometheus/rules.yml")["groups"] for rule in group["rules"]}


def queries() -> Iterator[tuple[str, str]]:
    """(panel's title, query) of everything that the dashboard shows."""
    for panel in json_of("grafana/hats.json")["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def unknown_options(command: list[str]) -> list[str]:
    """Options of a `hats` command, or of `python -m orchestrator`, that docs/cli.md does not have."""
    title = "python -m orchestrator" if "orchestrator" in command else " ".join(command[:2])
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [word for word in command if word.startswith("--") and word not in re.findall(r"--[a-z0-9-]+", section)]


def settings_under(environ: dict[str, str], home: Path) -> Settings:
    """The settings of a paper desk with these variables; ConfigError if one is unknown."""
    ours = {name: value for name, value in environ.items() if name.startswith("HATS_")}
    return load(Settings, ROOT / "configs" / "paper.toml", environ={"HATS_HOME": str(home)} | ours).settings
