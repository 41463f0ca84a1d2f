"""Deployed dexs: numbers and names, the deployer's words, collateral apart from the first dex."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.errors import UnitError
from shared.instrument import Instrument
from shared.units import HOUR, SECOND, USD, Px
from shared.venue.core.commands import PassTime, SetPrices, Tif
from shared.venue.core.dex import asset_of, list_deployed
from shared.venue.core.events import FundingPaid, PricesChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.rulings import OverridePremium, SetOracle
from tests.unit.shared.venue.core.dex_floor import GOLD, HYPERP, PRE, TSLA, XYZ, DexFloor
from tests.unit.shared.venue.core.floor import ETH, refusal

TO_THE_HOUR = (-1_700_000_000 * SECOND) % HOUR


def test_asset_ids_of_deployed_perps() -> None:
    """Fact sheet 4.1: 100000 + dex x 10000 + index; the SDK begins at 110000."""
    assert (asset_of(1, 0), asset_of(2, 13)) == (110_000, 120_013)


@pytest.mark.parametrize(
    "listing",
    [
        list_deployed(XYZ, 2, 0, "GOLD", 2, 20),
        list_deployed(replace(XYZ, name="abc"), 1, 0, "GOLD", 2, 20),
        list_deployed(XYZ, 1, 10_000, "GOLD", 2, 20),
    ],
)
def test_a_listing_must_belong_to_its_dex(listing: object) -> None:
    """Another number, another name, an index past the dex's range."""
    with pytest.raises(UnitError):
        Exchange([listing], dexs=[XYZ])  # type: ignore[list-item]


def test_each_dex_has_its_own_collateral() -> None:
    """A position on xyz is margined there and shows there only; fees and volume are the user's on all."""
    floor = DexFloor()
    floor.sell("b", "100", "10", asset=GOLD)
    floor.buy("a", "100", "10", Tif.IOC, asset=GOLD)
    first, other = floor.exchange.account("a"), floor.exchange.account("a", 1)
    assert (first.positions, first.collateral_usd) == ((), 100_000 * USD)
    assert [position.asset for position in other.positions] == [GOLD]
    assert other.collateral_usd == 50_000 * USD - other.fees_usd
    assert first.fees_usd == other.fees_usd > 0
    assert "Insufficient margin" in refusal(floor.buy("a", "100", "20000", asset=GOLD))


def test_collateral_moves_only_as_far_as_it_is_free() -> None:
    """2,000 USDC of position at 20x keeps max(100, 10 % of it) = 200."""
    floor = DexFloor()
    floor.sell("b", "100", "20", asset=GOLD)
    floor.buy("a", "100", "20", Tif.IOC, asset=GOLD)
    free = floor.exchange.account("a", 1).withdrawable_usd
    assert free == floor.exchange.account("a", 1).value_usd - 200 * USD
    assert floor.move("a", 1, 0, free + 1) == "Insufficient balance for token transfer"
    assert floor.move("a", 1, 0, free) is None
    assert floor.exchange.account("a").collateral_usd == 100_000 * USD + free
    assert floor.exchange.net_deposit_usd(1) == 150_000 * USD - free


def test_moves_that_are_none() -> None:
    """Unknown dex, the same dex, nothing, less than nothing."""
    floor = DexFloor()
    assert floor.move("a", 0, 2, 1) == "Invalid perp DEX"
    assert floor.move("a", 1, 1, 1) == "Invalid send"
    assert floor.move("a", 0, 1, 0) == "Send amount cannot be zero"
    with pytest.raises(UnitError):
        floor.move("a", 0, 1, -1)


def test_the_deployer_moves_prices_one_percent_at_a_time() -> None:
    """Oracle and marks asked for 150 come as 101, then 102.01."""
    floor = DexFloor()
    for expected in ("101", "102.01"):
        assert floor.speak({GOLD: "150"}, {GOLD: "150"}, {GOLD: "150"}, span_ns=3 * SECOND) is None
        assert floor.exchange.oracle(GOLD) == ETH.px(expected)
        assert floor.exchange.mark(GOLD) == ETH.px(expected)


def test_the_deployer_may_not_speak_too_often() -> None:
    """2.5 s must lie between two words; a refused one changes nothing."""
    floor = DexFloor()
    assert floor.speak({GOLD: "101"}, span_ns=2_499_999_999) == "Oracle price updated too recently"
    assert floor.exchange.oracle(GOLD) == ETH.px("100")
    assert floor.speak({GOLD: "101"}, span_ns=1) is None


