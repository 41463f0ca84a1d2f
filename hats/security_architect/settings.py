"""The Security Architect's section of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.config import Section


class Settings(Section):
    """What is signed at most, how long the signer may take, and how often work is measured and synced."""

    ASCENDING: ClassVar = (("reconnect_ms_min", "reconnect_ms_max"),)

    network: Literal["testnet", "mainnet"] = Field(
        "testnet", description="Which venue signatures are good for; a local exchange counts as testnet."
    )
    signer_socket: str = Field(
        "run/signer/signer.sock",
        min_length=1,
        max_length=100,
        description="The signer's Unix socket, in a 0700 folder.",
    )
    signer_user: str | None = Field(
        None,
        min_length=1,
        description="User that the signer becomes, where root starts the desk. Unset: the desk's own user.",
    )
    signer_dir: Path | None = Field(
        None, description="Folder of that user's (made 0700) for spent nonces, with every folder above it passable."
    )
    keystore: Path | None = Field(
        None, description="The agent's keystore file. Unset: a throw-away agent, on the local exchange only."
    )
    password_file: Path | None = Field(None, description="File (0600) with the keystore's password.")
    max_order_notional_usd: float = Field(
        25_000.0, gt=0, description="The signer refuses a larger order unless it only reduces."
    )
    order_sz_max: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {},
        description="Largest order of a coin, in coins. A coin that is not named: what the notional cap buys, twice.",
    )
    window_ms: int = Field(60_000, ge=1_000, description="Rolling window of the next two caps, at the signer.")
    window_orders_max: int = Field(
        1_500,
        ge=1,
        description="Most orders within the window that may add exposure. Those that reduce are not counted.",
    )
    window_notional_usd_max: float = Field(
        2_500_000.0, gt=0, description="Most that they may be worth together, at the worse of limit and oracle price."
    )
    collar_bps_max: int = Field(
        500, ge=1, description="The signer refuses to add exposure at a price so much worse than the oracle's."
    )
    oracle_age_ms_max: int = Field(
        30_000, ge=1_000, description="An older price of the oracle is none, and without one only reducing orders pass."
    )
    oracle_every_ms: int = Field(
        10_000, ge=500, description="How often the signer's own feeder reads the oracle prices (20 weight each time)."
    )
    expires_ahead_ms_max: int = Field(
        30_000, ge=1, le=30_000, description="An order whose venue deadline is further ahead is refused."
    )
    entries_max: int = Field(
        20, ge=1, le=20, description="Most orders or cancels that are signed as one action; 1: each by itself."
    )
    signer_deadline_ms: int = Field(250, ge=1, description="No answer within this time is a refusal.")
    reconnect_ms_min: int = Field(50, ge=1, description="First wait before the signer is called again.")
    reconnect_ms_max: int = Field(2_000, ge=1, description="Longest wait before the signer is called again.")
    unanswered_after_ms: int = Field(
        2_000, ge=1, description="A request without signature or refusal for this long counts as wrongly refused."
    )
    audit_sync_ms: int = Field(200, ge=1, description="The audit log reaches the disk at least this often.")
    checkpoint_records: int = Field(
        1_000, ge=1, description="So many audit records without a signed checkpoint get one."
    )
    checkpoint_s: float = Field(60.0, gt=0, description="Audit records wait at most so long for a signed checkpoint.")
    chain_check_records: int = Field(
        256,
        ge=2,
        le=4_096,
        description="Newest audit records kept: hashed anew at each measure, said again at a restart.",
    )
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")
