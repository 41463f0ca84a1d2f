"""The shipped configuration is current, complete, explained, and loads in every mode."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from orchestrator.settings import Hats, Settings, base_toml, schema_json
from shared.config_keys import field_at, keys
from shared.config_sources import load
from shared.ids import HATS

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
UNITS = ("_s", "_ms", "_ns", "_us", "_usd", "_bps", "_ratio")


@pytest.mark.parametrize(("name", "text"), [("base.toml", base_toml), ("schema.json", schema_json)])
def test_shipped_files_are_current(name: str, text: object) -> None:
    """configs/base.toml and configs/schema.json say what the models say; `make configs` writes them."""
    assert callable(text)
    assert (CONFIGS / name).read_text(encoding="utf-8") == text(), f"configs/{name} is old: run `make configs`"


def test_the_base_says_every_key() -> None:
    """Every key is in base.toml, set or commented out, and setting it from there changes nothing."""
    text = base_toml()
    for key in keys(Settings):
        name = key.rpartition(".")[2]
        assert any(form in text for form in (f"\n{name} = ", f"\n# {name} =", f"[{key}]")), key
    assert Settings.model_validate(tomllib.loads(text)) == Settings()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_file_loads(path: Path) -> None:
    """Each shipped file passes the check and names its schema."""
    assert path.read_text(encoding="utf-8").startswith("#:schema ./schema.json\n")
    result = load(Settings, path, environ={"HOME": "/h"})
    assert path.stem in {"base", result.settings.run.mode}


def test_nine_sections_for_nine_hats() -> None:
    """The Hats' sections are named after the roles, in their order."""
    assert tuple(Hats.model_fields) == tuple(role.value for role in HATS)


def test_every_key_is_explained() -> None:
    """Every key has a description: what it is, and why it is so."""
    silent = []
    for key in keys(Settings):
        info = field_at(Settings, key.split("."))
        if info is None or not info.description:
            silent.append(key)
    assert not silent, "\n".join(silent)


def test_every_section_is_frozen_and_closed() -> None:
    """No section takes unknown keys or lets itself be changed."""
    loose = [model.__qualname__ for model in sections(Settings) if not _is_tight(model)]
    assert not loose, loose


def test_the_schema_refuses_unknown_keys() -> None:
    """An editor sees unknown keys as errors."""
    schema = json.loads(schema_json())
    assert schema["additionalProperties"] is False
    assert all(part.get("additionalProperties") is False for part in schema["$defs"].values() if "properties" in part)


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every section in it."""
    yield model
    for info in model.model_fields.values():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from sections(info.annotation)


def _is_tight(model: type[BaseModel]) -> bool:
    return bool(model.model_config.get("frozen")) and model.model_config.get("extra") == "forbid"


def test_nobody_quotes_on_books_that_are_always_too_old() -> None:
    """On the venue itself twenty levels come every 5 s: that asks for fast books, or for patience."""
    run = {"mode": "testnet"}
    with pytest.raises(ValidationError, match="fast_books = true"):
        Settings.model_validate({"run": run})
    Settings.model_validate({"run": run, "hats": {"exchange_architect": {"fast_books": True}}})
    Settings.model_validate({"run": run, "hats": {"quant_strategist": {"stale_ms": 6_000}}})
    Settings.model_validate({"run": {"mode": "paper"}})


def test_open_orders_leave_room_for_the_triggers() -> None:
    """Beyond its limit the venue refuses just what protects and closes; four triggers a coin are kept free below it."""
    venue, risk = {"coins": ["BTC", "ETH", "SOL"]}, "risk_oversight_officer"
    Settings.model_validate({"venue": venue, "hats": {risk: {"open_orders_limit": 988}}})
    with pytest.raises(ValidationError, match="at most 988"):
        Settings.model_validate({"venue": venue, "hats": {risk: {"open_orders_limit": 989}}})
