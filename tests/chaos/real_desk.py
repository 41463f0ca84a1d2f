"""A desk as `hats up` raises it, every process a real one, on a local exchange of its own: looked at, hit, ended.

Nothing here goes through Ray: the desk is watched on the operator's line and its processes are found in /proc.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from orchestrator import compose
from orchestrator.cli.runs import processes_of
from orchestrator.control import Control
from orchestrator.machine.processes import below, command_of
from orchestrator.machine.runfiles import RunFiles, RunNote, current_run
from orchestrator.status import Status
from shared.errors import NotRunning, Unanswered
from shared.ids import Role
from tests.contract.serving import venue_process
from tests.e2e.desk_commands import Hats
from tests.house.sources import ROOT

TEN_COINS: Final = ("BTC", "ETH", "SOL", "XRP", "DOGE", "AVAX", "LINK", "SUI", "HYPE", "LTC")
VENUE_ARGS: Final = (
    "--coins", ",".join(TEN_COINS), "--fund-all", "1000000", "--no-spot", "--l2-interval-ms", "100",
    "--address-budget", "none", "--control-port", "0", "--mix", "light",
)  # fmt: skip
POLL_S: Final = 0.05
BUSY: Final = 5
"""How many times longer a short version in the tests may take: the campaigns' limits are of a machine of their own."""
SIGNER: Final = "hats.security_architect.signer"
WATCHDOG: Final = "orchestrator.watchdog"
_LIMITS: Final[Mapping[str, Any]] = {
    "order_rate_limit": 1_000, "strategy_rate_limit": 1_000, "open_orders_limit": 900, "coin_orders_limit": 900,
    "concentration_limit_percent": 10_000, "drawdown_limit_bps": 10_000,
    "daily_loss_limit_bps": 10_000, "depth_limit_percent": 100_000,
}  # fmt: skip
"""A desk that may do as many orders as it likes: the campaigns ask what becomes of them."""
Account = Callable[[Path, str], Mapping[str, Any]]


def makers(coins: Sequence[str], each: int = 1, nearest_bps: float = 0.1) -> list[dict[str, Any]]:
    """So many market makers for each coin, one behind the other, so that each keeps two quotes in the book."""
    share = round(0.99 / (len(coins) * each), 6)
    return [
        {
            "id": f"mm_{coin.lower()}_{place}", "coin": coin, "capital_share": share, "kind": "avellaneda_stoikov",
            "quote_share": 0.05, "half_spread_min_bps": nearest_bps + 4.0 * place, "half_spread_max_bps": 80.0,
        }
        for coin in coins for place in range(each)
    ]  # fmt: skip


class RealDesk:
    """A running desk. `url`: its exchange; `options`: those of the command that raised it."""

    def __init__(
        self,
        home: Path,
        hats: Hats,
        venue: Mapping[str, Any],
        files: RunFiles,
        note: RunNote,
        options: Sequence[str] = (),
    ) -> None:
        self.home = home
        self._options = options
        self.hats = hats
        self.url = str(venue["url"])
        self.files = files
        self.note = note
        self._control_url = venue.get("control_url")
        settings = json.loads(files.record.read_bytes())["settings"]
        self.user: str = settings["hats"]["exchange_architect"]["user_address"]

    # the desk

    def status(self) -> Status | None:
        """How it stands; None while its hub is away."""
        try:
            with Control(self.files) as line:
                return line.status()
        except (NotRunning, Unanswered):
            return None

    def wait(self, is_so: Callable[[Status], bool], what: str, within_s: float) -> Status:
        """The first status for which it is so; Unanswered with the last one if that does not come in time."""
        until, last = time.monotonic() + within_s, None
        while time.monotonic() < until:
            status = self.status()
            if status is not None:
                last = status
                if is_so(status):
                    return status
            time.sleep(POLL_S)
        raise Unanswered(f"not {what} within {within_s:.0f} s; {_stands(last)}")

    def wait_armed(self, within_s: float = 60.0, after_seq: int = 0) -> Status:
        """The first status in which it trades, and has said something since."""
        return self.wait(lambda status: status.is_armed and status.seq > after_seq, "armed", within_s)

    def down(self) -> dict[str, Any]:
        """Drained, judged and gone: the verdict as it was written."""
        self.hats("down", "--wait", "300")
        summary: dict[str, Any] = json.loads(self.files.summary.read_bytes())
        return summary

    def begin_again(self) -> Status:
        """What is left of it is ended and the next run begun: how that stands once all nine are ready."""
        self.hats("down", code=None)
        self.hats("up", *self._options, code=None)
        self.note = current_run(self.home)
        self.files = RunFiles(Path(self.note.run_dir))
        return self.wait(lambda status: all(hat.state in ("ready", "armed") for hat in status.hats), "ready", 60.0)

    # its processes

    def pid_of(self, who: Role | str) -> int | None:
        """The process of an actor (a role) or of the signer or the watchdog (its module); None while there is none."""
        if not isinstance(who, Role):
            return next((pid for pid in processes_of(self.files) if who in command_of(pid)), None)
        name = "Orchestrator" if who is Role.ORCHESTRATOR else compose.actor_class(who).__name__
        assert self.note.ray_pid is not None
        found = (pid for pid in descendants(self.note.ray_pid) if _is_actor(command_of(pid), name))
        return next(found, None)

    # its exchange

    def ask(self, kind: str, **fields: Any) -> Any:
        """The exchange's answer about our account."""
        return _call(f"{self.url}/info", {"type": kind, "user": self.user, **fields})

    def arm(self, faults: Sequence[Any]) -> None:
        """Have these faults strike from now on."""
        for fault in faults:
            _call(f"{self._control_url}/faults", msgspec.to_builtins(fault))

    def spend_requests(self, count: int) -> None:
        """Use up so many requests of our address's budget."""
        _call(f"{self._control_url}/requests", {"user": self.user, "count": count})

    def clear_faults(self) -> None:
        """Calm."""
        _call(f"{self._control_url}/faults", None, "DELETE")

    def strikes(self) -> list[dict[str, Any]]:
        """What the faults did so far."""
        found: list[dict[str, Any]] = _call(f"{self._control_url}/strikes", None, "GET")
        return found


