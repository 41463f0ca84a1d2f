"""What the strategist is told of size: the smallest limit, a little below it, and again only when it moved."""

from __future__ import annotations

from hats.risk_oversight_officer import RiskOversightOfficer
from shared.ids import Role, StrategyId
from shared.messages.control import Woke
from shared.messages.market import UniverseUpdate
from shared.messages.risk import OrderApproved, OrderDenied, SizeBudget
from shared.messages.signal import Regime, RegimeUpdate
from shared.units import DAY, USD
from tests.unit.hats.risk_oversight_officer.scene import NOW, STRATEGY, intent, judged, ledger, officer, say


def told(hat: RiskOversightOfficer) -> dict[tuple[str, StrategyId | None], tuple[int, str]]:
    """The budgets in a report, in whole USDC, with the rule of each."""
    said = say(hat, Woke(Role.RISK_OVERSIGHT_OFFICER, "report", NOW))
    return {(one.coin, one.strategy): (one.limit_usd // USD, one.rule) for one in said if isinstance(one, SizeBudget)}


def test_each_coin_is_told_once_until_its_limit_moves() -> None:
    """95 % of the limit; then nothing while the word is between 85 and 100 % of it; lower at once when it is above."""
    hat = officer(1_000, sizing_fraction_percent=50.0)
    assert told(hat) == {("AAA", None): (475, "fixed fraction"), ("BBB", None): (475, "fixed fraction")}
    for equity in (950, 1_117):
        say(hat, ledger(equity))
        assert not told(hat)
    say(hat, ledger(949))
    assert told(hat)["AAA", None] == (450, "fixed fraction")
    say(hat, ledger(1_100))
    assert told(hat)["BBB", None] == (522, "fixed fraction")


def test_the_smallest_of_all_limits_of_a_position_is_told() -> None:
    """Position limit, concentration and the sizing rules; a turbulent coin's is smaller."""
    hat = officer(1_000, position_limit_usd=800, concentration_limit_percent=60)
    assert told(hat)["AAA", None] == (570, "concentration")
    say(hat, RegimeUpdate("AAA", NOW, DAY, Regime.TURBULENT, (0.0, 0.0, 1.0), 400.0))
    assert told(hat) == {("AAA", None): (380, "position limit")}


def test_a_strategy_that_is_held_to_kelly_hears_its_own() -> None:
    """Others hear of the coin alone."""
    hat = officer(1_000, sizing_edges_bps={STRATEGY: 8.0}, sizing_kelly_share=0.5, sizing_fraction_percent=90.0)
    say(hat, RegimeUpdate("AAA", NOW, DAY, Regime.CALM, (1.0, 0.0, 0.0), 400.0))
    found = told(hat)
    assert found["AAA", None] == (855, "fixed fraction")
    assert found["AAA", STRATEGY] == (237, "fractional Kelly")


def test_nothing_is_told_that_is_not_known() -> None:
    """Neither without equity nor of a coin that is not listed any more."""
    hat = officer(1_000)
    hat.state.equity_usd = None
    assert not told(hat)
    say(hat, ledger(1_000))
    say(hat, UniverseUpdate((), 0, 0, NOW))
    assert not told(hat)


def test_what_is_told_passes_and_the_limit_stays() -> None:
    """An order as large as the word is approved, one beyond the limit denied all the same."""
    hat = officer(1_000, sizing_fraction_percent=50.0)
    limit, _ = told(hat)["AAA", None]
    assert isinstance(judged(hat, intent(1, sz=501)), OrderDenied)
    assert isinstance(judged(hat, intent(2, sz=limit)), OrderApproved)
