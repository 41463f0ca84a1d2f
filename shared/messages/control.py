"""Timers, life cycle, the operator's commands, measurements and latencies."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from shared.ids import Role
from shared.messages.message import Lane, Message
from shared.units import Ns


class WakeAt(Message, frozen=True):
    """The speaker wants to be woken at `ns`; one wake-up per `timer` is pending at a time, the latest word holds."""

    ns: Ns
    timer: str


class Woke(Message, frozen=True):
    """The time that `role` asked for has come."""

    lane: ClassVar[Lane] = Lane.ORDER

    role: Role
    timer: str
    ns: Ns


class Started(Message, frozen=True):
    """The run began (or a Hat came back): set timers, ask for what you need. Goes to `role` alone.

    `build` is the hash of the code and `config_sha256` that of the settings it runs with; empty: not known.
    """

    lane: ClassVar[Lane] = Lane.KILL

    role: Role
    run: int
    ns: Ns
    build: str = ""
    config_sha256: str = ""


class HatState(StrEnum):
    """Where a Hat stands in its life."""

    NEW = "new"
    RESTORING = "restoring"
    SYNCING = "syncing"
    READY = "ready"
    ARMED = "armed"
    DRAINING = "draining"
    STOPPED = "stopped"
    QUARANTINED = "quarantined"


class HatStateChanged(Message, frozen=True):
    """The supervisor moved a Hat to another state."""

    lane: ClassVar[Lane] = Lane.KILL

    role: Role
    state: HatState
    reason: str


class Armed(Message, frozen=True):
    """Orders may be made from here on: every Hat is ready and the books agree with the venue's."""

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    reason: str


class Disarmed(Message, frozen=True):
    """No new order from here on; what rests is left or cancelled by the drain."""

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    reason: str


class KillLevel(StrEnum):
    """How hard to stop: no new orders; only reducing; cancel all and close all."""

    PAUSE = "pause"
    REDUCE = "reduce"
    FLATTEN = "flatten"


TIGHTNESS: Final = (KillLevel.REDUCE, KillLevel.PAUSE, KillLevel.FLATTEN)
"""Kills from mild to hard: "reduce" leaves room for reducing orders, "pause" for none."""


class KillOrdered(Message, frozen=True):
    """The operator (or the orchestrator for them) pulled the switch."""

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    level: KillLevel
    reason: str


class ResumeOrdered(Message, frozen=True):
    """The operator lets trading go on after a kill.

    `signature` (hex) is the operator's over the run, the reason and `ns`; empty where the desk asks for none.
    """

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    reason: str
    ns: Ns = Ns(0)
    signature: str = ""


class DrainOrdered(Message, frozen=True):
    """End of the run: cancel every order, flatten if asked, then say Drained."""

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    flatten: bool


class Drained(Message, frozen=True):
    """Nothing of ours is open any more; `flat` tells whether positions are zero too."""

    lane: ClassVar[Lane] = Lane.KILL
    durable: ClassVar[bool] = True

    flat: bool
    detail: str


class Measured(Message, frozen=True):
    """Raw samples of one measure of one Hat. Facts only: the orchestrator makes scores of them."""

    lane: ClassVar[Lane] = Lane.SIGNAL

    role: Role
    measure: str
    samples: tuple[float, ...]


class HopSample(msgspec.Struct, frozen=True, array_like=True):
    """One message's way through one Hat: waited in the mailbox, then handled (both in ns)."""

    role: Role
    kind: str
    waited_ns: int
    handled_ns: int


class HopTimings(Message, frozen=True):
    """Latencies since the last report: a bounded sample of hops, every tick-to-wire, and the hub's own loop lag."""

    hops: tuple[HopSample, ...]
    tick_to_wire_ns: tuple[int, ...]
    loop_lag_ns: int
    clock_offset_ns: int


class LatencyLine(msgspec.Struct, frozen=True, array_like=True):
    """Percentiles of one hop in microseconds."""

    role: Role
    p50_us: float
    p99_us: float
    n: int


class LatencyReport(Message, frozen=True):
    """Where time goes: each Hat's hop, tick-to-wire, and which budgets are broken."""

    hops: tuple[LatencyLine, ...]
    tick_to_wire_p50_us: float
    tick_to_wire_p99_us: float
    tick_to_wire_n: int
    over_budget: tuple[str, ...]


class Throttle(Message, frozen=True):
    """Decide no more often than every `min_interval_ns`; 0 lifts it."""

    lane: ClassVar[Lane] = Lane.KILL

    min_interval_ns: int
    reason: str


class Accessed(Message, frozen=True):
    """Somebody used a door of the desk, `count` times between `first_ns` and `last_ns`.

    `door` is "operator" (the hub's line) or "metrics"; `uid` and `pid` are those that the system tells of the peer, -1
    where it tells none; `result` is "ok" or the refusal.
    """

    lane: ClassVar[Lane] = Lane.SIGNAL

    door: str
    what: str
    uid: int
    pid: int
    result: str
    count: int
    first_ns: Ns
    last_ns: Ns


class AuditRecord(Message, frozen=True):
    """To our own audit log: record `index`, chained to the one before.

    `digest` = SHA-256(previous digest || canonical JSON `body`), in hex; the first record's `previous` is 64 zeros.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    index: int
    body: str
    previous: str
    digest: str


class AgentMet(Message, frozen=True):
    """The signer said for which agent it signs from here on, and when that key was made (`created_ns`; 0: unknown).

    Whatever it signs from here on needs a nonce above `high_nonce`.
    """

    lane: ClassVar[Lane] = Lane.ORDER

    address: str
    network: str
    created_ns: Ns
    high_nonce: int = 0


class AuditCheckpointed(Message, frozen=True):
    """The signer signed that the audit log has `size` records under the Merkle root `root` (hex), at `ns`.

    `public_key` (hex) is the one that signed.
    """

    lane: ClassVar[Lane] = Lane.ORDER

    size: int
    root: str
    ns: Ns
    public_key: str


class Check(StrEnum):
    """What a run looks at by itself, for the Security Architect's scores."""

    AUDIT = "audit"
    SECRETS = "secrets"
    EXPOSURE = "exposure"


class Checked(Message, frozen=True):
    """A job of the run's own looked at so many places and found so many wrong; the schedule has its words."""

    lane: ClassVar[Lane] = Lane.SIGNAL

    check: Check
    places: int
    faults: int


class JobEnded(Message, frozen=True):
    """An attempt of one of the run's own jobs ended; with a `fault` it failed, and if `is_final` no other follows.

    The pair of `run` and `attempt` counts the times that the job was due, and the tries of this one from 1.
    """

    lane: ClassVar[Lane] = Lane.SIGNAL

    job: str
    run: int
    attempt: int
    fault: str
    is_final: bool
