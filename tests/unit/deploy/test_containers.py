"""The image installs what was locked and runs as nobody special; what compose publishes stays on this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from orchestrator.cli.updown import STOP_TIMEOUT_S
from orchestrator.machine.raylink import OBJECT_STORE_BYTES
from tests.unit.deploy.deployed import DEPLOY, ROOT, seconds, settings_under, unknown_options, yaml_of

MIB: Final = 2**20


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """(instruction, rest) of the Dockerfile in order; continued lines are one."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], " ".join(line.split()[1:])) for line in lines]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services of compose.yaml."""
    found: dict[str, dict[str, Any]] = yaml_of("compose.yaml")["services"]
    return found


def of(steps: list[tuple[str, str]], instruction: str) -> list[str]:
    """What follows each instruction of that kind."""
    return [rest for name, rest in steps if name == instruction]


def test_the_image_installs_the_lock_with_hashes(steps: list[tuple[str, str]]) -> None:
    """Packages come from requirements.lock alone, hash by hash; our own install resolves nothing."""
    installs = [rest for rest in of(steps, "RUN") if "pip install" in rest]
    locked = [rest for rest in installs if "-r requirements.lock" in rest]
    assert len(locked) == 1
    assert "--require-hashes" in locked[0]
    assert "--only-binary :all:" in locked[0]
    assert all("--no-deps" in rest and "--no-build-isolation" in rest for rest in installs if rest not in locked)
    assert "--editable ." in installs[-1]


def test_the_image_runs_as_a_user_under_an_init(steps: list[tuple[str, str]]) -> None:
    """PID 1 is tini, which signals the launcher alone; the user is not root and keeps runs in the volume."""
    assert of(steps, "ENTRYPOINT") == ['["/usr/bin/tini", "--"]']
    (user,) = of(steps, "USER")
    assert re.search(rf"useradd .*--uid [1-9]\d+ {user}\b", " ".join(of(steps, "RUN")))
    after = [name for name, _ in steps][[name for name, _ in steps].index("USER") + 1 :]
    assert set(after) <= {"ENTRYPOINT", "CMD"}
    (home,) = of(steps, "VOLUME")
    assert f"HATS_HOME={home}" in of(steps, "ENV")


def test_the_image_copies_what_exists_and_no_secret(steps: list[tuple[str, str]]) -> None:
    """Every copied path is in the project and none is the whole of it; nothing is passed in while building."""
    sources = [word for rest in of(steps, "COPY") for word in rest.split()[:-1]]
    assert all((ROOT / source).exists() and source not in {".", "./"} for source in sources)
    assert not of(steps, "ARG")
    assert not of(steps, "ADD")
    packages = {"hats", "orchestrator", "shared", "configs", "requirements.lock", "pyproject.toml"}
    assert packages <= set(sources)


def test_everything_published_is_on_loopback(services: dict[str, dict[str, Any]]) -> None:
    """Ports are published on 127.0.0.1 only, no container shares the machine's network, and none has privileges."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    assert {service.get("network_mode", "own") for service in services.values()} == {"own", "service:net"}
    assert "network_mode" not in services["net"]
    assert all(service["cap_drop"] == ["ALL"] and "privileged" not in service for service in services.values())
    assert all(service["security_opt"] == ["no-new-privileges:true"] for service in services.values())


def test_commands_are_ours(services: dict[str, dict[str, Any]]) -> None:
    """What the containers of our image run is documented, option by option, and its port is the one published."""
    for name in ("venue", "desk"):
        assert not unknown_options(services[name]["command"]), name
    assert services["desk"]["command"][-1] == "configs/paper.toml"
    assert "127.0.0.1:3001:3001" in services["net"]["ports"]


def test_the_desk_has_room_and_time(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """/dev/shm holds Ray's store, a stop may take as long as `hats down` waits, and the variables are known."""
    desk = services["desk"]
    assert int(desk["shm_size"].removesuffix("m")) * MIB >= OBJECT_STORE_BYTES
    assert seconds(desk["stop_grace_period"]) >= STOP_TIMEOUT_S
    settings = settings_under(desk["environment"], tmp_path)
    assert not settings.ray.dashboard
    assert settings.venue.base_url == "http://127.0.0.1:3001"


def test_mounted_files_exist_and_images_are_named(services: dict[str, dict[str, Any]]) -> None:
    """Every file that is mounted lies in deploy/ and can't be written; others' images have a version."""
    for service in services.values():
        for volume in service.get("volumes", []):
            source, _, mode = volume.partition(":")
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), volume
                assert mode.endswith(":ro"), volume
        assert service["image"] == "hyperhats" or re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_grafana_keeps_no_password(services: dict[str, dict[str, Any]]) -> None:
    """Nobody can log in, so no file holds a password; whoever is here may look and change nothing."""
    environment = services["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert not [name for name in environment if "PASSWORD" in name]
