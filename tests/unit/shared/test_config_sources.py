"""Layers are laid in the right order, remember their origin, and refuse what nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.settings import Settings
from shared.config_sources import DECLARED, Loaded, environment, load, override_from, state_home
from shared.errors import ConfigError

HOME = {"HOME": "/home/somebody"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a base and a file on top of it, and we are in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text('[run]\nseed = 1\nname = "base"\n[venue]\ncoins = ["BTC"]\n')
    (tmp_path / "top.toml").write_text('extends = "base.toml"\n[run]\nseed = 2\n')
    return tmp_path


def loaded(path: str | None = None, environ: dict[str, str] | None = None, **overrides: object) -> Loaded[Settings]:
    """Settings from a file here; `__` in an override's name is a dot."""
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    return load(Settings, None if path is None else Path(path), dotted, HOME | (environ or {}))


def problems(path: str | None = None, environ: dict[str, str] | None = None, **overrides: object) -> tuple[str, ...]:
    """What is wrong with such a configuration."""
    with pytest.raises(ConfigError) as caught:
        loaded(path, environ, **overrides)
    return caught.value.problems


def test_later_layers_win_and_say_so(folder: Path) -> None:
    """Default < base < file < environment < command line, each named as the origin."""
    variable = {"HATS_RUN__SEED": "3"}
    steps = [
        (loaded(), 7, "default"),
        (loaded("base.toml"), 1, "base.toml"),
        (loaded("top.toml"), 2, "top.toml"),
        (loaded("top.toml", variable), 3, "env HATS_RUN__SEED"),
        (loaded("top.toml", variable, run__seed=4), 4, "command line"),
    ]
    for result, seed, origin in steps:
        assert (result.settings.run.seed, result.origins["run.seed"]) == (seed, origin)


def test_values_beneath_stay(folder: Path) -> None:
    """A file that says less than its base leaves the rest as the base has it."""
    result = loaded("top.toml")
    assert result.settings.run.name == "base"
    assert result.origins["run.name"] == "base.toml"
    assert result.settings.venue.coins == ("BTC",)
    assert result.origins["venue.network"] == "default"


def test_every_key_has_an_origin() -> None:
    """The origins name each leaf of the settings, the nine Hats' too."""
    origins = loaded().origins
    assert "hats.risk_oversight_officer.measures_every_ms" in origins or any(
        key.startswith("hats.risk_oversight_officer.") for key in origins
    )
    assert set(origins.values()) == {"default"}


def test_unknown_keys_are_refused_with_the_nearest_name(folder: Path) -> None:
    """A key that nobody knows is an error that names the file and the key meant, at every depth."""
    (folder / "typo.toml").write_text("[run]\nsede = 1\n[vanue]\ncoins = []\n[hats.quant_strategyst]\nx = 1\n")
    assert problems("typo.toml") == (
        "typo.toml: run.sede: no such key; did you mean seed?",
        "typo.toml: hats.quant_strategyst: no such key; did you mean quant_strategist?",
        "typo.toml: vanue: no such key; did you mean venue?",
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HATS_RUN__SEDE", "HATS_RUN__SEED"),
        ("HATS_VENU__COINS", "HATS_VENUE__COINS"),
        ("HATS_DEMOS", "HATS_DEMO_S"),
        ("HATS_HOMES", "HATS_HOME"),
    ],
)
def test_unknown_variables_are_refused_with_the_nearest_name(name: str, meant: str) -> None:
    """A variable of ours that nobody reads is an error, at the top level too; its value is not repeated."""
    (problem,) = problems(environ={name: "hunter2"})
    assert problem == f"env {name}: no such setting; did you mean {meant}?"


def test_all_problems_come_at_once(folder: Path) -> None:
    """Faults of the file, the environment and the command line are told together."""
    (folder / "bad.toml").write_text("[local_venue]\nport = 99999\n[run]\nsede = 1\n")
    found = problems("bad.toml", {"HATS_VENUE__COINS": "BTC", "HATS_NO": "1"}, run__seed="x", ray="local")
    assert [problem.split(": ")[0] for problem in found] == [
        "env HATS_NO",
        "env HATS_VENUE__COINS",
        "command line",
        "command line",
        "bad.toml",
        "bad.toml",
    ]
    assert "command line: ray: expected a table, got 'local'" in found


