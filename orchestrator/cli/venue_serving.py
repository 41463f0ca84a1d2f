"""EDGE: the local exchange of `hats venue`, from its choices to its last word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.cli import venue_choices as choices
from orchestrator.cli.terminal import emit, note, say
from shared.clock import Clock
from shared.errors import ConfigError

if TYPE_CHECKING:
    from orchestrator.history.captured_market import CapturedMarket
    from shared.venue.core.exchange import Exchange
    from shared.venue.core.policy import VenuePolicy
    from shared.venue.door.host import Driver
    from shared.venue.door.settings import DoorSettings
    from shared.venue.faults.engine import Faults
    from shared.venue.flow.coins import Coin
    from shared.venue.flow.recorded import RecordedMarket


class Served(NamedTuple):
    """What is served, where, and by which clock."""

    host: str
    port: int
    settings: DoorSettings
    listed: Sequence[Coin]
    clock: Clock
    faults: Faults
    control_port: int | None
    has_spot: bool = False
    has_dex: bool = False
    policy: VenuePolicy | None = None


def serve_until_told(
    served: Served, make_drivers: Callable[[Exchange], list[Driver]], ready: Callable[[dict[str, Any]], None]
) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is told the addresses, and stderr what a replay had to move or leave out.

    ConfigError if a port can't be had.
    """
    import asyncio
    import errno

    from orchestrator.history.captured_market import CapturedMarket
    from shared.venue.door.door import Door
    from shared.venue.door.mischief import Mischief
    from shared.venue.door.server import serve
    from shared.venue.flow.recorded import RecordedMarket

    clock, host, port = served.clock, served.host, served.port
    exchange = _exchange(served)
    door = Door(exchange, served.settings, clock.now())
    drivers = make_drivers(exchange)
    beside: list[int] = []
    serving = serve(
        door,
        clock=clock,
        host=host,
        port=port,
        drivers=drivers,
        mischief=Mischief(served.faults),
        control_port=served.control_port,
        ready=lambda bound: ready(_facts(served, bound, beside)),
        control_ready=beside.append,
    )
    try:
        asyncio.run(serving)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise
        raise ConfigError([f"cannot listen on {host}:{port}: {error.strerror}; --port 0 takes a free port"]) from error
    for driver in drivers:
        if isinstance(driver, RecordedMarket | CapturedMarket):
            note(_replayed(driver))


def _exchange(served: Served) -> Exchange:
    """The exchange with what it is to list."""
    from shared.venue.core.exchange import Exchange
    from shared.venue.core.policy import DEFAULT_POLICY
    from shared.venue.flow.dex_coins import XYZ

    listings = choices.all_listings(served.listed, has_spot=served.has_spot, has_dex=served.has_dex)
    dexs = [XYZ] if served.has_dex else []
    policy = served.policy or DEFAULT_POLICY
    return Exchange(listings, start_ns=served.clock.now(), policy=policy, dexs=dexs)


def say_ready(facts: dict[str, Any], *, as_json: bool) -> None:
    """One line, or one object."""
    if as_json:
        emit(facts)
        return
    names = ", ".join(facts["coins"])
    control = f"; control port {facts['control_url']}" if "control_url" in facts else ""
    say(f"local exchange at {facts['url']} ({facts['market']}; {names}{control}); Ctrl-C stops it")


def armed(script: Path | None, clock: Clock) -> Faults:
    """The faults of the script, armed now; none without one. ConfigError for a script that can't be read."""
    from shared.venue.faults.engine import Faults
    from shared.venue.faults.script import read_script

    if script is None:
        return Faults()
    try:
        told = read_script(script.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"--faults: {error}"]) from error
    engine = Faults(told.seed)
    for fault in told.faults:
        engine.arm(fault, clock.now())
    return engine


def write_strikes(engine: Faults, path: Path | None) -> None:
    """One JSON line for each strike."""
    import msgspec

    if path is not None:
        path.write_bytes(b"".join(msgspec.json.encode(strike) + b"\n" for strike in engine.strikes))


def _facts(served: Served, bound: int, beside: Sequence[int]) -> dict[str, Any]:
    shown = f"[{served.host}]" if ":" in served.host else served.host
    facts: dict[str, Any] = {
        "url": f"http://{shown}:{bound}",
        "ws_url": f"ws://{shown}:{bound}/ws",
        "port": bound,
        "coins": [coin.name for coin in served.listed],
    }
    return facts | {"control_url": f"http://127.0.0.1:{beside[0]}"} if beside else facts


def _replayed(market: RecordedMarket | CapturedMarket) -> str:
    counts = market.report()
    return (
        f"replayed {counts.frames} frames ({counts.books} books, {counts.trades} trades, {counts.loops} loops); "
        f"moved {counts.moved_px} prices and {counts.moved_sz} sizes onto our units; left out "
        f"{counts.too_small_trades} small and {counts.old_trades} old trades, {counts.unsound_books} unsound books, "
        f"{counts.ignored} other frames"
    )