@contextlib.contextmanager
def real_desk(
    home: Path,
    *,
    settings: Mapping[str, Any],
    venue: Sequence[str] = (),
    risk: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> Iterator[RealDesk]:
    """A desk that trades on ten coins while inside, `settings` (dotted keys) over the demo's. It is gone afterwards.

    `account` is asked for the settings of an account, with the home folder and the exchange's address; None: the desk
    makes a throw-away one.
    """
    keys = keys_of(settings, risk)
    with venue_process(*VENUE_ARGS, *venue) as facts:
        if account is not None:
            keys |= account(home, facts["url"])
        hats = Hats(home, environ)
        hats.at_venue(facts["url"])
        options = options_of(keys)
        hats("up", *options)
        note = current_run(home)
        try:
            yield RealDesk(home, hats, facts, RunFiles(Path(note.run_dir)), note, options)
        finally:
            if (home / "current.json").exists():
                hats("down", code=None)


def keys_of(settings: Mapping[str, Any], risk: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Dotted keys of a desk that trades on ten coins: these settings over ours, over the demo's."""
    coins = list(TEN_COINS)
    limits = {f"hats.risk_oversight_officer.{key}": value for key, value in (dict(_LIMITS) | dict(risk or {})).items()}
    own = {
        "venue.coins": coins,
        "run.duration_s": 86_400.0,
        "hats.quant_strategist.strategies": makers(coins),
        "hats.execution_manager.protect_stop_bps": 500,
        "hats.execution_manager.protect_take_bps": 1_000,
    }
    return own | limits | dict(settings)


def options_of(keys: Mapping[str, Any]) -> list[str]:
    """The same as options of a command that starts a desk."""
    assignments = [part for key, value in keys.items() for part in ("--set", f"{key}={_toml(value)}")]
    return ["--config", str(ROOT / "configs" / "demo.toml"), *assignments]


def descendants(root: int) -> list[int]:
    """All processes below this one."""
    return sorted(below({root}) - {root})


def hit(pid: int, number: int) -> bool:
    """Send a signal; False if the process is gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _is_actor(command: Sequence[str], name: str) -> bool:
    """Ray's title of an actor's process is `ray::NAME`, with its method while one runs."""
    title = command[0] if command else ""
    return title.startswith("ray::") and title.removeprefix("ray::").partition(".")[0] == name


def _toml(value: Any) -> str:
    """The value as the command line takes it; JSON is TOML, but for a table's colons."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def _stands(status: Status | None) -> str:
    if status is None:
        return "its hub does not answer"
    hats = ", ".join(f"{hat.role} {hat.state}" for hat in status.hats if hat.state != "armed")
    return f"trading {status.trading_state}, feed {status.feed}, books {status.differences}, {hats}"


def _call(url: str, body: object, method: str = "POST") -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.loads(reply.read())
