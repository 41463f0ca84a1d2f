"""EDGE: reads the configuration's layers (files, environment, command line) into one checked, frozen whole.

Later wins: default, base file, file, environment, command line. Every fault is reported, with where it came from and
the nearest name that exists.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from shared.config_keys import field_at, keys, leaves, section_of
from shared.config_values import from_words
from shared.errors import ConfigError
from shared.redaction import redact_value

PREFIX: Final = "HATS_"
EXTENDS_MAX: Final = 5
SHOWN_MAX: Final = 80


class Declared(NamedTuple):
    """A variable that is not spelled after a key: the key that it sets, if any, and what it means."""

    key: str | None
    meaning: str


DECLARED: Final[Mapping[str, Declared]] = {
    "HATS_HOME": Declared("run.home_dir", "folder of runs, logs and keys"),
    "HATS_DEMO_S": Declared("run.duration_s", "how long the demo trades, seconds; other modes do not read it"),
    "HATS_PASSWORD_FILE": Declared(None, "file that holds the keystore's password; read by the signer"),
    "HATS_CLOCK_ANCHOR": Declared(None, "set by a run for its own processes, so that they share one clock"),
    "HATS_CONFIG": Declared(None, "configuration file when the command line names none"),
}

S = TypeVar("S", bound=BaseSettings)


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """Checked settings, and for every dotted key where its value came from."""

    settings: S
    origins: Mapping[str, str]


@dataclass
class _Layers:
    """What was read so far: merged values, their origins, and the faults."""

    model: type[BaseSettings]
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def put(self, layer: Mapping[str, Any], origin: str) -> None:
        """Lay `layer` over what is there."""
        self._merge(self.values, layer, origin, "")

    def put_key(self, key: str, value: object, origin: str) -> None:
        """Lay one dotted key over what is there."""
        layer: Any = value
        for part in reversed(key.split(".")):
            layer = {part: layer}
        self.put(layer, origin)

    def origin_of(self, key: str) -> str:
        """Where the value at `key` came from: itself, the newest part of it, or the table that holds it."""
        parts = [origin for known, origin in self.origins.items() if known.startswith(f"{key}.")]
        if key not in self.origins and parts:
            return parts[-1]
        while key and key not in self.origins:
            key = key.rpartition(".")[0]
        return self.origins.get(key, "default")

    def _merge(self, into: dict[str, Any], layer: Mapping[str, Any], origin: str, prefix: str) -> None:
        for name, value in layer.items():
            key = f"{prefix}{name}"
            if isinstance(value, Mapping) and (value or name in into):
                inner = into.get(name)
                if not isinstance(inner, dict):
                    inner = into[name] = {}
                self._merge(inner, value, origin, f"{key}.")
                continue
            info = field_at(self.model, key.split("."))
            if info is not None and section_of(info) is not None and not isinstance(value, Mapping):
                self.problems.append(f"{origin}: {key}: expected a table, got {_short(value)}")
                continue
            for old in [old for old in self.origins if old == key or old.startswith(f"{key}.")]:
                del self.origins[old]
            into[name] = value
            self.origins[key] = origin


def load(
    model: type[S],
    path: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded[S]:
    """The checked settings with the origin of every key; ConfigError lists all that is wrong.

    `path` is a TOML file, which may say `extends = "base.toml"`; `overrides` maps dotted keys to values, from the
    command line; `environ` is the process's unless given.
    """
    environ = os.environ if environ is None else environ
    layers = _Layers(model)
    layers.put_key("run.home_dir", str(state_home(environ)), "default")
    if path is not None:
        _put_file(layers, path, ())
    _put_environment(layers, environ)
    overrides = overrides or {}
    _put_declared(layers, environ, overrides.get("run.mode", _mode(layers)))
    for key, value in overrides.items():
        layers.put_key(key, value, "command line")
    try:
        settings = model(**layers.values)
    except ValidationError as error:
        layers.problems += [_told(layers, detail) for detail in error.errors(include_url=False)]
    if layers.problems:
        raise ConfigError(layers.problems)
    return Loaded(settings, {key: layers.origin_of(key) for key in leaves(settings)})


def state_home(environ: Mapping[str, str]) -> Path:
    """The folder for what runs leave behind, when nobody names one. Source: XDG Base Directory Specification."""
    xdg = environ.get("XDG_STATE_HOME", "")
    home = Path(xdg) if xdg.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".local" / "state"
    return home / "hats"


def override_from(text: str) -> tuple[str, object]:
    """(dotted key, value) of one `key=value` from the command line; values are written as in TOML, or bare words."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError([f"command line: expected key=value, got {_short(text)}"])
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def environment(environ: Mapping[str, str]) -> list[str]:
    """Names of our variables that are set, in order; shown at start."""
    return sorted(name for name in environ if name.startswith(PREFIX))


