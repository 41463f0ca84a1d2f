"""What `hats venue` understands of its command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from orchestrator.cli import venue_choices as choices
from shared.units import USD
from shared.venue.core.exchange import Exchange
from shared.venue.flow.dex_coins import XYZ

ADDRESS = "0x" + "ab" * 20


def test_amounts_are_exact() -> None:
    """USDC on the command line become micro-USDC without a float in between."""
    assert choices.usd("0.000001", "--fund") == 1
    assert choices.funded([f"{ADDRESS}=100000.5"]) == {ADDRESS: 100_000 * USD + 500_000}


@pytest.mark.parametrize("text", ["", "x", "-1", "1e5", "0.0000001", "nan"])
def test_amounts_that_are_none(text: str) -> None:
    """What is no amount of at least 0 is a usage fault."""
    with pytest.raises(typer.BadParameter):
        choices.usd(text, "--fund-all")


def test_funding_needs_both_parts() -> None:
    """An address without an amount is a usage fault."""
    with pytest.raises(typer.BadParameter):
        choices.funded([ADDRESS])


@pytest.mark.parametrize(("text", "limit"), [("none", None), ("0", 0), ("10000", 10_000)])
def test_limits(text: str, limit: int | None) -> None:
    """A number limits, the word none does not."""
    assert choices.limit(text, "--address-budget") == limit


@pytest.mark.parametrize("text", ["", "-1", "many", "1.5"])
def test_limits_that_are_none(text: str) -> None:
    """Everything else is a usage fault."""
    with pytest.raises(typer.BadParameter):
        choices.limit(text, "--ip-weight")


def test_coins_keep_their_order() -> None:
    """The first named coin gets asset id 0; none named means all."""
    assert [coin.name for coin in choices.listed("ETH, BTC")] == ["ETH", "BTC"]
    assert [coin.name for coin in choices.listed(None)] == ["BTC", "ETH", "SOL", "HYPE"]


def test_any_well_known_coin_can_be_listed() -> None:
    """Those beyond the default market too, with real metadata; the default's keep their own market."""
    doge, btc = choices.listed("DOGE,BTC")
    assert (doge.sz_decimals, doge.max_leverage, btc.trade_usd) == (0, 10, 3_000.0)


def test_the_example_dex_is_listed_beside_everything() -> None:
    """The hyperp comes after the coins, so that ids have no hole; its market runs with that of spot."""
    listed = choices.all_listings(choices.listed("DOGE,BTC"), has_spot=True, has_dex=True)
    names = {one.instrument.asset: one.instrument.coin for one in listed}
    assert [names[asset] for asset in (0, 1, 2, 110_000, 110_001)] == ["DOGE", "BTC", "PRE", "xyz:GOLD", "xyz:TSLA"]
    assert len(choices.side_markets(Exchange(listed, dexs=[XYZ]), 7)) == 2


@pytest.mark.parametrize("names", ["", "NOPE", "BTC,BTC", "btc"])
def test_coins_that_are_none(names: str) -> None:
    """Unknown, doubled or no coins are a usage fault."""
    with pytest.raises(typer.BadParameter):
        choices.listed(names)


def test_recordings_must_exist(tmp_path: Path) -> None:
    """Every file of a comma-separated list must be there."""
    there = tmp_path / "a.gz"
    there.touch()
    assert choices.recordings(f"{there},{there}") == [there, there]
    assert choices.recordings(None) == []
    with pytest.raises(typer.BadParameter, match="nowhere"):
        choices.recordings(f"{there},nowhere")


def test_a_replay_keeps_its_policies() -> None:
    """Queue and impact are named as the driver names them; other words are a usage fault."""
    found = choices.replay_settings("newest", "permanent", 2.0, loop=True)
    assert (found.queue, found.impact, found.loop, found.speed) == ("newest", "permanent", True, 2.0)
    for queue, impact in (("first", "none"), ("newest", "some")):
        with pytest.raises(typer.BadParameter):
            choices.replay_settings(queue, impact, 1.0, loop=False)
