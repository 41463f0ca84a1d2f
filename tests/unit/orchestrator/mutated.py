"""The shipped configurations with mistakes in them, each of a kind that people make, and what must be said of each."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from orchestrator.settings import Settings
from shared.config import Section
from shared.config_keys import field_at, keys, section_of, toml_value
from shared.config_values import MOST
from tests.house.sources import ROOT

SHIPPED: Final = tuple(sorted((ROOT / "configs").glob("*.toml")))
FEW, MANY = 1, 4
STRATEGY: Final = {"id": "mm", "coin": "BTC", "capital_share": 0.5, "kind": "avellaneda_stoikov"}
AGREEING: Final[dict[str, dict[str, Any]]] = {
    "hats.execution_manager.order_ttl_ms": {"hats.execution_manager.order_ttl_ms": 20_000,
                                            "hats.security_architect.expires_ahead_ms_max": 10_000},
    "hats.risk_oversight_officer.open_orders_limit": {"hats.risk_oversight_officer.open_orders_limit": 999},
    "metrics.host": {"metrics.host": "0.0.0.0"},
    "local_venue.host": {"local_venue.host": "0.0.0.0"},
    "venue.base_url": {"venue.base_url": "http://api.hyperliquid.xyz"},
}  # fmt: skip
"""Keys of which each is right for itself and wrong beside the others."""


class Mistake(NamedTuple):
    """What is written for which keys, and the name that must be told."""

    kind: str
    written: dict[str, str]
    named: str


class Mutated(NamedTuple):
    """A configuration that has to be refused: its bytes, the kinds of its mistakes and the names to be told."""

    text: bytes
    kinds: tuple[str, ...]
    named: tuple[str, ...]


def configurations(count: int, seed: int) -> Iterator[Mutated]:
    """So many, the same for the same seed: some no TOML, some that contradict themselves, most with one to four wrong
    keys in different sections."""
    draw = random.Random(seed)
    for number in range(count):
        base = SHIPPED[number % len(SHIPPED)]
        if number % 12 == 0:
            yield _no_toml(base, draw)
        elif number % 12 == 1:
            chosen = draw.sample(sorted(AGREEING), draw.randint(FEW, 3))
            written = {key: toml_value(value) for name in chosen for key, value in AGREEING[name].items()}
            yield _written(base, written, ("sections that do not agree",), tuple(chosen))
        else:
            yield _wrong_keys(base, draw)


def _wrong_keys(base: Path, draw: random.Random) -> Mutated:
    made: dict[str, Mistake] = {}  # by section, so that no mistake hides another
    for _ in range(draw.randint(FEW, MANY)):
        mistake = draw.choice(KINDS)(draw)
        parts = {key.rpartition(".")[0] for key in mistake.written} | {mistake.named}
        is_apart = all(not _touch(part, other) for part in parts for other in made)
        if is_apart:
            made |= dict.fromkeys(parts, mistake)
    mistakes = list({id(each): each for each in made.values()}.values())
    written = {key: text for each in mistakes for key, text in each.written.items()}
    return _written(base, written, tuple(e.kind for e in mistakes), tuple(e.named for e in mistakes))


def _touch(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _written(base: Path, written: dict[str, str], kinds: tuple[str, ...], named: tuple[str, ...]) -> Mutated:
    """The shipped file's own keys without what the mistakes replace, then these; all dotted."""
    own = {key: toml_value(value) for key, value in _flat(tomllib.loads(base.read_text())) if key != "extends"}
    kept = {key: text for key, text in own.items() if not any(_touch(key, new) for new in written)}
    head = "" if base.stem == "base" else f'extends = "{ROOT / "configs" / "base.toml"}"\n'
    body = "".join(f"{key} = {text}\n" for key, text in (kept | written).items())
    return Mutated((head + body).encode(), kinds, named)


