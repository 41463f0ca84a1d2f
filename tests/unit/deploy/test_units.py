"""The systemd units end a desk in order, on the Ray that is theirs, with one token."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from orchestrator.cli.updown import STOP_TIMEOUT_S
from orchestrator.machine import raylink
from orchestrator.settings import Settings
from tests.unit.deploy.deployed import DEPLOY, ROOT, seconds, settings_under, unknown_options

Unit = dict[str, list[str]]


def unit(name: str) -> Unit:
    """Every key of a unit with its values in order; systemd allows a key to be repeated."""
    found: Unit = defaultdict(list)
    for line in (DEPLOY / "systemd" / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


@pytest.fixture(scope="module")
def ray() -> Unit:
    """The unit of the Ray head."""
    return unit("hats-ray.service")


@pytest.fixture(scope="module")
def desk() -> Unit:
    """The unit of the desk."""
    return unit("hats-desk.service")


def environment(found: Unit) -> dict[str, str]:
    """The variables that a unit sets."""
    return dict(line.split("=", 1) for line in found["Environment"])


def options(found: Unit) -> dict[str, str]:
    """The options of a unit's command that have values."""
    return dict(word.split("=", 1) for word in found["ExecStart"][0].split() if "=" in word)


def test_the_desk_lives_and_dies_with_its_ray(ray: Unit, desk: Unit, tmp_path: Path) -> None:
    """It is bound to the unit of its Ray, ordered after it, and joins exactly that one."""
    assert desk["BindsTo"] == desk["After"] == ["hats-ray.service"]
    settings = settings_under(environment(desk), tmp_path)
    assert settings.ray.address == f"127.0.0.1:{options(ray)['--port']}"
    assert options(ray)["--dashboard-port"] == str(Settings().ray.dashboard_port)


def test_ray_stays_in_the_foreground_and_says_when_it_is_up(ray: Unit) -> None:
    """The unit's own process is Ray, and it counts as started once Ray has noted its address."""
    assert "--block" in ray["ExecStart"][0].split()
    assert f"{options(ray)['--temp-dir']}/ray_current_cluster" in ray["ExecStartPost"][0]
    assert int(options(ray)["--object-store-memory"]) == raylink.OBJECT_STORE_BYTES


def test_ray_is_told_what_we_tell_it(ray: Unit) -> None:
    """The unit sets every variable that our own Ray gets, to the same value, the short drain among them."""
    assert (raylink.ENVIRONMENT | raylink.CONFINED).items() <= environment(ray).items()
    assert options(ray)["--node-ip-address"] == "127.0.0.1"


def test_both_units_use_one_private_token(ray: Unit, desk: Unit) -> None:
    """Both name the same file, in a folder that only their user can read, and authentication is on in both."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"):
        assert environment(ray)[name] == environment(desk)[name]
    assert environment(ray)["RAY_AUTH_MODE"] == "token"
    for found in (ray, desk):
        assert found["StateDirectoryMode"] == ["0700"]
        assert found["UMask"] == ["0077"]
        assert found["User"] == ["hats"]


def test_a_stop_is_orderly(ray: Unit, desk: Unit) -> None:
    """Only the launcher (or `ray start`) is told to stop, it has the time it needs, and its exit code is understood."""
    assert ray["KillMode"] == desk["KillMode"] == ["mixed"]
    assert seconds(desk["TimeoutStopSec"][0]) >= STOP_TIMEOUT_S
    drain_s = float(raylink.ENVIRONMENT["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"])
    assert seconds(ray["TimeoutStopSec"][0]) >= drain_s + raylink.STOP_TIMEOUT_S
    assert ray["SuccessExitStatus"] == ["1"]
    assert desk["SuccessExitStatus"] == ["143"]
    assert ray["Restart"] == desk["Restart"] == ["no"]


def test_commands_are_ours(desk: Unit) -> None:
    """The desk's command has documented options only, and its configuration is shipped."""
    command = desk["ExecStart"][0].split()
    assert not unknown_options(command)
    assert (ROOT / command[-1]).is_file()
