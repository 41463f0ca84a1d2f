"""EDGE: one run of the desk from beginning to end: account, signer, cluster, nine Hats, trading, drain, verdict.

Whatever was started here is stopped here, in reverse order, however the run ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol
from urllib.error import URLError

import msgspec

from hats.security_architect.audit_log import verify_file
from orchestrator import raylink
from orchestrator.account import throw_away_account
from orchestrator.build import build_id
from orchestrator.cards import scorecards_html
from orchestrator.children import Child
from orchestrator.compose import check_wiring
from orchestrator.referee import assets_at, differences, positions_at
from orchestrator.runfiles import RunFiles, RunNote, forget_run, note_run, write_private
from orchestrator.settings import Settings
from orchestrator.status import CardView, Status
from orchestrator.summary import Summary, summarise
from shared.config import Mode
from shared.errors import ConfigError, HatsError
from shared.journal import JournalReader
from shared.units import SECOND

POLL_S: Final = 0.5
LOCAL_MODES: Final = frozenset({Mode.DEMO, Mode.PAPER})


class Watcher(Protocol):
    """Somebody who looks on: a live view, plain lines, or nobody."""

    def step(self, what: str) -> None:
        """The run has come this far."""
        ...

    def show(self, status: Status | None) -> None:
        """The state now; None while there is none."""
        ...


class Verdict(msgspec.Struct, frozen=True):
    """What a finished run came to. The three proofs are None when they could not be made."""

    summary: Summary
    cards: tuple[CardView, ...]
    is_flat: bool | None
    journal_fault: str | None
    audit_ok: bool
    position_differences: tuple[str, ...]
    run_dir: str


class Launch:
    """A run in the making. `run` does it all."""

    def __init__(
        self, settings: Settings, watcher: Watcher, *, own_ray: bool, replay: Path | None, config: str
    ) -> None:
        self._settings = settings.with_venue()
        self._watcher = watcher
        self._own_ray = own_ray
        self._replay = replay
        self._config = config
        self._run = time.time_ns() // SECOND
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._run))
        self.files = RunFiles(settings.run.home / "runs" / f"{settings.run.name}-{stamp}")
        self._stop_asked = False
        self._flatten = True

    def run(self) -> Verdict:
        """Trade until the time is up or a signal comes; the verdict. HatsError if it could not be done."""
        raylink.prepare()
        check_wiring(self._settings)
        self._settings.run.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.files.create()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._signals())
            stack.callback(self.files.remove_short)
            settings = self._with_account(stack)
            self._start_signer(stack, settings)
            ray_pid, address = self._cluster(stack)
            note_run(settings.run.home, self._note(ray_pid, address))
            stack.callback(forget_run, settings.run.home)
            status, cards = self._trade(settings)
            return self._judge(settings, status, cards)

    # what a run stands on

    def _with_account(self, stack: contextlib.ExitStack) -> Settings:
        settings = self._settings
        if settings.run.mode not in LOCAL_MODES:
            return self._configured()
        base_url = settings.venue.base_url
        if not _answers(base_url):
            self._watcher.step("starting the local exchange")
            venue = Child(
                "local exchange", self._venue_args(), self.files.logs / "venue.log", lambda: _answers(base_url)
            )
            venue.start()
            stack.callback(venue.stop)
        self._watcher.step("opening a throw-away account")
        account = throw_away_account(base_url, self.files)
        return settings.with_account(account.master, account.keystore, account.password_file, self.files.signer)

    def _configured(self) -> Settings:
        settings = self._settings
        master = settings.hats.exchange_architect.user_address
        own = settings.hats.security_architect
        if master and own.keystore and own.password_file:
            return settings.with_account(master, own.keystore, own.password_file, self.files.signer)
        needed = {
            "hats.exchange_architect.user_address": master,
            "hats.security_architect.keystore": own.keystore,
            "hats.security_architect.password_file": own.password_file,
        }
        raise ConfigError(
            [f"{key} must be set in mode {settings.run.mode}" for key, value in needed.items() if not value]
        )

    def _venue_args(self) -> list[str]:
        venue = self._settings.local_venue
        args = [
            "orchestrator.cli", "venue", "--host", venue.host, "--port", str(venue.port), "--seed", str(venue.seed),
            "--fund-all", str(venue.fund_all_usd), "--l2-interval-ms", str(venue.l2_interval_ms),
        ]  # fmt: skip
        if self._settings.run.mode is Mode.DEMO:
            args += ["--address-budget", "none"]  # a fresh account's first 10,000 actions are not what a demo shows
        return [*args, "--replay", str(self._replay)] if self._replay else args

    def _start_signer(self, stack: contextlib.ExitStack, settings: Settings) -> None:
        self._watcher.step("starting the signer")
        own = settings.hats.security_architect
        assets = ",".join(str(asset) for asset in assets_at(settings.venue.base_url, settings.venue.coins))
        socket_path = Path(own.signer_socket)
        socket_path.unlink(missing_ok=True)
        args = [
            "hats.security_architect.signer", "--keystore", str(own.keystore), "--password-file",
            str(own.password_file), "--socket", str(socket_path), "--network", settings.venue.network,
            "--assets", assets, "--max-notional-usd", str(own.max_order_notional_usd),
            "--log", str(self.files.logs / "signer.jsonl"),
        ]  # fmt: skip
        signer = Child("signer", args, self.files.logs / "signer.log", socket_path.exists)
        signer.start()
        stack.callback(signer.stop)

    def _cluster(self, stack: contextlib.ExitStack) -> tuple[int | None, str]:
        ray_settings = self._settings.ray
        pid, address = None, raylink.resolve(ray_settings.address) if not self._own_ray else ""
        if self._own_ray:
            self._watcher.step("starting Ray")
            own = raylink.OwnRay(
                self.files.ray,
                port=raylink.free_port(),
                dashboard_port=ray_settings.dashboard_port if ray_settings.dashboard else None,
                num_cpus=ray_settings.num_cpus,
            )
            stack.callback(own.stop)
            own.start()
            pid, address = own.pid, own.address
        self._watcher.step(f"joining Ray at {address}")
        stack.enter_context(raylink.connected(address, ray_settings.namespace, ray_settings.probe_s))
        return pid, address

    def _note(self, ray_pid: int | None, address: str) -> RunNote:
        namespace = self._settings.ray.namespace
        return RunNote(self._run, str(self.files.dir), address, namespace, os.getpid(), ray_pid, self._config)

    # the run itself

    def _trade(self, settings: Settings) -> tuple[Status, tuple[CardView, ...]]:
        from orchestrator.cluster import LaunchOrder  # noqa: PLC0415 - imports ray; its environment is set now
        from orchestrator.desk import Desk  # noqa: PLC0415

        order = LaunchOrder(settings.model_dump_json().encode(), self._run, str(self.files.dir), build_id())
        self._watcher.step("raising ten actors")
        desk = Desk.launch(order, settings.ray.namespace, self.files)
        try:
            desk.wait_ready(self._watcher.show)
            self._watcher.step("trading")
            deadline = None if settings.run.duration_s is None else time.monotonic() + settings.run.duration_s
            while not self._stop_asked and (deadline is None or time.monotonic() < deadline):
                self._watcher.show(_status_or_none(desk.status))
                time.sleep(POLL_S)
            self._watcher.step(f"draining: disarm, cancel{', flatten' if self._flatten else ''}")
            desk.drain(flatten=self._flatten, watch=self._watcher.show)
            time.sleep(1.0)  # the ledger's last word
            return desk.status(), desk.scorecards()
        finally:
            self._watcher.step("stopping")
            desk.stop()

    def _judge(self, settings: Settings, status: Status, cards: tuple[CardView, ...]) -> Verdict:
        self._watcher.step("checking journal, audit log and positions")
        reader = JournalReader.open(settings.journal.path or self.files.journal)
        try:
            summary, fault = summarise(reader), reader.fault()
        finally:
            reader.close()
        master = settings.hats.exchange_architect.user_address
        assert master is not None
        theirs = positions_at(settings.venue.base_url, master)
        verdict = Verdict(
            summary=summary,
            cards=cards,
            is_flat=status.is_flat,
            journal_fault=fault,
            audit_ok=verify_file(self.files.audit).is_sound,
            position_differences=tuple(differences(summary.net_sz, theirs)),
            run_dir=str(self.files.dir),
        )
        write_private(self.files.summary, msgspec.json.format(msgspec.json.encode(verdict), indent=2))
        write_private(self.files.scorecards_json, msgspec.json.format(msgspec.json.encode(cards), indent=2))
        write_private(self.files.scorecards_html, scorecards_html(cards, summary).encode())
        return verdict

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end trading in order; SIGUSR1 too, but positions stay. A second ends all at once."""

        def ask(number: int, _: object) -> None:
            if self._stop_asked:
                raise HatsError("stopped by a second signal; orders may be open: see `hats doctor`")
            self._stop_asked = True
            self._flatten = number != signal.SIGUSR1

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _status_or_none(ask: Callable[[], Status]) -> Status | None:
    try:
        return ask()
    except HatsError:
        return None  # the hub is being restarted; the view says so


def _answers(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/health", timeout=1) as reply:  # noqa: S310 - our own URL
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False