def test_a_table_as_variable_is_json() -> None:
    """Lists and whole tables can be given as JSON."""
    result = loaded(environ={"HATS_VENUE__COINS": '["SOL"]', "HATS_RUN": '{"seed": 11}'})
    assert result.settings.venue.coins == ("SOL",)
    assert result.settings.run.seed == 11
    assert result.origins["run.seed"] == "env HATS_RUN"


def test_missing_and_broken_files_are_refused(folder: Path) -> None:
    """A missing file names its neighbour; broken TOML names the line."""
    assert problems("topp.toml") == ("topp.toml: no such file; did you mean top.toml?",)
    (folder / "broken.toml").write_text("[run\n")
    (problem,) = problems("broken.toml")
    assert problem.startswith("broken.toml: ")
    assert "line 1" in problem


def test_a_file_that_extends_itself_is_refused(folder: Path) -> None:
    """A circle of `extends` ends with an error."""
    (folder / "circle.toml").write_text('extends = "circle.toml"\n')
    assert "extends itself" in problems("circle.toml")[0]
    (folder / "odd.toml").write_text("extends = 3\n")
    assert problems("odd.toml") == ("odd.toml: extends: expected the name of a file, got 3",)


def test_demo_seconds_are_the_demos() -> None:
    """HATS_DEMO_S sets the duration of a demo and leaves other modes alone."""
    variable = {"HATS_DEMO_S": "5"}
    demo = loaded(environ=variable)
    assert (demo.settings.run.duration_s, demo.origins["run.duration_s"]) == (5.0, "env HATS_DEMO_S")
    assert loaded(environ=variable, run__mode="paper").settings.run.duration_s is None
    assert loaded(environ=variable | {"HATS_RUN__MODE": "paper"}).settings.run.duration_s is None
    assert "HATS_DEMO_S" in problems(environ={"HATS_DEMO_S": "soon"})[0]


def test_the_home_folder_follows_xdg() -> None:
    """HATS_HOME, else $XDG_STATE_HOME/hats, else ~/.local/state/hats."""
    assert loaded().settings.run.home == Path("/home/somebody/.local/state/hats")
    assert loaded(environ={"XDG_STATE_HOME": "/state"}).settings.run.home == Path("/state/hats")
    assert state_home({"XDG_STATE_HOME": "relative", **HOME}) == Path("/home/somebody/.local/state/hats")
    result = loaded(environ={"HATS_HOME": "/hats", "XDG_STATE_HOME": "/state"})
    assert (result.settings.run.dir, result.origins["run.home_dir"]) == (Path("/hats/runs/demo"), "env HATS_HOME")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run.seed=3", ("run.seed", 3)),
        ("run.mode = paper", ("run.mode", "paper")),
        ('venue.coins=["BTC"]', ("venue.coins", ["BTC"])),
        ("venue.base_url=http://127.0.0.1:1", ("venue.base_url", "http://127.0.0.1:1")),
    ],
)
def test_overrides_are_toml_or_bare_words(text: str, expected: tuple[str, object]) -> None:
    """`key=value` takes the value as TOML writes it, else as the words that stand there."""
    assert override_from(text) == expected


@pytest.mark.parametrize("text", ["run.seed", "=3", ""])
def test_an_override_without_key_or_value_is_refused(text: str) -> None:
    """What is not key=value is an error."""
    with pytest.raises(ConfigError, match="expected key=value"):
        override_from(text)


def test_our_variables_are_listed() -> None:
    """Only variables with our prefix are ours; the declared ones are accepted."""
    environ = {"HATS_B": "", "HATS_A": "", "PATH": "/bin"}
    assert environment(environ) == ["HATS_A", "HATS_B"]
    loaded(environ=dict.fromkeys(DECLARED, "1"))


def test_the_environment_changes_nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings made without the loader do not look at the environment."""
    monkeypatch.setenv("RUN", '{"seed": 99}')
    monkeypatch.setenv("HATS_RUN__SEED", "99")
    assert Settings().run.seed == 7
