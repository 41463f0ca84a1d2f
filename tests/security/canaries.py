"""Plants secrets wherever a secret goes in, forces errors, and looks for them wherever something comes out.

    python -m tests.security.canaries            # with a desk on Ray: some minutes
    python -m tests.security.canaries --no-desk  # errors, doors and a signer process: seconds

Exit codes: 0 no secret was found where it must not be; 1 one was.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.error import URLError

from hats.security_architect import keystore
from orchestrator.accounts import operator_key
from orchestrator.cli.terminal import report_error
from orchestrator.machine import certificates
from orchestrator.machine.children import Child
from orchestrator.machine.raylink import free_port
from shared import log, metrics
from shared.errors import HatsError
from shared.private_files import make_secret, write_private
from shared.units import Ns
from tests.house.sources import ROOT
from tests.security.canary import Canary, Hit, Search, descendants, environment, planted
from tests.security.forced_errors import World, forced

IN_THE_SHELL: Final = (
    "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "OPENAI_API_KEY", "DATABASE_PASSWORD", "SSH_KEY_PASSPHRASE", "NPM_TOKEN",
    "KEYSTORE_PASSWORD",
)  # fmt: skip
"""Variables that lie about when somebody starts a desk."""
IN_REQUESTS: Final = ("bearer", "cookie", "query", "path", "body", "header")
"""Where a client puts a secret into a request by mistake."""


class Report(NamedTuple):
    """What the campaign came to."""

    canaries: int
    errors: int
    places: int
    looked_at_bytes: int
    hits: tuple[Hit, ...]
    took_s: float
    had_desk: bool


class Campaign:
    """Everything in one folder, which is searched at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.out: list[tuple[str, bytes]] = []
        """What was said on the way, and where."""
        self.shell = {name: planted(name) for name in IN_THE_SHELL}
        self.requests = {name: planted(f"request_{name}") for name in IN_REQUESTS}
        self.word = planted("word")
        self.password = planted("password", self._private("password"))
        write_private(self._private("password"), self.password.secret)
        info = keystore.new_agent(
            self.folder / "keys", "trader", self.password.secret.decode(), "testnet", Ns(0), scrypt_n=1_024,
            is_weak_allowed=True,
        )  # fmt: skip
        self.keystore = keystore.keystore_path(self.folder / "keys", info.name)
        unlocked = keystore.load(self.keystore, self.password.secret.decode(), is_weak_allowed=True)
        self.key = Canary("agent_key", bytes(unlocked.secret))
        make_secret(self._private("approvals.key"))
        operator_key.make(self._private("operator.key"))
        (tls,) = certificates.make(self.folder / "tls", ["127.0.0.1"])
        self.files = (
            _in_file("approval_key", self._private("approvals.key")),
            _in_file("operator_key", self._private("operator.key")),
            _in_file("certificate_key", Path(tls.key)),
            _in_file("authority_key", Path(tls.ca).with_suffix(".key")),
        )

    def _private(self, name: str) -> Path:
        return self.folder / name

    @property
    def canaries(self) -> list[Canary]:
        """All that were planted."""
        return [*self.shell.values(), *self.requests.values(), self.word, self.password, self.key, *self.files]

    def force(self) -> int:
        """Every error, logged as a bug is, shown as a command shows it, and with its traceback."""
        work = self.folder / "errors"
        work.mkdir(mode=0o700)
        log.configure("canaries", self.folder / "run", "TRACE")
        world = World(work, self.keystore, self.password.secret.decode(), self.key.secret, self.word.secret.decode())
        count = 0
        for name, error in forced(world):
            count += 1
            self.out.append((f"traceback of {name}", "".join(traceback.format_exception(error)).encode()))
            if isinstance(error, HatsError):
                with contextlib.redirect_stderr(_Kept(self.out, f"stderr of {name}")):
                    report_error(error, "failed", as_json=count % 2 == 0)
        for path in sorted(work.rglob("*"), reverse=True):
            path.unlink() if path.is_file() or path.is_socket() else path.rmdir()  # they were made of secrets
        return count

    def knock(self) -> None:
        """Secrets in every part of a request, at every door."""
        served = metrics.serve(metrics.Metrics(), port=0)
        ports = [free_port(), free_port()]
        args = ["orchestrator.cli", "venue", "--port", str(ports[0]), "--control-port", str(ports[1]), "--no-market"]
        venue = Child("venue", args, self.folder / "run" / "venue.log", lambda: _listens(ports[0]))
        venue.start()
        for port in (*ports, served.port):
            for path in ("/info", "/exchange", "/metrics", "/faults", "/script", "/deposit", "/health"):
                self._ask(f"http://127.0.0.1:{port}", path)
        venue.stop()
        served.stop()

    def _ask(self, url: str, path: str) -> None:
        said = {name: canary.secret.decode() for name, canary in self.requests.items()}
        request = urllib.request.Request(
            f"{url}{path}/{said['path']}?api_key={said['query']}" if path != "/info" else f"{url}{path}",
            json.dumps({"type": "meta", "password": said["body"]}).encode() if path != "/metrics" else None,
            {
                "Authorization": f"Bearer {said['bearer']}", "Cookie": f"session={said['cookie']}",
                "X-Api-Key": said["header"], "Content-Type": "application/json",
            },
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:
                self.out.append((f"answer of {url}{path}", str(reply.headers).encode() + reply.read()))
        except URLError as error:
            body = error.read() if hasattr(error, "read") else b""
            self.out.append((f"refusal of {url}{path}", str(error).encode() + body))

    def sign(self, search: Search) -> None:
        """A signer process as a launch makes it, with the wrong password, then with the right one, then aborted."""
        wrong = self._private("wrong.password")
        write_private(wrong, self.word.secret)
        for password in (wrong, self._private("password")):
            sock = self.folder / "s" / "signer.sock"
            args = [
                "hats.security_architect.signer", "--keystore", str(self.keystore), "--password-file", str(password),
                "--socket", str(sock), "--network", "testnet", "--assets", "0:1", "--max-notional-usd", "100",
                "--log", str(self.folder / "run" / "signer.jsonl"), "--allow-weak-keystore", "--approval-key-file",
                str(self._private("approvals.key")),
            ]  # fmt: skip
            child = Child("signer", args, self.folder / "run" / "signer.log", sock.exists)
            try:
                child.start()
            except HatsError as error:
                self.out.append(("a signer that did not start", str(error).encode()))
                continue
            assert child.pid is not None
            search.processes([child.pid])
            os.kill(child.pid, signal.SIGABRT)
            time.sleep(0.5)
            child.stop()
        wrong.unlink()


class _Kept:
    """A stream whose text is kept."""

    def __init__(self, out: list[tuple[str, bytes]], place: str) -> None:
        self._out, self._place = out, place

    def write(self, text: str) -> int:
        """Keep it."""
        self._out.append((self._place, text.encode()))
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        """No terminal."""
        return False


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _in_file(name: str, path: Path) -> Canary:
    """What the file holds, but for lines and dashes: of a PEM file its longest line."""
    lines = [line.strip() for line in path.read_bytes().split(b"\n")] if path.suffix == ".key" else []
    text = max((line for line in lines if not line.startswith(b"-----")), key=len, default=b"")
    data = path.read_bytes()
    return Canary(name, text if b"-----BEGIN" in data or len(text) == 64 else data, path.resolve())


@contextlib.contextmanager
def _shell(variables: dict[str, str]) -> Iterator[None]:
    """These variables in our own environment meanwhile."""
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def short(folder: Path) -> Report:
    """Everything but a desk on Ray."""
    began = time.monotonic()
    campaign = Campaign(folder)
    search = Search(campaign.canaries)
    with _shell(environment(campaign.shell)):
        errors = campaign.force()
        campaign.knock()
        campaign.sign(search)
    return _searched(campaign, search, errors, began, had_desk=False)


def whole(folder: Path) -> Report:
    """The same and a desk on Ray, of which processes are killed, whose every secret counts as planted."""
    began = time.monotonic()
    campaign = Campaign(folder)
    errors = campaign.force()
    campaign.knock()
    desk = _Desk(campaign)
    with desk.running():
        search = Search([*campaign.canaries, *desk.secrets()])
        campaign.sign(search)
        search.processes(desk.pids())
        desk.disturb()
        search.processes(desk.pids())
        for path in desk.outside():
            search.files(path)
    return _searched(campaign, search, errors, began, had_desk=True)


def _searched(campaign: Campaign, search: Search, errors: int, began: float, *, had_desk: bool) -> Report:
    for place, data in campaign.out:
        search.look(place, data)
    search.files(campaign.folder)
    cores = [path for path in (*campaign.folder.rglob("core*"), *Path.cwd().glob("core*")) if path.is_file()]
    hits = [*search.hits, *(Hit("a core", str(path)) for path in cores)]
    took_s = time.monotonic() - began
    return Report(len(search.canaries), errors, search.places, search.looked_at_bytes, tuple(hits), took_s, had_desk)


class _Desk:
    """A desk raised by the `hats` command from a shell full of secrets."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._home = campaign.folder / "home"
        self._token = campaign.folder / "ray_token"
        write_private(self._token, planted("ray_token_that_is_long_enough").secret)
        port = free_port()
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("HATS_")} | {
            "HATS_HOME": str(self._home),
            "HATS_LOCAL_VENUE__PORT": str(port),
            "HATS_VENUE__BASE_URL": f"http://127.0.0.1:{port}",
            "HATS_METRICS__PORT": str(free_port()),
            "HATS_RAY__DASHBOARD_PORT": str(free_port()),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self._token),
            **environment(campaign.shell),
        }
        self.facts: dict[str, Any] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Up, and down again."""
        self.facts = self.hats("up")
        try:
            yield
        finally:
            self.hats("down")

    def hats(self, *args: str) -> dict[str, Any]:
        """What the command said as JSON; whatever it says is searched later."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator.cli", *args, "--json"], cwd=ROOT, env=self._environ,
            capture_output=True, check=False, timeout=400,
        )  # fmt: skip
        self._campaign.out.append((f"hats {args[0]}", done.stdout + done.stderr))
        found: dict[str, Any] = json.loads(done.stdout or done.stderr)
        if args[0] == "up" and done.returncode:
            raise HatsError(f"the desk was not raised: {found}")
        return found

    @property
    def _run(self) -> Path:
        return Path(self.facts["run_dir"])

    def secrets(self) -> list[Canary]:
        """All that the desk made for itself: passwords, keys, the operator's pass; and Ray's token."""
        keys = self._run / "keys"
        found = [Canary("ray_token", self._token.read_bytes().strip(), self._token.resolve())]
        for path in sorted(keys.glob("*.password")):
            password = path.read_text().strip()
            found.append(Canary(f"{path.stem} password", password.encode(), path.resolve()))
            unlocked = keystore.load(keystore.keystore_path(keys, path.stem), password)
            found.append(Canary(f"{path.stem} key", bytes(unlocked.secret)))
        found += [Canary(path.name, path.read_bytes(), path.resolve()) for path in sorted(keys.glob("*.key"))]
        door = self._run / "hub.json"
        return [*found, Canary("operator's pass", json.loads(door.read_bytes())["token"].encode(), door.resolve())]

    def pids(self) -> list[int]:
        """Every process of the desk."""
        return [pid for pid in descendants(self.facts["launcher_pid"]) if pid != os.getpid()]

    def outside(self) -> list[Path]:
        """What the desk keeps outside its home: the short folder with Ray's session and logs."""
        return [path for path in Path(tempfile.gettempdir()).glob(f"hats-{os.getuid()}-*") if path.is_dir()]

    def disturb(self) -> None:
        """Commands that are refused, secrets where they do not belong, and processes that die in the middle."""
        word = self._campaign.word.secret.decode()
        self.hats("execute", "buy", "0.001", word)
        self.hats("kill", "--reason", f"password={word}")
        self.hats("resume", "--reason", "the campaign goes on")
        self.hats("config", "check", "--set", f"hats.security_architect.password={word}")
        for start in ("ray::MlResearch", "hats.security_architect.signer", "ray::Orchestrator"):
            for pid in self.pids():
                with contextlib.suppress(OSError):
                    if start.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                        os.kill(pid, signal.SIGABRT)
            time.sleep(8)
        self.hats("status")
        self.hats("doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.canaries", description="Look for leaked secrets.")
    parser.add_argument("--no-desk", action="store_true", help="without a desk on Ray")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hats-canaries-") as folder:
        report = (short if options.no_desk else whole)(Path(folder))
    if options.json:
        print(json.dumps(report._asdict()))
    else:
        desk = "with" if report.had_desk else "without"
        print(f"{report.canaries} secrets planted, {report.errors} errors forced, {desk} a desk")
        print(f"{report.places} places, {report.looked_at_bytes / 1e6:.1f} MB searched in {report.took_s:.0f} s")
        print(f"{len(report.hits)} hits")
        for canary, place in report.hits:
            print(f"  {canary}: {place}")
    return 1 if report.hits else 0


if __name__ == "__main__":
    sys.exit(main())