@pytest.mark.parametrize(
    "command",
    [
        SetOracle(1, ((4, Px(1)),)),
        SetOracle(1, ((GOLD, Px(0)),)),
        SetOracle(2, ((GOLD, Px(1)),)),
        SetOracle(0, ((4, Px(1)),)),
        SetOracle(1, ((GOLD, Px(1)),), ((), (), ())),
        SetPrices(HYPERP, Px(5)),
    ],
)
def test_words_about_what_is_not_theirs(command: SetOracle | SetPrices) -> None:
    """Another dex's asset, no price, a third list of marks, the oracle of a hyperp."""
    with pytest.raises(UnitError):
        DexFloor().do(command, 3 * SECOND)


def test_a_hyperp_trades_without_any_oracle() -> None:
    """Its first mark opens it, and its marks become its oracle."""
    floor = DexFloor()
    assert floor.exchange.mark(HYPERP) == PRE.px("10")
    floor.sell("b", "11", "100", asset=HYPERP)
    floor.buy("a", "11", "50", Tif.IOC, asset=HYPERP)
    floor.buy("a", "10.8", "100", asset=HYPERP)
    floor.do(PassTime(), 600 * SECOND)
    floor.do(PassTime(), 60 * SECOND)
    assert floor.exchange.mark(HYPERP) > PRE.px("10")
    assert floor.exchange.oracle(HYPERP) > PRE.px("10")


def test_a_hyperps_premium_counts_one_percent() -> None:
    """Impact bid 11 over an oracle of 10 is 10 %, which counts 0.1 % (fact sheet 5.5)."""
    floor = DexFloor()
    floor.buy("a", "11", "1000", asset=HYPERP)
    floor.sell("b", "11.5", "1000", asset=HYPERP)
    assert floor.exchange.asset_view(HYPERP).premium_e10 == 10**7


def test_a_deployed_premium_is_the_middle_of_the_impact_prices() -> None:
    """Impact prices 100.5 and 101.5 over 100: 1 %, where the first dex would say 0.5 % (fact sheet 6)."""
    floor = DexFloor()
    for asset, expected in ((GOLD, 10**8), (5, 5 * 10**7)):
        floor.buy("a", "100.5", "200", asset=asset)
        floor.sell("b", "101.5", "200", asset=asset)
        assert floor.exchange.asset_view(asset).premium_e10 == expected


def test_a_deployers_terms_decide_the_rate() -> None:
    """No interest, twice the rate: an hour at 1 % premium is (0.01 - 0.0005) / 8 x 2."""
    floor = DexFloor()
    floor.buy("a", "100.5", "200", asset=TSLA)
    floor.sell("b", "101.5", "200", asset=TSLA)
    floor.do(PassTime(), TO_THE_HOUR)
    (point,) = floor.exchange.funding_history(TSLA)
    assert (point.premium_e10, point.rate_e10) == (10**8, (10**8 - 5 * 10**6) * 2 // 8)


def test_an_overridden_premium_spikes_the_funding() -> None:
    """40 % premium is 4.99 % an hour, capped at 4 %; and None gives it back to the book."""
    floor = DexFloor()
    floor.sell("b", "100", "10")
    floor.buy("a", "100", "10", Tif.IOC)
    floor.do(OverridePremium(4, 4 * 10**9))
    floor.do(PassTime(), TO_THE_HOUR)
    paid = [event for event in floor.events if isinstance(event, FundingPaid) and event.user == "a"]
    assert [event.usd for event in paid] == [-40 * USD]
    floor.do(OverridePremium(4, None))
    floor.do(PassTime(), HOUR)
    assert floor.exchange.funding_history(4)[-1].rate_e10 == 0
    with pytest.raises(UnitError):
        floor.do(OverridePremium(9, 1))


def test_other_venues_move_the_mark_of_the_first_dex() -> None:
    """Without a book, oracle 100 and 104 from outside: 102; and the third leg goes when nobody says it again."""
    floor = DexFloor()
    floor.do(SetPrices(4, ETH.px("100"), ETH.px("104")))
    assert [event.mark_px for event in floor.events if isinstance(event, PricesChanged)] == [ETH.px("102")]
    floor.do(SetPrices(4, ETH.px("100")))
    assert floor.exchange.mark(4) == ETH.px("100")


def test_a_snapshot_holds_every_kind() -> None:
    """Restored, the exchange goes on as the one it was taken from."""
    floor = DexFloor(cap=1_000)
    floor.sell("b", "11", "100", asset=HYPERP)
    floor.buy("a", "11", "50", Tif.IOC, asset=HYPERP)
    again = Exchange.restore(floor.exchange.snapshot())
    for exchange in (floor.exchange, again):
        exchange.apply(PassTime(), floor.exchange.now_ns if exchange is again else floor.now + HOUR)  # type: ignore[arg-type]
    assert again.digest() == floor.exchange.digest()


def test_two_assets_of_one_id_are_refused() -> None:
    """As on the first dex."""
    with pytest.raises(UnitError):
        Exchange([list_perp(Instrument("X", 1, 2, 5))] * 2, dexs=[XYZ])
