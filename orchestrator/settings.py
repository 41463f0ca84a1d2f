"""All settings of one desk: the shared sections, the orchestrator's own, and one for each of the nine Hats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hats.exchange_architect.settings import Settings as ExchangeArchitect
from hats.execution_manager.settings import Settings as ExecutionManager
from hats.low_latency_engineer.settings import Settings as LowLatencyEngineer
from hats.microstructure_analyst.settings import Settings as MicrostructureAnalyst
from hats.ml_research_scientist.settings import Settings as MlResearchScientist
from hats.performance_quant_analyst.settings import Settings as PerformanceQuantAnalyst
from hats.quant_strategist.settings import Settings as QuantStrategist
from hats.risk_oversight_officer.settings import Settings as RiskOversightOfficer
from hats.security_architect.settings import Settings as SecurityArchitect
from orchestrator.machine.exposure import exposed
from orchestrator.safekeeping.retention import Days, RetentionClass
from orchestrator.watchdog.guard import Aim
from shared.config import (
    BusAddress,
    JournalFile,
    Lanes,
    LocalVenue,
    Logs,
    MetricsServer,
    Mode,
    Port,
    Run,
    Section,
    Tls,
    Venue,
)
from shared.config_keys import as_toml
from shared.rules.limits import BASE_OPEN_ORDERS

TRIGGERS_EACH: Final = 4
"""Most triggers that protect one coin's position: a stop and a take-profit, and what is about to replace each."""
SLOW_BOOKS_MS: Final = 5_000
"""The venue's pace of books of twenty levels. Source: fact sheet 3.4."""
ORACLE_WEIGHT: Final = 20
"""Weight of one reading of the oracle prices. Source: Hyperliquid documentation, "Rate limits"."""
DEAD_MAN_LEAD_MS: Final = 5_000
"""The venue refuses to schedule a cancel sooner. Source: Hyperliquid documentation, "Schedule cancel"."""
SCHEMA_LINE: Final = "#:schema ./schema.json\n"
BASE_HEAD: Final = (
    SCHEMA_LINE
    + """# Every key with its unit and reason, at its default. `make configs` writes this from the models: change those.
# A mode's file says `extends = "base.toml"` and what differs. Later wins: default, base, file, HATS_A__B, --set.
"""
)


class RayCluster(Section):
    """The Ray cluster that the ten actors live in."""

    address: str = Field(
        "auto", min_length=1, description='"auto": the cluster of this machine; else host:port of its head.'
    )
    namespace: str = Field(
        "hats", min_length=1, description="Actors are named within it, so that two desks can share a cluster."
    )
    dashboard: bool = Field(True, description="Start Ray's dashboard (only when we start Ray ourselves).")
    dashboard_port: Port = Field(8265, description="TCP port of Ray's dashboard on loopback.")
    num_cpus: int | None = Field(None, ge=1, description="CPUs that Ray may count on. Unset: all of the machine.")
    probe_s: float = Field(1.0, gt=0, le=3, description="Wait for a cluster's address to answer before refusing it.")


class Supervision(Section):
    """How the Hats are kept alive, and the orchestrator."""

    restart_intensity: int = Field(
        5, ge=1,
        description="Restarts in the window before a Hat is quarantined; starts before the orchestrator stays down.",
    )  # fmt: skip
    restart_window_s: float = Field(60.0, gt=0, description="Length of that window.")


class Watchdog(Section):
    """The process outside Ray that acts when the desk can't; it has an agent of its own."""

    enabled: bool = Field(True, description="Start one. Without it nobody acts when this desk dies.")
    aim: Aim = Field(
        Aim.FLATTEN,
        description='Besides cancelling: "cancel" keeps positions, "protect" closes those without stop, "flatten" all.',
    )
    silence_ms: int = Field(3_000, ge=1_500, le=60_000, description="Heartbeats missing for so long make it act.")
    dead_man_ms: int = Field(
        15_000,
        ge=0,
        description="Lead of the venue's own scheduled cancel (5,000 at least), armed while no stop rests; 0: none.",
    )
    keystore: Path | None = Field(
        None, description="The watchdog's agent. Unset: a throw-away agent, on the local exchange only."
    )
    password_file: Path | None = Field(None, description="File (0600) with that keystore's password.")

    @field_validator("dead_man_ms")
    @classmethod
    def _takes_the_venues_lead(cls, value: int) -> int:
        if 0 < value < DEAD_MAN_LEAD_MS:
            raise ValueError(f"expected 0 or at least {DEAD_MAN_LEAD_MS}")
        return value


