"""EDGE: what a run stands on: the exchange, an account, the signer and a Ray cluster, each started here or found.

What was started is stopped again in reverse order, however the run ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import pwd
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.error import URLError

from hats.security_architect import keystore
from hats.security_architect.retired import refuse_retired
from hats.security_architect.settings import Settings as SecurityArchitect
from hats.security_architect.signer.spelling import options_of
from orchestrator.accounts.account import throw_away_account
from orchestrator.accounts.agents import master_of
from orchestrator.accounts.real_money import beyond, refusals
from orchestrator.accounts.referee import equity_at, listed_at
from orchestrator.accounts.signing import policy_for
from orchestrator.machine import raylink, short_folder
from orchestrator.machine.children import Child
from orchestrator.machine.runfiles import RunFiles
from orchestrator.safekeeping.backup import seal_key_path
from orchestrator.settings import Settings
from orchestrator.watchdog.guard import Phase
from orchestrator.watchdog.line import tell_patiently
from orchestrator.watchdog.words import Flatten, Look
from shared.approval_file import key_path
from shared.config import Mode
from shared.errors import ConfigError, Unanswered
from shared.private_files import make_secret

SAFE_TIMEOUT_S: Final = 30.0
"""The watchdog's time to close what a run without a drain left open, and to answer."""
SAY_EVERY_S: Final = 30.0
ARRIVED_S: Final = 2.0
"""What a desk sent before its end has reached the venue after so long, or never will: it expires."""

Step = Callable[[str], None]
"""Told how far things have come."""


class Ground(NamedTuple):
    """The settings with the account filled in, and the cluster: its address, its process if it is ours, its pulse."""

    settings: Settings
    address: str
    ray_pid: int | None
    pulse: raylink.Pulse


@contextlib.contextmanager
def ground(settings: Settings, files: RunFiles, step: Step, *, own_ray: bool, replay: Path | None) -> Iterator[Ground]:
    """All of it, ready, while inside; this process is then a driver of the cluster."""
    _refuse(refusals(settings))
    raylink.prepare(None if own_ray else raylink.resolve(settings.ray.address), settings.tls.files)
    with contextlib.ExitStack() as stack:
        short_folder.sweep()
        stack.enter_context(files.standing())
        key_file = seal_key_path(settings.run.home, settings.at_rest.key_file)
        settings = _with_account(settings.with_venue().with_seal_key(key_file), files, step, stack, replay)
        _start_signer(settings, files, step, stack)
        if settings.watchdog.enabled:
            _start_watchdog(settings, files, step, stack)
        ray_pid, address, pulse = _cluster(settings, files, step, stack, own_ray=own_ray)
        yield Ground(settings, address, ray_pid, pulse)


def _with_account(
    settings: Settings, files: RunFiles, step: Step, stack: contextlib.ExitStack, replay: Path | None
) -> Settings:
    if not settings.run.mode.is_local:
        return _configured(settings, files)
    base_url = settings.venue.base_url
    if not _answers(base_url):
        step("starting the local exchange")
        venue = Child(
            "local exchange", _venue_args(settings, replay), files.logs / "venue.log", lambda: _answers(base_url)
        )
        venue.start()
        stack.callback(venue.stop)
    step("opening a throw-away account")
    account = throw_away_account(base_url, files)
    settings = settings.with_watchdog(account.watchdog.keystore, account.watchdog.password_file)
    return settings.with_account(account.master, account.desk.keystore, account.desk.password_file, files.signer)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ConfigError(problems)


def _configured(settings: Settings, files: RunFiles) -> Settings:
    master = settings.hats.exchange_architect.user_address
    own = settings.hats.security_architect
    has_watchdog = bool(settings.watchdog.keystore and settings.watchdog.password_file)
    if master and own.keystore and own.password_file and (has_watchdog or not settings.watchdog.enabled):
        guards = (settings.watchdog.keystore,) if settings.watchdog.enabled else ()
        for path in (own.keystore, *(one for one in guards if one is not None)):
            _refuse_wrong_key(path, settings, master)
        if settings.run.mode is Mode.LIVE:
            _refuse(beyond(settings, equity_at(settings.venue.base_url, master)))
        return settings.with_account(master, own.keystore, own.password_file, files.signer)
    needed: dict[str, object] = {
        "hats.exchange_architect.user_address": master,
        "hats.security_architect.keystore": own.keystore,
        "hats.security_architect.password_file": own.password_file,
    }
    if settings.watchdog.enabled:
        needed["watchdog.keystore"] = settings.watchdog.keystore
        needed["watchdog.password_file"] = settings.watchdog.password_file
    raise ConfigError([f"{key} must be set in mode {settings.run.mode}" for key, value in needed.items() if not value])