def _no_toml(base: Path, draw: random.Random) -> Mutated:
    text = base.read_text()
    broken = {
        "cut short": text.encode() + b'\n[run\nname = "x"',
        "a key twice": text.encode() + b"\n[log]\nlevel = 'INFO'\nlevel = 'INFO'\n",
        "no TOML at all": b"run: {name: demo}\n",
        "no text": b"\x7fELF\xff\xfe\x00" + draw.randbytes(64),
        "another encoding": 'log.level = "I\xe9"\n'.encode("latin-1"),
        "an unclosed string": b'run.name = "demo\n',
    }
    kind = draw.choice(sorted(broken))
    return Mutated(broken[kind], (kind,), ("mutated.toml",))


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value and section_of_key(f"{prefix}{name}"):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def section_of_key(key: str) -> type[BaseModel] | None:
    """The section at a dotted key; None if it is a value or nothing."""
    info = field_at(Settings, key.split("."))
    return None if info is None else section_of(info)


# ---------------------------------------------------------------------------------------------- kinds of mistakes


def _types(key: str) -> set[Any]:
    info = field_at(Settings, key.split("."))
    assert info is not None
    annotation = info.annotation
    if get_origin(annotation) is Literal:
        return {str}
    return set(get_args(annotation)) or {annotation}


ALL: Final = tuple(keys(Settings))
NUMBERS: Final = tuple(key for key in ALL if _types(key) & {int, float} and str not in _types(key))
TRUTHS: Final = tuple(key for key in ALL if bool in _types(key))
TEXTS: Final = tuple(key for key in ALL if not _types(key) & {int, float, bool})
SECTIONS: Final = tuple(sorted({key.rpartition(".")[0] for key in ALL}))


def _wrong_type(draw: random.Random) -> Mistake:
    wrong = {
        NUMBERS: ('"7"', "true", "[1]", "{ a = 1 }", '"many"'),
        TRUTHS: ("1", '"true"', "0.0"),
        TEXTS: ("7", "true"),
    }
    choices = draw.choice(sorted(wrong))
    key = draw.choice(choices)
    return Mistake("wrong type", {key: draw.choice(wrong[choices])}, key)


def _table_or_value(draw: random.Random) -> Mistake:
    section = draw.choice(SECTIONS)
    return Mistake("a value where a table belongs", {section: draw.choice(("7", '"x"', "[]"))}, section)


def _misspelt(draw: random.Random) -> Mistake:
    section, _, name = draw.choice(ALL).rpartition(".")
    place = draw.randrange(len(name))
    wrong = draw.choice((name[:place] + name[place + 1 :], name + "s", name.upper(), name[:place] + "x" + name[place:]))
    if not wrong or field_at(Settings, [*section.split("."), wrong]) is not None:
        wrong = f"{name}_x"
    return Mistake("misspelt key", {f"{section}.{wrong}": "1"}, f"{section}.{wrong}")


def _misspelt_section(draw: random.Random) -> Mistake:
    section = draw.choice(SECTIONS)
    above, _, name = section.rpartition(".")
    wrong = ".".join(filter(None, (above, name[:-1] + "x" + name[-1])))
    return Mistake("misspelt section", {f"{wrong}.enabled": "true"}, wrong)


def _out_of_range(draw: random.Random) -> Mistake:
    key, beyond = draw.choice(BEYOND)
    return Mistake("out of range", {key: repr(beyond)}, key)


def _no_number(draw: random.Random) -> Mistake:
    key = draw.choice(NUMBERS)
    return Mistake("no number", {key: draw.choice(("nan", "inf", "-inf", "+nan"))}, key)


def _negative(draw: random.Random) -> Mistake:
    key = draw.choice(NUMBERS)
    return Mistake("negative", {key: draw.choice(("-1", "-0.5", "-100000"))}, key)


def _too_much(draw: random.Random) -> Mistake:
    key = draw.choice(NUMBERS)
    return Mistake("a slipped unit", {key: str(int(max(MOST.values())) * 10_000)}, key)


