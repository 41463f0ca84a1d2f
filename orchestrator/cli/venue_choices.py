"""What the options of `hats venue` mean; a choice that makes no sense is told with what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shared.errors import UnitError
from shared.units import Usd, usd_from_str

if TYPE_CHECKING:
    from shared.venue.core.exchange import Exchange
    from shared.venue.core.listing import Listing
    from shared.venue.door.host import Driver
    from shared.venue.door.settings import DoorSettings
    from shared.venue.faults.engine import Faults
    from shared.venue.flow.coins import Coin
    from shared.venue.flow.recorded import RecordedSettings
    from shared.venue.flow.synthetic import SyntheticSettings

NOBODY_LIMITED = "none"
FAST_BOOK_MS = 500


def door_settings(
    network: str, fund: list[str] | None, fund_all: str | None, address_budget: str, ip_weight: str, l2_interval_ms: int
) -> DoorSettings:
    """The doors as asked for."""
    from shared.venue.door.settings import DoorSettings

    return DoorSettings(
        network=one_of(network, {"testnet": "Testnet", "mainnet": "Mainnet"}, "--network"),
        fund=funded(fund or ()),
        fund_all_usd=None if fund_all is None else usd(fund_all, "--fund-all"),
        address_budget=limit(address_budget, "--address-budget"),
        ip_weight_per_minute=limit(ip_weight, "--ip-weight"),
        l2_interval_ms=l2_interval_ms,
        l2_fast_interval_ms=min(l2_interval_ms, FAST_BOOK_MS),
    )


def market_text(files: Sequence[Path], seed: int, *, no_market: bool) -> str:
    """What moves the market, in a few words."""
    return "no market" if no_market else f"replay of {', '.join(map(str, files))}" if files else f"seed {seed}"


def driver(
    exchange: Exchange,
    files: Sequence[Path],
    replayed: RecordedSettings,
    seed: int,
    settings: SyntheticSettings,
    coins: Sequence[Coin],
    faults: Faults,
) -> Driver:
    """A captured market if a folder is named, recorded data if there are files, else synthetic traders."""
    if files and files[0].is_dir():
        return captured(exchange, files[0], replayed, faults)
    return recorded(exchange, files, replayed) if files else synthetic(exchange, seed, settings, coins)


def captured(exchange: Exchange, folder: Path, settings: RecordedSettings, faults: Faults) -> Driver:
    """A capture log as a driver that cuts sockets too."""
    from orchestrator.history.capture_run import survey_of
    from orchestrator.history.captured_market import CapturedMarket
    from shared.warehouse.capture.playback import as_it_happened
    from shared.warehouse.capture.reader import read_log

    survey = survey_of(folder)
    return CapturedMarket(exchange, lambda: as_it_happened(read_log(folder)), survey.first_ns, settings, faults)


def all_listings(coins: Sequence[Coin], *, has_spot: bool, has_dex: bool = False) -> tuple[Listing, ...]:
    """The perps, and the spot pairs, the hyperp and the example dex if wanted."""
    from shared.venue.flow.coins import listings
    from shared.venue.flow.dex_coins import dex_listings
    from shared.venue.flow.spot_coins import spot_listings

    others = dex_listings(len(coins)) if has_dex else ()
    return (*listings(coins), *others, *(spot_listings() if has_spot else ()))


def side_markets(exchange: Exchange, seed: int) -> list[Driver]:
    """Who trades the spot pairs and on the example dex; nobody where nothing is listed."""
    from shared.venue.flow.dex_market import DexMarket
    from shared.venue.flow.spot_market import SpotMarket

    is_listed = any(listing.spot is not None for listing in exchange.listings.values())
    spot: list[Driver] = [SpotMarket(exchange, seed)] if is_listed else []
    return [*spot, DexMarket(exchange, seed)] if exchange.dexs else spot


def traders(events_per_second: float, mix: str) -> SyntheticSettings:
    """The synthetic traders."""
    from shared.venue.flow.mix import DEFAULT_MIX, LIGHT_MIX
    from shared.venue.flow.synthetic import SyntheticSettings

    named = one_of(mix, {"default": "default", "light": "light"}, "--mix")
    chosen = LIGHT_MIX if named == "light" else DEFAULT_MIX
    return SyntheticSettings(events_per_second=events_per_second, mix=chosen)


def synthetic(exchange: Exchange, seed: int, settings: SyntheticSettings, listed: Sequence[Coin]) -> Driver:
    """A synthetic market."""
    from shared.venue.flow.synthetic import SyntheticMarket

    return SyntheticMarket(exchange, seed, settings, listed)


def replay_settings(queue: str, impact: str, speed: float, *, loop: bool) -> RecordedSettings:
    """How recorded data is played back."""
    from shared.venue.flow.footprint import Impact
    from shared.venue.flow.mirror import Queue
    from shared.venue.flow.recorded import RecordedSettings

    return RecordedSettings(
        speed=speed,
        loop=loop,
        queue=Queue(one_of(queue, {each.value: each.value for each in Queue}, "--queue")),
        impact=Impact(one_of(impact, {each.value: each.value for each in Impact}, "--impact")),
    )


def recorded(exchange: Exchange, files: Sequence[Path], settings: RecordedSettings) -> Driver:
    """Recorded data as a driver."""
    from shared.venue.flow.recorded import RecordedMarket
    from shared.venue.flow.recording_files import open_recordings

    return RecordedMarket(exchange, open_recordings(*files), settings)


def listed(names: str | None) -> tuple[Coin, ...]:
    """The coins by name; those of the default market for None."""
    from shared.venue.flow.catalogue import WELL_KNOWN
    from shared.venue.flow.coins import COINS

    known = {coin.name: coin for coin in (*WELL_KNOWN, *COINS)}
    wanted = (
        [coin.name for coin in COINS] if names is None else [name.strip() for name in names.split(",") if name.strip()]
    )
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted or len(set(wanted)) != len(wanted):
        raise typer.BadParameter(f"expected some of {', '.join(known)}, each once, got {names!r}", param_hint="--coins")
    return tuple(known[name] for name in wanted)


def recordings(replay: str | None) -> list[Path]:
    """The files, or the one folder of a capture log, which must exist."""
    files = [Path(name) for name in (replay or "").split(",") if name]
    missing = [str(path) for path in files if not (path.is_file() or (path.is_dir() and len(files) == 1))]
    if missing:
        raise typer.BadParameter(f"no such recording: {', '.join(missing)}", param_hint="--replay")
    return files


def funded(pairs: Sequence[str]) -> dict[str, Usd]:
    """Money by address."""
    funded: dict[str, Usd] = {}
    for pair in pairs:
        address, equals, amount = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"expected ADDRESS=USDC, got {pair!r}", param_hint="--fund")
        funded[address.strip()] = usd(amount.strip(), "--fund")
    return funded


def usd(text: str, option: str) -> Usd:
    """An amount of at least 0."""
    try:
        usd = usd_from_str(text)
    except UnitError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    if usd < 0:
        raise typer.BadParameter(f"expected an amount of at least 0, got {text}", param_hint=option)
    return usd


def limit(text: str, option: str) -> int | None:
    """A number, or None for nobody limited."""
    if text == NOBODY_LIMITED:
        return None
    if not text.isascii() or not text.isdigit():
        raise typer.BadParameter(f"expected a number or {NOBODY_LIMITED}, got {text!r}", param_hint=option)
    return int(text)


def one_of(text: str, known: Mapping[str, str], option: str) -> str:
    """What the word stands for."""
    if text not in known:
        raise typer.BadParameter(f"expected {' or '.join(known)}, got {text!r}", param_hint=option)
    return known[text]
