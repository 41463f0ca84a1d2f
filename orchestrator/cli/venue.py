"""EDGE: `hats venue`: the local exchange in the foreground, with a synthetic or a recorded market."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.options import Json, Replay
from orchestrator.cli.terminal import emit, note, say
from shared.errors import ConfigError, UnitError
from shared.units import Usd, usd_from_str

if TYPE_CHECKING:
    from shared.venue.core.exchange import Exchange
    from shared.venue.door.host import Driver
    from shared.venue.door.settings import DoorSettings
    from shared.venue.flow.coins import Coin
    from shared.venue.flow.recorded import RecordedMarket, RecordedSettings
    from shared.venue.flow.synthetic import SyntheticSettings

NOBODY_LIMITED = "none"
FAST_BOOK_MS = 500


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
    str | None, typer.Option(metavar="BTC,ETH,...", help="Coins to list, in order of their asset ids. Default: all.")
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
Loop = Annotated[bool, typer.Option("--loop", help="Begin the recording again at its end (--replay).")]
NoMarket = Annotated[bool, typer.Option("--no-market", help="No traders: only those who connect.")]
AddressBudget = Annotated[
    str, typer.Option(metavar="N|none", help="Actions that a fresh address may send before it needs volume.")
]
IpWeight = Annotated[str, typer.Option(metavar="N|none", help="Request weight per minute; the venue's own is 1200.")]
Network = Annotated[
    str, typer.Option(metavar="testnet|mainnet", help="What clients must sign for; the SDK signs loopback as testnet.")
]


def venue(
    host: Host = "127.0.0.1",
    port: Port = 3001,
    seed: Seed = 7,
    fund_all: FundAll = None,
    fund: Fund = None,
    l2_interval_ms: L2Interval = 5_000,
    events_per_second: Events = 20.0,
    coins: Coins = None,
    replay: Replay = None,
    speed: Speed = 1.0,
    loop: Loop = False,
    queue: QueueOption = "proportional",
    impact: ImpactOption = "transient",
    mix: Mix = "default",
    no_market: NoMarket = False,
    address_budget: AddressBudget = "10000",
    ip_weight: IpWeight = NOBODY_LIMITED,
    network: Network = "testnet",
    as_json: Json = False,
) -> None:
    """Serve the local exchange, which speaks Hyperliquid's protocol, until SIGTERM or Ctrl-C.

    One line (with --json one object {url, ws_url, port, coins, ...}) says when it is ready.
    """
    if no_market and replay:
        raise typer.BadParameter("--no-market and --replay exclude each other")
    from shared.venue.door.settings import DoorSettings

    door_settings = DoorSettings(
        network=_one_of(network, {"testnet": "Testnet", "mainnet": "Mainnet"}, "--network"),
        fund=_funded(fund or ()),
        fund_all_usd=None if fund_all is None else _usd(fund_all, "--fund-all"),
        address_budget=_limit(address_budget, "--address-budget"),
        ip_weight_per_minute=_limit(ip_weight, "--ip-weight"),
        l2_interval_ms=l2_interval_ms,
        l2_fast_interval_ms=min(l2_interval_ms, FAST_BOOK_MS),
    )
    listed = _listed(coins)
    files = _recordings(replay)
    replayed = _replay_settings(queue, impact, loop=loop)
    traders = _traders(events_per_second, mix)

    def announce(bound: int) -> None:
        _announce(_facts(host, bound, listed, files, seed=seed, no_market=no_market), as_json=as_json)

    def make_drivers(exchange: Exchange) -> list[Driver]:
        if no_market:
            return []
        if files:
            return [_recorded(exchange, files, replayed)]
        return [_synthetic(exchange, seed, traders, listed)]

    _serve(host, port, door_settings, listed, make_drivers, announce, speed)


def _announce(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit(facts)
    else:
        names = ", ".join(facts["coins"])
        say(f"local exchange at {facts['url']} ({facts['market']}; {names}); Ctrl-C stops it")


def _serve(
    host: str,
    port: int,
    settings: DoorSettings,
    listed: Sequence[Coin],
    make_drivers: Callable[[Exchange], list[Driver]],
    announce: Callable[[int], None],
    speed: float,
) -> None:
    """Serve until told to stop; what a replay had to move or leave out is told on stderr."""
    import asyncio
    import errno

    from shared.clock import ScaledClock, WallClock
    from shared.venue.core.exchange import Exchange
    from shared.venue.door.door import Door
    from shared.venue.door.server import serve
    from shared.venue.flow.coins import listings
    from shared.venue.flow.recorded import RecordedMarket

    clock = ScaledClock(WallClock(), speed)
    exchange = Exchange(listings(listed), start_ns=clock.now())
    door = Door(exchange, settings, clock.now())
    drivers = make_drivers(exchange)
    try:
        asyncio.run(serve(door, clock=clock, host=host, port=port, drivers=drivers, ready=announce))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise
        raise ConfigError([f"cannot listen on {host}:{port}: {error.strerror}; --port 0 takes a free port"]) from error
    for driver in drivers:
        if isinstance(driver, RecordedMarket):
            note(_replayed(driver))


def _traders(events_per_second: float, mix: str) -> SyntheticSettings:
    from shared.venue.flow.mix import DEFAULT_MIX, LIGHT_MIX
    from shared.venue.flow.synthetic import SyntheticSettings

    named = _one_of(mix, {"default": "default", "light": "light"}, "--mix")
    chosen = LIGHT_MIX if named == "light" else DEFAULT_MIX
    return SyntheticSettings(events_per_second=events_per_second, mix=chosen)


def _synthetic(exchange: Exchange, seed: int, settings: SyntheticSettings, listed: Sequence[Coin]) -> Driver:
    from shared.venue.flow.synthetic import SyntheticMarket

    return SyntheticMarket(exchange, seed, settings, listed)


def _replay_settings(queue: str, impact: str, *, loop: bool) -> RecordedSettings:
    from shared.venue.flow.footprint import Impact
    from shared.venue.flow.mirror import Queue
    from shared.venue.flow.recorded import RecordedSettings

    return RecordedSettings(
        loop=loop,
        queue=Queue(_one_of(queue, {each.value: each.value for each in Queue}, "--queue")),
        impact=Impact(_one_of(impact, {each.value: each.value for each in Impact}, "--impact")),
    )


def _recorded(exchange: Exchange, files: Sequence[Path], settings: RecordedSettings) -> Driver:
    from shared.venue.flow.recorded import RecordedMarket
    from shared.venue.flow.recording_files import open_recordings

    return RecordedMarket(exchange, open_recordings(*files), settings)


def _facts(
    host: str, bound: int, listed: Sequence[Coin], files: Sequence[Path], *, seed: int, no_market: bool
) -> dict[str, Any]:
    shown = f"[{host}]" if ":" in host else host
    market = "no market" if no_market else f"replay of {', '.join(map(str, files))}" if files else f"seed {seed}"
    return {
        "url": f"http://{shown}:{bound}",
        "ws_url": f"ws://{shown}:{bound}/ws",
        "port": bound,
        "coins": [coin.name for coin in listed],
        "market": market,
    }


def _replayed(market: RecordedMarket) -> str:
    counts = market.report()
    return (
        f"replayed {counts.frames} frames ({counts.books} books, {counts.trades} trades, {counts.loops} loops); "
        f"moved {counts.moved_px} prices and {counts.moved_sz} sizes onto our units; left out "
        f"{counts.too_small_trades} small and {counts.old_trades} old trades, {counts.unsound_books} unsound books, "
        f"{counts.ignored} other frames"
    )


def _listed(names: str | None) -> tuple[Coin, ...]:
    from shared.venue.flow.coins import COINS

    known = {coin.name: coin for coin in COINS}
    wanted = list(known) if names is None else [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted or len(set(wanted)) != len(wanted):
        raise typer.BadParameter(f"expected some of {', '.join(known)}, each once, got {names!r}", param_hint="--coins")
    return tuple(known[name] for name in wanted)


def _recordings(replay: str | None) -> list[Path]:
    files = [Path(name) for name in (replay or "").split(",") if name]
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise typer.BadParameter(f"no such recording: {', '.join(missing)}", param_hint="--replay")
    return files


def _funded(pairs: Sequence[str]) -> dict[str, Usd]:
    funded: dict[str, Usd] = {}
    for pair in pairs:
        address, equals, amount = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"expected ADDRESS=USDC, got {pair!r}", param_hint="--fund")
        funded[address.strip()] = _usd(amount.strip(), "--fund")
    return funded


def _usd(text: str, option: str) -> Usd:
    try:
        usd = usd_from_str(text)
    except UnitError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    if usd < 0:
        raise typer.BadParameter(f"expected an amount of at least 0, got {text}", param_hint=option)
    return usd


def _limit(text: str, option: str) -> int | None:
    if text == NOBODY_LIMITED:
        return None
    if not text.isascii() or not text.isdigit():
        raise typer.BadParameter(f"expected a number or {NOBODY_LIMITED}, got {text!r}", param_hint=option)
    return int(text)


def _one_of(text: str, known: Mapping[str, str], option: str) -> str:
    if text not in known:
        raise typer.BadParameter(f"expected {' or '.join(known)}, got {text!r}", param_hint=option)
    return known[text]