def _missing(draw: random.Random) -> Mistake:
    key = "hats.quant_strategist.strategies"
    without = draw.choice(sorted(STRATEGY))
    item = {name: value for name, value in STRATEGY.items() if name != without}
    where = f"{key}.0" if without == "kind" else f"{key}.0.avellaneda_stoikov.{without}"
    return Mistake("missing key", {key: toml_value([item])}, where)


def _wrong_within(draw: random.Random) -> Mistake:
    key, values = draw.choice(WITHIN)
    return Mistake("wrong within a list or table", {key: draw.choice(values)}, key)


def _descending(draw: random.Random) -> Mistake:
    """Of a pair the upper one is brought below the lower one, both within their own bounds."""
    section, low, high = draw.choice(PAIRS)
    model = section_of_key(section)
    assert model is not None
    default = model.model_fields[low].default
    least = _least(f"{section}.{high}")
    written = {f"{section}.{low}": repr(max(default, least + 1)), f"{section}.{high}": repr(least)}
    return Mistake("a pair that contradicts itself", written, high)


def _no_such_choice(draw: random.Random) -> Mistake:
    key = draw.choice(("run.mode", "venue.network", "bus.kind", "log.level", "watchdog.aim", "at_rest.mode",
                       "hats.execution_manager.foreign_fills"))  # fmt: skip
    return Mistake("no such choice", {key: draw.choice(('"mainet"', '"LIVE"', '""', '" testnet"'))}, key)


def _least(key: str) -> int:
    """The lowest whole number that the key takes."""
    return next((low for bound, low, _ in _bounds(key) if bound == "low"), 0)


def _bounds(key: str) -> Iterator[tuple[str, Any, Any]]:
    """Which end of a key's range, the last whole number within it, and the first number beyond."""
    info = field_at(Settings, key.split("."))
    assert info is not None
    within = (part for kind in get_args(info.annotation) for part in getattr(kind, "__metadata__", ()))
    for bound in (*info.metadata, *within):
        for name in ("ge", "gt", "le", "lt"):
            at: Any = getattr(bound, name, None)
            if at is not None:
                step = 1 if name[0] == "g" else -1
                last, beyond = (at, at - step) if name[1] == "e" else (at + step, at)
                yield ("low" if name[0] == "g" else "high", last, beyond)


def _just_beyond(key: str) -> Iterator[tuple[str, Any]]:
    return ((key, beyond) for _, _, beyond in _bounds(key))


BEYOND: Final = tuple(pair for key in NUMBERS for pair in _just_beyond(key))
PAIRS: Final = tuple(
    (section, low, high)
    for section in SECTIONS
    for model in (section_of_key(section),)
    if model is not None and issubclass(model, Section)
    for low, high in model.ASCENDING
)
WITHIN: Final = (
    ("venue.coins", ('["BTC", "BTC"]', "[]", "[7]", '["BTC", ""]')),
    (
        "hats.risk_oversight_officer.position_limits_usd",
        ("{ BTC = -1 }", '{ BTC = "1" }', "{ BTC = true }", "{ BTC = 1e30 }"),
    ),
    ("hats.security_architect.order_sz_max", ("{ BTC = 0 }", "{ BTC = nan }", "{ BTC = -2.5 }")),
    ("hats.low_latency_engineer.hop_budgets_us", ("{ risk_oversight_officer = 0 }", "{ risk_officer = 100.0 }")),
    ("hats.risk_oversight_officer.var_models", ('["historic"]', "[]", '"historical"')),
    ("hats.exchange_architect.channels", ('["trades", "books"]', "[1]")),
    ("hats.risk_oversight_officer.clusters", ('{ others = ["BTC"] }', '{ a = ["BTC"], b = ["BTC"] }')),
)
KINDS: Final[tuple[Callable[[random.Random], Mistake], ...]] = (
    _wrong_type, _table_or_value, _misspelt, _misspelt_section, _out_of_range, _no_number, _negative, _too_much,
    _missing, _wrong_within, _descending, _no_such_choice,
)  # fmt: skip
