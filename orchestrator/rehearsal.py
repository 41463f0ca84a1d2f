"""A whole desk on the stage: nine Hats, signer, local exchange and market in one thread, from one seed.

What backtests, replays and fault simulations start from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hats.exchange_architect.tape import forget
from hats.security_architect.signer.inprocess import InProcessSigner
from hats.security_architect.signer.oracle import DECIMALS, Prices, oracle_pxs
from orchestrator import compose
from orchestrator.accounts.onboarding import address_of, approval_body, throw_away_secret
from orchestrator.accounts.signing import Listed, policy_for
from orchestrator.heart import Heart
from orchestrator.recording import Recording
from orchestrator.settings import Settings
from orchestrator.stage import Stage
from orchestrator.stage_venue import Driver, StageVenue
from orchestrator.supervisor import Supervisor
from shared.approval import ApprovalKey
from shared.clock import VirtualClock
from shared.errors import HatsError
from shared.hat import Hat
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.mailbox import Mailbox
from shared.messages.control import DrainOrdered
from shared.units import MS, SECOND, USD, Ns, Usd, scaled_from_float
from shared.venue.core.exchange import Exchange
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.flow.coins import COINS, Coin, listings
from shared.venue.flow.fundamental import PriceProcess
from shared.venue.flow.hawkes import HawkesSettings
from shared.venue.flow.makers import MakerSettings, ProviderSettings
from shared.venue.flow.mix import FlowMix
from shared.venue.flow.regimes import STEADY
from shared.venue.flow.synthetic import SyntheticMarket, SyntheticSettings
from shared.warehouse.capture.log import CaptureLog

START_NS: Final = Ns(1_790_000_000 * SECOND)
"""When every rehearsal begins (September 2026), unless told otherwise."""
RUN: Final = 1
DRAIN_S_MAX: Final = 30
NO_PRICE_NS: Final = SECOND // 2
"""The oracle is read again so soon while there is no price yet, as the signer's feeder does."""
STAGE_MARKET: Final = SyntheticSettings(
    mix=FlowMix(
        maker=MakerSettings(quote_trades=4.0, follow=0.4),
        provider=ProviderSettings(spreads=3.0, exponent=0.8, trades=2.0),
        hawkes=HawkesSettings(0.65, 0.15, 1.5),
        informed_trades=2.0,
    ),
    process=PriceProcess(jump_bps=6.0, regimes=STEADY),
)
"""Without changes of weather, so that what is measured is due to the Hats, and thin, so that a minute is enough to be
filled."""
_NOWHERE: Final = Path("/nonexistent")
"""The stage's signer has neither files nor a socket."""

MakeDrivers = Callable[[Exchange, int], Sequence[Driver]]
MakeHat = Callable[[Settings, ApprovalKey], Hat]