class RealMoney(Section):
    """The operator's word that this desk may lose real money; without it mode live is refused."""

    account: str | None = Field(
        None,
        pattern=r"^0x[0-9a-f]{40}$",
        description="Master address of the account that may lose: the same as hats.exchange_architect.user_address.",
    )
    equity_max_usd: int = Field(
        0, ge=0, description="A desk does not begin on an account that is worth more, in whole USDC."
    )


class AtRest(Section):
    """Who can read what lies on the disk: whoever has the disk, or whoever has the key too."""

    mode: Literal["plain", "sealed"] = Field(
        "plain",
        description="sealed: a run is sealed when it has ended (`hats runs unseal` shows it); plain: private folders.",
    )
    key_file: Path | None = Field(
        None,
        description="File (0600) with the key, made when first needed. Unset: keys/at-rest.key in the home folder. "
        "Keep a copy elsewhere: no backup holds it, and without it none can be read.",
    )


class Backup(Section):
    """Backups that a run makes by itself of the whole home folder; `hats backup` makes one at any time."""

    dir: Path | None = Field(
        None, description="Folder of the backups; on another disk, or it is none. Unset: a run makes no backup."
    )
    every_s: float = Field(3_600.0, ge=60, description="Time between two: what a lost disk costs at most.")
    keep: int = Field(48, ge=2, description="So many are kept; older ones go when a new one is whole.")


class Retention(Section):
    """How long what a run leaves is kept after it has ended. Unset: for ever. Nothing of the newest run ever goes."""

    captures_days: float | None = Field(None, gt=0, description="Frames as received, in the run's folder.")
    logs_days: float | None = Field(None, gt=0, description="What the processes wrote.")
    journal_days: float | None = Field(None, gt=0, description="The journal, with it reports, settings and keys.")
    audit_days: float | None = Field(
        None, gt=0, description="Audit log and checkpoints; no shorter than any other class, for it is about them."
    )

    @model_validator(mode="after")
    def _audit_stays_longest(self) -> Self:
        others = (self.captures_days, self.logs_days, self.journal_days)
        if self.audit_days is not None and any(days is None or days > self.audit_days for days in others):
            raise ValueError("audit_days: expected no less than of every other class, and these set too")
        return self

    @property
    def days(self) -> Days:
        """By class."""
        kept = {
            RetentionClass.CAPTURES: self.captures_days,
            RetentionClass.LOGS: self.logs_days,
            RetentionClass.JOURNAL: self.journal_days,
            RetentionClass.AUDIT: self.audit_days,
        }
        return {kind: days for kind, days in kept.items() if days is not None}


class Hats(Section):
    """One section for each Hat, defined by the Hat itself."""

    exchange_architect: ExchangeArchitect = ExchangeArchitect()
    quant_strategist: QuantStrategist = QuantStrategist()
    microstructure_analyst: MicrostructureAnalyst = MicrostructureAnalyst()
    low_latency_engineer: LowLatencyEngineer = LowLatencyEngineer()
    execution_manager: ExecutionManager = ExecutionManager()
    risk_oversight_officer: RiskOversightOfficer = RiskOversightOfficer()
    security_architect: SecurityArchitect = SecurityArchitect()
    performance_quant_analyst: PerformanceQuantAnalyst = PerformanceQuantAnalyst()
    ml_research_scientist: MlResearchScientist = MlResearchScientist()


