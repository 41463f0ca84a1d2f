"""What `hats venue` understands of its command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from orchestrator.cli import venue
from shared.units import USD

ADDRESS = "0x" + "ab" * 20


def test_amounts_are_exact() -> None:
    """USDC on the command line become micro-USDC without a float in between."""
    assert venue._usd("0.000001", "--fund") == 1
    assert venue._funded([f"{ADDRESS}=100000.5"]) == {ADDRESS: 100_000 * USD + 500_000}


@pytest.mark.parametrize("text", ["", "x", "-1", "1e5", "0.0000001", "nan"])
def test_amounts_that_are_none(text: str) -> None:
    """What is no amount of at least 0 is a usage fault."""
    with pytest.raises(typer.BadParameter):
        venue._usd(text, "--fund-all")


def test_funding_needs_both_parts() -> None:
    """An address without an amount is a usage fault."""
    with pytest.raises(typer.BadParameter):
        venue._funded([ADDRESS])


@pytest.mark.parametrize(("text", "limit"), [("none", None), ("0", 0), ("10000", 10_000)])
def test_limits(text: str, limit: int | None) -> None:
    """A number limits, the word none does not."""
    assert venue._limit(text, "--address-budget") == limit


@pytest.mark.parametrize("text", ["", "-1", "many", "1.5"])
def test_limits_that_are_none(text: str) -> None:
    """Everything else is a usage fault."""
    with pytest.raises(typer.BadParameter):
        venue._limit(text, "--ip-weight")


def test_coins_keep_their_order() -> None:
    """The first named coin gets asset id 0; none named means all."""
    assert [coin.name for coin in venue._listed("ETH, BTC")] == ["ETH", "BTC"]
    assert len(venue._listed(None)) >= 4


@pytest.mark.parametrize("names", ["", "DOGE", "BTC,BTC", "btc"])
def test_coins_that_are_none(names: str) -> None:
    """Unknown, doubled or no coins are a usage fault."""
    with pytest.raises(typer.BadParameter):
        venue._listed(names)


def test_recordings_must_exist(tmp_path: Path) -> None:
    """Every file of a comma-separated list must be there."""
    there = tmp_path / "a.gz"
    there.touch()
    assert venue._recordings(f"{there},{there}") == [there, there]
    assert venue._recordings(None) == []
    with pytest.raises(typer.BadParameter, match="nowhere"):
        venue._recordings(f"{there},nowhere")


def test_a_replay_keeps_its_policies() -> None:
    """Queue and impact are named as the driver names them; other words are a usage fault."""
    found = venue._replay_settings("newest", "permanent", loop=True)
    assert (found.queue, found.impact, found.loop) == ("newest", "permanent", True)
    for queue, impact in (("first", "none"), ("newest", "some")):
        with pytest.raises(typer.BadParameter):
            venue._replay_settings(queue, impact, loop=False)