@dataclass
class Rehearsal:
    """A desk on the stage, ready to run."""

    stage: Stage
    heart: Heart
    journal: Journal
    venue: StageVenue
    exchange: Exchange
    master: str
    settings: Settings
    approval_key: ApprovalKey
    log: CaptureLog | None = None
    run: int = RUN

    def positions(self) -> dict[str, int]:
        """Signed lots by coin, as the exchange's core holds them for our account."""
        coins = {listing.instrument.asset: listing.instrument.coin for listing in self.exchange.listings.values()}
        held = self.exchange.account(self.master).positions
        return {coins[position.asset]: position.net_sz for position in held if position.net_sz}

    def run_for(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        self.stage.run_until(self.stage.clock.now() + int(seconds * SECOND))

    def drain(self, *, flatten: bool = True) -> None:
        """End the run in order; HatsError if the drain does not end in time."""
        self.stage.publish(Role.OPERATOR, DrainOrdered(flatten))
        for _ in range(DRAIN_S_MAX):
            self.run_for(1)
            if self.heart.supervisor.drained is not None:
                self.run_for(1)  # the ledger's last word
                return
        raise HatsError(f"the drain did not end within {DRAIN_S_MAX} virtual seconds")

    def close(self) -> None:
        """Write the rest of the journal, and seal the capture log."""
        self.journal.close()
        if self.log is not None:
            self.venue.stop()
            self.log.close(self.stage.clock.now())


def rehearse(
    settings: Settings,
    journal_path: Path,
    *,
    seed: int,
    make_drivers: MakeDrivers | None = None,
    coins: Sequence[Coin] = COINS,
    latency_ns: int = 2 * MS,
    start_ns: Ns = START_NS,
    hats: Mapping[Role, MakeHat] | None = None,
    door_settings: DoorSettings | None = None,
    capture: Path | None = None,
    recording: Recording | None = None,
) -> Rehearsal:
    """A desk as the settings say, with throw-away keys from the seed, its Hats restored and its edges open.

    `hats` says how some of the Hats are made instead (sabotage). `capture`: the folder of a log of all frames, at
    virtual times, the same bytes whenever the same desk is rehearsed. What a `recording` holds of market data is
    played to the desk instead of the exchange's own.
    """
    master, agent = throw_away_secret(seed, "master"), throw_away_secret(seed, "agent")
    settings = settings.with_venue().with_account(address_of(master), _NOWHERE, _NOWHERE, _NOWHERE)
    exchange = Exchange(listings(coins), start_ns=start_ns)
    door = Door(exchange, door_settings or door_settings_of(settings), start_ns)
    drivers = (make_drivers or _synthetic)(exchange, seed)
    clock = VirtualClock(start_ns)
    journal = Journal(journal_path, now_ns=start_ns, is_durable=False)
    supervisor = Supervisor(RUN, wants_armed=True, restarts_max=settings.supervisor.restart_intensity)
    mailboxes = {role: Mailbox(role, settings.mailbox.capacity) for role in HATS}
    heart = Heart(journal, compose.CATALOGUE, supervisor, mailboxes)
    approval_key = ApprovalKey(approval_secret(seed))
    readings = _Readings(door, coins, settings.venue.coins)
    signer = InProcessSigner(policy_for(settings, readings.listed(start_ns)), agent, approval_key, start_ns)
    wanted = settings.hats.exchange_architect
    log = None if capture is None else CaptureLog(capture, RUN, start_ns, wanted.capture, sync=_is_no_disk)
    record = forget if log is None else log.append
    venue = StageVenue(door, drivers, wanted, seed=seed, latency_ns=latency_ns, recording=recording, record=record)
    stage = Stage(
        heart,
        journal,
        clock,
        {role: _maker(settings, role, (hats or {}).get(role), approval_key) for role in HATS},
        {Role.EXCHANGE_ARCHITECT: venue, Role.SECURITY_ARCHITECT: signer},
    )
    venue.join(stage)
    _feed(stage, readings, signer, settings.hats.security_architect.oracle_every_ms * MS, start_ns)
    _approve(venue, master, signer.address, start_ns)
    stage.start()
    if log is not None:
        _commit_on(stage, log, start_ns)
    return Rehearsal(stage, heart, journal, venue, exchange, address_of(master), settings, approval_key, log)


def _commit_on(stage: Stage, log: CaptureLog, now: Ns) -> None:
    """Bring the log to its file once a virtual second from now on."""
    log.commit(now)
    stage.at(now + SECOND, lambda then: _commit_on(stage, log, then))


def _is_no_disk(_: int) -> None:
    """A rehearsal is not worth an fsync: whoever lost it rehearses again."""


def approval_secret(seed: int) -> bytes:
    """The secret of a rehearsal's approval key, for whoever replays its journal."""
    return throw_away_secret(seed, "approvals")


def _maker(settings: Settings, role: Role, other: MakeHat | None, approval_key: ApprovalKey) -> Callable[[], Hat]:
    return lambda: compose.make_hat(settings, role, approval_key) if other is None else other(settings, approval_key)


def _synthetic(exchange: Exchange, seed: int) -> Sequence[Driver]:
    return (SyntheticMarket(exchange, seed, STAGE_MARKET),)


def door_settings_of(settings: Settings) -> DoorSettings:
    """The exchange's door as it is unless asked otherwise: nobody is refused for sending too much weight."""
    return DoorSettings(
        fund_all_usd=Usd(settings.local_venue.fund_all_usd * USD),
        l2_interval_ms=settings.local_venue.l2_interval_ms,
        l2_fast_interval_ms=settings.local_venue.l2_interval_ms,
        mids_interval_ms=1_000,
    )


class _Readings:
    """The oracle prices as the signer's feeder reads them, past the network that the stage may cut."""

    def __init__(self, door: Door, coins: Sequence[Coin], traded: Sequence[str]) -> None:
        self._door = door
        self._coins = {asset: coin for asset, coin in enumerate(coins) if coin.name in traded}

    def pxs(self, now: Ns) -> dict[int, int]:
        """Oracle prices by asset; none if the exchange has no time for us."""
        status, _, reply = self._door.http("/info", "application/json", b'{"type":"metaAndAssetCtxs"}', now)
        return oracle_pxs(reply, self._coins) if status == 200 else {}

    def listed(self, now: Ns) -> list[Listed]:
        """What is traded."""
        starts = {asset: scaled_from_float(coin.start, DECIMALS) for asset, coin in self._coins.items()}
        pxs = starts | self.pxs(now)
        return [Listed(coin.name, asset, coin.sz_decimals, pxs[asset]) for asset, coin in self._coins.items()]


def _feed(stage: Stage, readings: _Readings, signer: InProcessSigner, every_ns: int, now: Ns) -> None:
    """Tell the signer the prices now, and so often from now on."""
    pxs = readings.pxs(now)
    signer.tell_prices(Prices(now // MS, tuple(pxs.items())))
    pause_ns = every_ns if pxs else min(every_ns, NO_PRICE_NS)
    stage.at(now + pause_ns, lambda then: _feed(stage, readings, signer, every_ns, then))


def _approve(venue: StageVenue, master: bytes, agent_address: str, now: Ns) -> None:
    status, reply = venue.http("/exchange", approval_body(master, agent_address, "stage", now // MS))
    if status != 200 or b'"status":"ok"' not in reply:
        raise HatsError(f"the local exchange did not take the agent: HTTP {status}: {reply[:200]!r}")
