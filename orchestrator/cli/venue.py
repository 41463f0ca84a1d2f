"""EDGE: `hats venue`: the local exchange in the foreground, with a synthetic or a recorded market."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from orchestrator.cli import venue_choices as choices
from orchestrator.cli.options import Json, Replay
from orchestrator.cli.venue_serving import Served, armed, say_ready, serve_until_told, write_strikes
from orchestrator.cli.venue_switches import policy_of, switched
from shared.clock import Clock, ScaledClock, VirtualClock, WallClock
from shared.errors import ConfigError
from shared.hosts import is_loopback

if TYPE_CHECKING:
    from shared.venue.core.exchange import Exchange
    from shared.venue.door.host import Driver

NOBODY_LIMITED = choices.NOBODY_LIMITED


Host = Annotated[str, typer.Option(help="Address to listen on; it gives money away, so loopback.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one and says which.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the synthetic market; the same seed repeats it.")]
FundAll = Annotated[
    str | None, typer.Option(metavar="USDC", help="Every address that signs starts with that many USDC.")
]
Fund = Annotated[list[str] | None, typer.Option(metavar="ADDRESS=USDC", help="Fund one address; may be repeated.")]
L2Interval = Annotated[
    int, typer.Option(min=1, help="Time between two pushes of a book; a fast one comes every 500 at most.")
]
Events = Annotated[float, typer.Option(min=0.1, help="Commands that synthetic traders send, for each coin.")]
Coins = Annotated[
    str | None, typer.Option(metavar="BTC,ETH,...", help="Coins to list, in order of their asset ids; 25 are known.")
]
Speed = Annotated[
    float,
    typer.Option(
        min=0.01, max=1000.0, help="Let the exchange's time run N times faster, its timestamps and limits too."
    ),
]
Mix = Annotated[str, typer.Option(metavar="default|light", help="How many synthetic traders; light is for long runs.")]
QueueOption = Annotated[
    str,
    typer.Option(
        "--queue", metavar="newest|proportional|oldest", help="Whose size a recorded cancel takes (--replay)."
    ),
]
ImpactOption = Annotated[
    str,
    typer.Option("--impact", metavar="none|transient|permanent", help="How long what you take stays away (--replay)."),
]
ReplaySpeed = Annotated[
    float, typer.Option(min=0.01, max=1000.0, help="Play the recording N times as fast; time itself is --speed.")
]
Loop = Annotated[bool, typer.Option("--loop", help="Begin the recording again at its end (--replay).")]
Spot = Annotated[bool, typer.Option("--spot/--no-spot", help="List PURR/USDC, HYPE/USDC and UBTC/USDC too.")]
Exposed = Annotated[
    bool, typer.Option("--exposed", help="Let --host name an address that other machines reach: there is no login.")
]
NoMarket = Annotated[bool, typer.Option("--no-market", help="No traders: only those who connect.")]
AddressBudget = Annotated[
    str, typer.Option(metavar="N|none", help="Actions that a fresh address may send before it needs volume.")
]
IpWeight = Annotated[str, typer.Option(metavar="N|none", help="Request weight per minute; the venue's own is 1200.")]
Network = Annotated[
    str, typer.Option(metavar="testnet|mainnet", help="What clients must sign for; the SDK signs loopback as testnet.")
]
ControlPort = Annotated[
    int | None,
    typer.Option(min=0, max=65_535, help="Serve the control port (faults, money, time); 0 takes a free one."),
]
FaultScript = Annotated[
    Path | None, typer.Option("--faults", metavar="FILE", help="Faults to arm at the start: a TOML script.")
]
StrikeLog = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write what faults did to this file at the end, as JSON lines.")
]
Stepped = Annotated[
    bool, typer.Option("--stepped", help="Time stands still until POST /time on the control port lets it pass.")
]
BlockMs = Annotated[
    int, typer.Option(min=0, help="Time between blocks, cancels first in each; the venue's is 70, 0 has none.")
]
TakerDelay = Annotated[int, typer.Option(min=0, help="How long GTC and IOC orders are held back (--block-ms).")]

DexOption = Annotated[
    bool, typer.Option("--dex/--no-dex", help="List an example dex (xyz:GOLD, xyz:TSLA) and a hyperp (PRE) too.")
]
Policies = Annotated[
    list[str] | None,
    typer.Option("--policy", metavar="KEY=VALUE", help="Turn a switch of VenuePolicy (docs/venue.md); repeatable."),
]
Doors = Annotated[
    list[str] | None,
    typer.Option("--door", metavar="KEY=VALUE", help="Turn a switch of DoorSettings (docs/venue.md); repeatable."),
]


def venue(
    host: Host = "127.0.0.1",
    exposed: Exposed = False,
    port: Port = 3001,
    seed: Seed = 7,
    fund_all: FundAll = None,
    fund: Fund = None,
    l2_interval_ms: L2Interval = 5_000,
    events_per_second: Events = 20.0,
    coins: Coins = None,
    replay: Replay = None,
    speed: Speed = 1.0,
    replay_speed: ReplaySpeed = 1.0,
    loop: Loop = False,
    queue: QueueOption = "proportional",
    impact: ImpactOption = "transient",
    mix: Mix = "default",
    spot: Spot = True,
    no_market: NoMarket = False,
    address_budget: AddressBudget = "10000",
    ip_weight: IpWeight = NOBODY_LIMITED,
    network: Network = "testnet",
    control_port: ControlPort = None,
    faults: FaultScript = None,
    strike_log: StrikeLog = None,
    stepped: Stepped = False,
    block_ms: BlockMs = 0,
    taker_delay_ms: TakerDelay = 0,
    dex: DexOption = False,
    policies: Policies = None,
    doors: Doors = None,
    as_json: Json = False,
) -> None:
    """Serve the local exchange, which speaks Hyperliquid's protocol, until SIGTERM or Ctrl-C.

    One line (with --json one object {url, ws_url, port, coins, ...}) says when it is ready.
    """
    _check_together(no_market, replay, stepped, control_port, None if exposed else host)
    settings = choices.door_settings(network, fund, fund_all, address_budget, ip_weight, l2_interval_ms)
    settings = msgspec.structs.replace(settings, block_ms=block_ms, taker_delay_ms=taker_delay_ms)
    settings, policy = switched(settings, doors or (), "--door"), policy_of(policies or ())
    listed, files = choices.listed(coins), choices.recordings(replay)
    replayed = choices.replay_settings(queue, impact, replay_speed, loop=loop)
    clock: Clock = VirtualClock(WallClock().now()) if stepped else ScaledClock(WallClock(), speed)
    engine = armed(faults, clock)
    market, traders = choices.market_text(files, seed, no_market=no_market), choices.traders(events_per_second, mix)

    def make_drivers(exchange: Exchange) -> list[Driver]:
        chosen = (files, replayed, seed, traders, listed, engine)
        return [] if no_market else [choices.driver(exchange, *chosen), *choices.side_markets(exchange, seed)]

    served = Served(host, port, settings, listed, clock, engine, control_port, spot, dex, policy)
    try:
        serve_until_told(served, make_drivers, lambda facts: say_ready(facts | {"market": market}, as_json=as_json))
    finally:
        write_strikes(engine, strike_log)


def _check_together(
    no_market: bool, replay: str | None, stepped: bool, control_port: int | None, closed_host: str | None
) -> None:
    """A usage fault for options that exclude or need each other; ConfigError for an open `closed_host`."""
    if closed_host is not None and not is_loopback(closed_host):
        raise ConfigError(
            [f"--host: expected a loopback address, or --exposed too: {closed_host} serves whoever comes"]
        )
    if no_market and replay:
        raise typer.BadParameter("--no-market and --replay exclude each other")
    if stepped and control_port is None:
        raise typer.BadParameter("--stepped needs --control-port, by which time is let pass")