def _refuse_wrong_key(path: Path, settings: Settings, master: str) -> None:
    """Nothing if the key may sign for the account; ConfigError if it was retired or is no agent of it."""
    info = keystore.read_info(path)
    for folder in {path.parent, settings.run.home / "keys"}:
        refuse_retired(folder, info.address)
    owner = master_of(settings.venue.base_url, info.address)
    if owner != master:
        raise ConfigError([f"{path}: {info.address} is an agent of {owner or 'nobody'}, not of {master}"])


def _venue_args(settings: Settings, replay: Path | None) -> list[str]:
    venue = settings.local_venue
    args = [
        "orchestrator.cli", "venue", "--host", venue.host, "--port", str(venue.port), "--seed", str(venue.seed),
        "--fund-all", str(venue.fund_all_usd), "--l2-interval-ms", str(venue.l2_interval_ms),
        "--no-spot",
    ]  # fmt: skip
    if settings.run.mode is Mode.DEMO:
        args += ["--address-budget", "none"]  # a fresh account's first 10,000 actions are not what a demo shows
    return [*args, "--replay", str(replay), "--replay-speed", str(venue.replay_speed)] if replay else args


def _start_signer(settings: Settings, files: RunFiles, step: Step, stack: contextlib.ExitStack) -> None:
    step("starting the signer")
    own = settings.hats.security_architect
    policy = policy_for(settings, listed_at(settings.venue.base_url, settings.venue.coins))
    socket_path = Path(own.signer_socket)
    socket_path.unlink(missing_ok=True)
    approval_key = key_path(files.dir)
    make_secret(approval_key)
    make_secret(files.oracle_key)
    args = [
        "hats.security_architect.signer", "--keystore", str(own.keystore), "--password-file",
        str(own.password_file), "--socket", str(socket_path), *options_of(policy),
        "--admin-socket", str(files.signer_admin), "--keyring", str(files.keyring),
        "--oracle-socket", str(files.oracle), "--oracle-key-file", str(files.oracle_key),
        "--log", str(files.logs / "signer.jsonl"),
        "--checkpoints", str(files.signer_checkpoints), "--approval-key-file", str(approval_key),
        *_as_own_user(own),
    ]  # fmt: skip
    signer = Child("signer", args, files.logs / "signer.log", socket_path.exists)
    signer.start()
    stack.callback(signer.stop)
    feeder_log = files.logs / "oracle_feeder.jsonl"
    args = [
        "orchestrator.oracle_feeder", "--base-url", settings.venue.base_url, "--socket", str(files.oracle),
        "--assets", ",".join(str(rule.asset) for rule in policy.assets), "--key-file", str(files.oracle_key),
        "--every-ms", str(own.oracle_every_ms), "--log", str(feeder_log),
    ]  # fmt: skip
    feeder = Child("oracle feeder", args, files.logs / "oracle_feeder.log", feeder_log.exists)
    feeder.start()
    stack.callback(feeder.stop)


def _as_own_user(own: SecurityArchitect) -> list[str]:
    """The options by which the signer becomes another user; ConfigError if that was asked for and can't be."""
    if own.signer_user is None:
        return []
    if own.signer_dir is None or own.keystore is None or os.getuid() != 0:
        raise ConfigError(["hats.security_architect.signer_user needs root, and signer_dir for that user's files"])
    try:
        uid = pwd.getpwnam(own.signer_user).pw_uid
    except KeyError as error:
        raise ConfigError([f"hats.security_architect.signer_user: there is no user {own.signer_user!r}"]) from error
    own.signer_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chown(own.signer_dir, uid, -1)
    nonces = own.signer_dir / f"{own.keystore.name}.nonces.sqlite"
    return ["--user", own.signer_user, "--nonces", str(nonces)]


