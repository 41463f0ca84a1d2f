"""The configuration's sections: frozen, every key typed, its unit in its name and its reason in its description."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from shared.bus.tls import TlsFiles
from shared.config_values import misfit
from shared.mailbox import DEFAULT_CAPACITY
from shared.messages.message import Lane

Port = Annotated[int, Field(ge=1, le=65_535)]
"""A TCP port that people choose; 0 is for tests, which pass it to the server themselves."""


class Section(BaseModel):
    """A part of the configuration. Frozen; a key that it does not know is an error.

    `ASCENDING`: pairs of its keys of which the first may not be above the second.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    ASCENDING: ClassVar[tuple[tuple[str, str], ...]] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _fits(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        problem = misfit(name, cls.model_fields[name].annotation, value)
        if problem is not None:
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        pairs = ((low, high, getattr(self, low), getattr(self, high)) for low, high in self.ASCENDING)
        wrong = [f"{low} is {a}, above {high}, which is {b}" for low, high, a, b in pairs if a > b]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Mode(StrEnum):
    """What a run trades with."""

    DEMO = "demo"
    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"

    @property
    def is_local(self) -> bool:
        """On the local exchange, with an account that is thrown away when the run ends?"""
        return self in {Mode.DEMO, Mode.PAPER}


class Run(Section):
    """One run of the desk."""

    name: str = Field("demo", pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="Folder of the run under home_dir.")
    mode: Mode = Field(Mode.DEMO, description="demo and paper trade on the local exchange; live needs a flag as well.")
    seed: int = Field(7, ge=0, description="Seed of every generator of chance, so that a run can be repeated.")
    arm_at_start: bool = Field(True, description="Trade as soon as all nine are ready; else wait for `hats resume`.")
    home_dir: Path | None = Field(
        None,
        description="Where runs and keys live. Unset: HATS_HOME, else $XDG_STATE_HOME/hats, else ~/.local/state/hats.",
    )
    duration_s: float | None = Field(
        None,
        gt=0,
        description="Drain and stop after so long. Unset: run until told to stop. HATS_DEMO_S sets the demo's.",
    )

    @property
    def home(self) -> Path:
        """The folder of everything that runs leave behind; the loader has filled it in."""
        assert self.home_dir is not None, "settings come from the loader, which knows the home folder"
        return self.home_dir

    @property
    def dir(self) -> Path:
        """The folder of this run: journal, logs, scorecards, sockets."""
        return self.home / "runs" / self.name


class Venue(Section):
    """The exchange that we talk to."""

    base_url: str = Field(
        "http://127.0.0.1:3001",
        pattern=r"^https?://[^/\s@]+$",
        description="Where /info and /exchange are; the local exchange unless a mode says otherwise.",
    )
    network: Literal["testnet", "mainnet"] = Field(
        "testnet", description="Signatures differ between the two, so one can't be replayed on the other."
    )
    coins: tuple[str, ...] = Field(
        ("BTC", "ETH"), min_length=1, description="What we watch and trade, spelled as the venue spells it."
    )

    @field_validator("coins")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value) or not all(value):
            raise ValueError("expected different names, none of them empty")
        return value

    @property
    def ws_url(self) -> str:
        """The WebSocket's address, which follows from `base_url`."""
        return f"ws{self.base_url.removeprefix('http')}/ws"


class LocalVenue(Section):
    """The local exchange that `hats venue` and the demo start."""

    host: str = Field("127.0.0.1", description="Loopback: it gives money to whoever signs.")
    port: Port = Field(3001, description="TCP port; outside 10002-19999, which Ray takes for its workers.")
    fund_all_usd: int = Field(100_000, ge=0, description="Whole USDC that every address which signs starts with.")
    seed: int = Field(7, ge=0, description="Seed of the synthetic market; the same seed repeats it.")
    l2_interval_ms: int = Field(
        100, ge=1, description="Time between two pushes of a coin's book; the venue's is 5000, 500 for 5 levels."
    )
    replay_speed: float = Field(
        1.0, ge=1, le=100, description="A recording or capture (--replay) moves the market so many times as fast."
    )


class BusAddress(Section):
    """How message bytes travel between the hub and the Hats."""

    kind: Literal["unix", "tcp"] = Field("unix", description="unix on one host: half the latency; tcp across hosts.")
    path: Path | None = Field(None, description="Unix socket. Unset: bus.sock in the run's folder.")
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address that the hub listens on (tcp); beyond loopback needs [tls]."
    )
    port: Port = Field(9465, description="TCP port that the hub listens on (tcp).")


class Tls(Section):
    """This host's certificate, shown to other hosts on the bus (tcp) and in Ray; theirs must be of the same authority.

    `hats certs` makes all three files. Needed as soon as anything is reachable beyond loopback.
    """

    ca_file: Path | None = Field(None, description="The authority's certificate (PEM).")
    cert_file: Path | None = Field(None, description="This host's certificate (PEM), which names its address.")
    key_file: Path | None = Field(None, description="Its private key (PEM), readable by its owner only.")

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({self.ca_file is None, self.cert_file is None, self.key_file is None}) > 1:
            raise ValueError("expected ca_file, cert_file and key_file together, or none of them")
        return self

    @property
    def files(self) -> TlsFiles | None:
        """The same as the bus takes it; None where there is none."""
        if self.ca_file is None or self.cert_file is None or self.key_file is None:
            return None
        return TlsFiles(str(self.ca_file), str(self.cert_file), str(self.key_file))


class Lanes(Section):
    """How many letters wait in each lane of a Hat's mailbox before the sender is held back."""

    kill: int = Field(DEFAULT_CAPACITY[Lane.KILL], ge=1, description="Kill and risk; first out.")
    order: int = Field(DEFAULT_CAPACITY[Lane.ORDER], ge=1, description="Orders and fills.")
    signal: int = Field(DEFAULT_CAPACITY[Lane.SIGNAL], ge=1, description="Forecasts, intents, reports.")
    market: int = Field(DEFAULT_CAPACITY[Lane.MARKET], ge=1, description="Books and trades; books conflate by coin.")

    @property
    def capacity(self) -> dict[Lane, int]:
        """The same as the mailbox takes it."""
        return {Lane.KILL: self.kill, Lane.ORDER: self.order, Lane.SIGNAL: self.signal, Lane.MARKET: self.market}


class JournalFile(Section):
    """The journal, which is the truth of a run."""

    path: Path | None = Field(None, description="SQLite file. Unset: journal.sqlite in the run's folder.")
    commit_interval_ms: int = Field(
        5, ge=1, le=1_000, description="Longest wait for a group commit of what need not be durable before it acts."
    )
    snapshot_every: int = Field(
        2_000, ge=1, description="Batches of one Hat between two snapshots; fewer means a shorter recovery."
    )


class MetricsServer(Section):
    """The Prometheus endpoint."""

    enabled: bool = Field(True, description="Serve metrics at all.")
    host: str = Field("127.0.0.1", description="Loopback: equity and exposure are nobody else's business.")
    port: Port = Field(9464, description="TCP port; the customary one of exporters, outside Ray's range.")


class Logs(Section):
    """The log files in the run's folder."""

    level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe line that is written."
    )


def fingerprint(settings: BaseModel) -> str:
    """SHA-256 in hex of the settings' canonical JSON: equal settings, equal fingerprint."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