class Settings(BaseSettings):
    """The whole configuration. It reads nothing by itself: shared/config_sources.py gives it the layers."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    run: Run = Run()
    venue: Venue = Venue()
    local_venue: LocalVenue = LocalVenue()
    ray: RayCluster = RayCluster()
    bus: BusAddress = BusAddress()
    tls: Tls = Tls()
    mailbox: Lanes = Lanes()
    journal: JournalFile = JournalFile()
    supervisor: Supervision = Supervision()
    watchdog: Watchdog = Watchdog()
    real_money: RealMoney = RealMoney()
    at_rest: AtRest = AtRest()
    backup: Backup = Backup()
    retention: Retention = Retention()
    metrics: MetricsServer = MetricsServer()
    log: Logs = Logs()
    hats: Hats = Hats()

    @model_validator(mode="after")
    def _agrees(self) -> Settings:
        """What each section may say for itself also fits the others; everything that does not is told at once."""
        problems = [*self._open(), *self._outpaced(), *self._crowded(), *self._unsignable()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _open(self) -> list[str]:
        """Nothing starts exposed: what listens beyond loopback asks for credentials and is encrypted, or is refused."""
        return exposed(
            metrics_host=self.metrics.host,
            local_venue_host=self.local_venue.host,
            bus_host=self.bus.host if self.bus.kind == "tcp" else None,
            venue_url=self.venue.base_url,
            has_tls=self.tls.files is not None,
        )

    def _outpaced(self) -> list[str]:
        """Nobody is told to quote on books that are always too old: Hyperliquid's own pace is no setting of ours."""
        feed, stale_ms = self.hats.exchange_architect, self.hats.quant_strategist.stale_ms
        if self.run.mode not in (Mode.DEMO, Mode.PAPER) and not feed.fast_books and stale_ms <= SLOW_BOOKS_MS:
            return [
                (
                    f"hats.quant_strategist.stale_ms is {stale_ms}, but without hats.exchange_architect.fast_books the "
                    f"venue sends a book every {SLOW_BOOKS_MS} ms: set fast_books = true, or a longer stale_ms"
                )
            ]
        return []

    def _crowded(self) -> list[str]:
        """Beyond its limit of open orders the venue takes no trigger and nothing that reduces: entries stay below."""
        limit, coins = self.hats.risk_oversight_officer.open_orders_limit, len(self.venue.coins)
        most = BASE_OPEN_ORDERS - TRIGGERS_EACH * coins
        if limit > most:
            return [
                (
                    f"hats.risk_oversight_officer.open_orders_limit is {limit}: at most {most} leaves room for the "
                    f"triggers of {coins} coins within the {BASE_OPEN_ORDERS} open orders that the venue allows"
                )
            ]
        return []

    def _unsignable(self) -> list[str]:
        """No order is given longer than the signer lets one live, or it would refuse them all."""
        ttl_ms, most = self.hats.execution_manager.order_ttl_ms, self.hats.security_architect.expires_ahead_ms_max
        if ttl_ms > most:
            return [
                (
                    f"hats.execution_manager.order_ttl_ms is {ttl_ms}, but the signer refuses an order that lives "
                    f"longer than hats.security_architect.expires_ahead_ms_max, which is {most}"
                )
            ]
        return []

    def with_venue(self) -> Settings:
        """The same with the venue's address, coins, network and weight handed down to the Hats that deal with it."""
        venue, every_ms = self.venue, self.hats.security_architect.oracle_every_ms
        feeder_weight = ORACLE_WEIGHT * -(-60_000 // every_ms)
        return self._with_hats(
            exchange_architect={
                "base_url": venue.base_url,
                "coins": venue.coins,
                "weight_elsewhere": feeder_weight,
            },
            security_architect={"network": venue.network},
        )

    def with_seal_key(self, key_file: Path) -> Settings:
        """The same with the key of files at rest handed down to who writes files; unchanged where they are plain."""
        if self.at_rest.mode == "plain":
            return self
        capture = self.hats.exchange_architect.capture.model_copy(update={"seal_key_file": key_file})
        return self._with_hats(exchange_architect={"capture": capture.model_dump()})

    def with_watchdog(self, keystore: Path, password_file: Path) -> Settings:
        """The same with the watchdog's agent."""
        section = self.watchdog.model_copy(update={"keystore": keystore, "password_file": password_file})
        return self.model_copy(update={"watchdog": section})

    def with_account(self, master: str, keystore: Path, password_file: Path, signer_socket: Path) -> Settings:
        """The same for one account: whose orders are read, and which key signs."""
        return self._with_hats(
            exchange_architect={"user_address": master},
            security_architect={
                "keystore": keystore,
                "password_file": password_file,
                "signer_socket": str(signer_socket),
            },
        )

    def _with_hats(self, **updates: dict[str, object]) -> Settings:
        sections = {
            name: type(section).model_validate(section.model_dump() | updates[name])
            for name, section in ((name, getattr(self.hats, name)) for name in updates)
        }
        return self.model_copy(update={"hats": self.hats.model_copy(update=sections)})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given counts."""
        return (init_settings,)


def base_toml() -> str:
    """The text of configs/base.toml: every key at its default, explained."""
    return BASE_HEAD + as_toml(Settings())


def schema_json() -> str:
    """The text of configs/schema.json, for editors: completion, units and reasons while typing."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "Another file of the same form, relative to this one, that lies beneath it.",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