def _put_file(layers: _Layers, path: Path, above: tuple[Path, ...]) -> None:
    shown = _shown(path)
    if path.resolve() in above or len(above) >= EXTENDS_MAX:
        layers.problems.append(f"{shown}: extends itself, or more than {EXTENDS_MAX} files in a row")
        return
    if not path.is_file():
        layers.problems.append(f"{shown}: no such file{_nearest_file(path)}")
        return
    try:
        data = dict(TomlConfigSettingsSource(layers.model, toml_file=path).toml_data)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        layers.problems.append(f"{shown}: {error}")
        return
    extends = data.pop("extends", None)
    if isinstance(extends, str):
        _put_file(layers, path.parent / extends, (*above, path.resolve()))
    elif extends is not None:
        layers.problems.append(f"{shown}: extends: expected the name of a file, got {_short(extends)}")
    layers.put(data, shown)


def _put_environment(layers: _Layers, environ: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{key.replace('.', '__').upper()}": key for key in keys(layers.model)}
    source = EnvSettingsSource(layers.model, env_prefix=PREFIX, env_nested_delimiter="__", case_sensitive=False)
    for name in environment(environ):
        if name in DECLARED:
            continue
        if name not in known and field_at(layers.model, _path(name)) is None:
            layers.problems.append(f"env {name}: no such setting{_nearest(name, [*known, *DECLARED])}")
            continue
        if name in known:
            worded = _worded(layers.model, known[name], environ[name])
            if not isinstance(worded, str):
                layers.put_key(known[name], worded, f"env {name}")
                continue
        source.env_vars = {name.lower(): environ[name]}  # one at a time, so that each value knows its variable
        try:
            layers.put(source(), f"env {name}")
        except SettingsError as error:
            layers.problems.append(f"env {name}: {error.__cause__ or error} (lists and tables are written as JSON)")


def _put_declared(layers: _Layers, environ: Mapping[str, str], mode: object) -> None:
    for name, declared in DECLARED.items():
        wanted = environ.get(name)
        if wanted and declared.key and (name != "HATS_DEMO_S" or mode == "demo"):
            layers.put_key(declared.key, _worded(layers.model, declared.key, wanted), f"env {name}")


def _worded(model: type[BaseModel], key: str, text: str) -> object:
    """The value that `text` says for a key of the model."""
    info = field_at(model, key.split("."))
    return text if info is None else from_words(info.annotation, text)


def _mode(layers: _Layers) -> object:
    """The mode as the layers have it now; the model's default if none names it."""
    run = layers.values.get("run")
    given = run.get("mode") if isinstance(run, dict) else None
    default = field_at(layers.model, ("run", "mode"))
    return given if given is not None or default is None else default.default


def _told(layers: _Layers, detail: ErrorDetails) -> str:
    """One fault as a sentence: origin, key, what was expected, what came."""
    path = tuple(str(part) for part in detail["loc"])
    key = ".".join(path)
    if not path:
        return str(detail["msg"]).removeprefix("Value error, ")  # of the settings as a whole; it names its keys
    origin = layers.origin_of(key)
    if detail["type"] != "extra_forbidden":
        said, info = str(detail["msg"]).removeprefix("Value error, "), field_at(layers.model, path)
        if info is not None and section_of(info) is not None and isinstance(detail["input"], Mapping):
            return f"{origin}: {key}: {said}"  # of a section as a whole; it names its keys
        return f"{origin}: {key}: {said}, got {_short(detail['input'], path[-1])}"
    parent = field_at(layers.model, path[:-1]) if len(path) > 1 else None
    holder: Any = layers.model if len(path) == 1 else parent.annotation if parent else None
    is_section = isinstance(holder, type) and issubclass(holder, BaseModel)
    siblings = list(holder.model_fields) if is_section else []
    return f"{origin}: {key}: no such key{_nearest(path[-1], siblings)}"


def _path(name: str) -> tuple[str, ...]:
    return tuple(name.removeprefix(PREFIX).lower().split("__"))


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _nearest_file(path: Path) -> str:
    return _nearest(path.name, sorted(other.name for other in path.parent.glob("*.toml")))


def _short(value: object, name: str = "") -> str:
    """The value as it was given, without what looks like a secret: whoever puts one where none belongs is told so, and
    the message goes to terminals and logs."""
    text = repr(redact_value(value, name))
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."


def _shown(path: Path) -> str:
    """The path from here if it is below, else as it is."""
    absolute = path.resolve()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