def _start_watchdog(settings: Settings, files: RunFiles, step: Step, stack: contextlib.ExitStack) -> None:
    step("starting the watchdog")
    own = settings.watchdog
    files.watchdog.unlink(missing_ok=True)
    args = [
        "orchestrator.watchdog", "--base-url", settings.venue.base_url,
        "--user", str(settings.hats.exchange_architect.user_address), "--keystore", str(own.keystore),
        "--password-file", str(own.password_file), "--network", settings.venue.network,
        "--socket", str(files.watchdog), "--latch", str(files.watchdog_latch), "--aim", own.aim,
        "--silence-ms", str(own.silence_ms), "--dead-man-ms", str(own.dead_man_ms),
        "--log", str(files.logs / "watchdog.jsonl"), "--home", str(settings.run.home),
        "--operator-public-key", settings.hats.risk_oversight_officer.operator_public_key,
    ]  # fmt: skip
    watchdog = Child("watchdog", args, files.logs / "watchdog.log", files.watchdog.exists)
    watchdog.start()
    stack.callback(watchdog.stop)
    # nothing is at stake on a throw-away account; on any other the watchdog must not be stopped at its work
    patience_s = SAFE_TIMEOUT_S if settings.run.mode.is_local else math.inf
    stack.callback(leave_nothing_open, files, step, patience_s)


def leave_nothing_open(files: RunFiles, step: Step, patience_s: float = SAFE_TIMEOUT_S) -> None:
    """Before the watchdog is stopped: a run that was not drained to its end is brought to an end by it.

    What it found closed before counts for nothing, for the desk may have gone on; and what a dying desk sent is looked
    for once more when it has arrived. Unanswered if that takes longer than `patience_s`, or if the watchdog does not
    answer; how far it is, is said.
    """
    began = time.monotonic()
    until, said = began + SAFE_TIMEOUT_S, began
    view = tell_patiently(files.watchdog, Look(), until)
    if view.phase in {Phase.WAITING, Phase.DISMISSED}:
        return
    if view.phase is not Phase.SAFE or view.positions:
        step("the run did not end flat: the watchdog cancels and closes")
    for pause_s in (0.0, ARRIVED_S):
        time.sleep(pause_s)
        view = tell_patiently(files.watchdog, Flatten("the run did not end flat"), time.monotonic() + SAFE_TIMEOUT_S)
        while view.phase is not Phase.SAFE:
            now = time.monotonic()
            if now > began + patience_s:
                raise Unanswered(f"the watchdog found orders or positions open to the last: {view.fault or view.phase}")
            if now > said + SAY_EVERY_S:
                said = now
                left = f"{view.open_orders} orders and {view.positions} positions"
                step(f"still open: {left} at the watchdog's last look {view.fault}".rstrip())
            time.sleep(0.1)
            view = tell_patiently(files.watchdog, Look(), now + SAFE_TIMEOUT_S)


def _cluster(
    settings: Settings, files: RunFiles, step: Step, stack: contextlib.ExitStack, *, own_ray: bool
) -> tuple[int | None, str, raylink.Pulse]:
    ray_settings = settings.ray
    pid, address = None, raylink.resolve(ray_settings.address) if not own_ray else ""
    if own_ray:
        step("starting Ray")
        head = raylink.OwnRay(
            files.ray,
            port=raylink.free_port(),
            dashboard_port=ray_settings.dashboard_port if ray_settings.dashboard else None,
            num_cpus=ray_settings.num_cpus,
        )
        stack.callback(head.stop)
        head.start()
        pid, address = head.pid, head.address
    step(f"joining Ray at {address}")
    pulse = stack.enter_context(raylink.connected(address, ray_settings.namespace, ray_settings.probe_s))
    return pid, address, pulse


def _answers(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/health", timeout=1) as reply:  # noqa: S310 - our own URL  # nosec B310
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False
