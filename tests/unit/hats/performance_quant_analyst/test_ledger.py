"""The ledger is exact: both sides agree to the last unit whatever happens."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hats.performance_quant_analyst.ledger import Ledger, apportion, split
from shared.ids import FLATTEN, FOREIGN, Cloid, StrategyId
from shared.messages.account import AccountSnapshot, FundingPayment, VenuePosition
from shared.messages.order import Fill, FillBooked
from shared.order import Side
from shared.units import Ns, Px, Sz, Usd

STRATEGIES = (StrategyId("mm"), StrategyId("trend"), FOREIGN, FLATTEN)
COINS = ("BTC", "ETH")


def snapshot(equity: int, cash: int, positions: tuple[VenuePosition, ...] = (), exch_ns: int = 10) -> AccountSnapshot:
    """An account as the venue tells it."""
    return AccountSnapshot(Usd(equity), Usd(cash), Usd(cash), positions, (), (), Ns(exch_ns), Ns(exch_ns))


def fill(coin: str, side: Side, px: int, sz: int, strategy: str = "mm", fee: int = 0, exch_ns: int = 100) -> FillBooked:
    """One booked fill."""
    said = Fill(coin, side, Px(px), Sz(sz), 1, Cloid("0x1"), 1, True, Usd(fee), Usd(0), 0, Ns(exch_ns), Ns(exch_ns))
    return FillBooked(said, StrategyId(strategy))


def payment(coin: str, usd: int, net_sz: int, exch_ns: int) -> FundingPayment:
    """One funding payment."""
    return FundingPayment(coin, Usd(usd), net_sz, 125, Ns(exch_ns), Ns(exch_ns))


def opened(equity: int = 1_000_000_000) -> Ledger:
    """A ledger that starts flat."""
    ledger = Ledger()
    ledger.open(snapshot(equity, equity))
    return ledger


fills = st.tuples(
    st.sampled_from(COINS),
    st.sampled_from(Side),
    st.integers(1, 10**9),
    st.integers(1, 10**6),
    st.sampled_from(STRATEGIES),
    st.integers(-(10**6), 10**6),
)
fundings = st.tuples(st.sampled_from(COINS), st.integers(-(10**9), 10**9))
marks = st.tuples(st.sampled_from(COINS), st.integers(1, 10**9), st.none())


@settings(max_examples=150)
@given(st.lists(fills | fundings | marks, max_size=40))
def test_both_sides_of_the_ledger_always_agree(events: list[tuple[object, ...]]) -> None:
    """equity = start + realised + unrealised - fees + funding, to the last unit, after any events."""
    ledger = opened()
    for n, event in enumerate(events, start=1):
        match event:
            case (str(coin), int(px), None):
                ledger.marks[coin] = px
            case (str(coin), int(usd)):
                held = ledger.positions[coin].net_sz if coin in ledger.positions else 0
                ledger.book_funding(payment(coin, usd, held, 1000 + n))
            case (str(coin), Side() as side, int(px), int(sz), str(strategy), int(fee)):
                ledger.book(fill(coin, side, px, sz, strategy, fee, 1000 + n))
        assert ledger.residual_usd(ledger.lines()) == 0
        assert sum(line.fills for line in ledger.lines()) == ledger.fills
    for coin, accounts in ledger.accounts.items():
        held = sum(account.position.net_sz for account in accounts.values())
        assert held == (ledger.positions[coin].net_sz if coin in ledger.positions else 0)


@given(
    st.integers(-(10**12), 10**12),
    st.dictionaries(st.sampled_from(STRATEGIES), st.integers(-99, 99)),
    st.integers(-99, 99),
)
def test_funding_is_split_exactly(usd: int, held: dict[StrategyId, int], net_sz: int) -> None:
    """The parts of a payment sum to it, whoever held what."""
    assert sum(split(usd, held, net_sz).values()) == usd


def test_a_short_strategy_earns_what_the_long_one_pays() -> None:
    """Shares are signed: +3 and -1 lots of a net of 2 carry 3/2 and -1/2 of the payment."""
    assert split(-100, {StrategyId("a"): 3, StrategyId("b"): -1}, 2) == {"a": -150, "b": 50}


def test_the_remainder_goes_to_the_largest_holder() -> None:
    """Ten units over three equal lots: the first by name takes what truncation left."""
    assert split(10, {StrategyId("b"): 1, StrategyId("a"): 1, StrategyId("c"): 1}, 3) == {"a": 4, "b": 3, "c": 3}


def test_funding_is_booked_once() -> None:
    """The same coin and exchange time changes nothing the second time."""
    ledger = opened()
    ledger.book(fill("BTC", Side.BUY, 100, 10))
    assert ledger.book_funding(payment("BTC", -50, 10, 500))
    assert not ledger.book_funding(payment("BTC", -50, 10, 500))
    assert ledger.account(StrategyId("mm"), "BTC").funding_usd == -50


def test_funding_goes_to_who_held_at_that_instant() -> None:
    """A payment that arrives after the position was closed still finds its holder."""
    ledger = opened()
    ledger.book(fill("BTC", Side.BUY, 100, 10, "mm", exch_ns=100))
    ledger.book(fill("BTC", Side.SELL, 100, 10, "mm", exch_ns=600))
    ledger.book_funding(payment("BTC", -50, 10, 500))
    assert ledger.account(StrategyId("mm"), "BTC").funding_usd == -50
    assert FOREIGN not in ledger.accounts["BTC"]


def test_positions_held_before_the_run_start_on_the_foreign_line() -> None:
    """What was held has earned nothing yet: equity is the venue's and every line is zero."""
    ledger = Ledger()
    ledger.marks = {"BTC": 1000, "ETH": 70}
    ledger.open(
        snapshot(
            1_000_007,
            1_000_000 - 5 * 1000 + 3 * 70,
            (VenuePosition("ETH", -3, Usd(0), 1), VenuePosition("BTC", 5, Usd(0), 1)),
        )
    )
    assert ledger.start_equity_usd == 1_000_007
    assert ledger.residual_usd(ledger.lines()) == 0
    assert {line.strategy for line in ledger.lines()} == {FOREIGN}


def test_fills_that_the_opening_contains_are_not_booked_again() -> None:
    """A fill at or before the first snapshot's time is part of the start."""
    ledger = opened()
    ledger.book(fill("BTC", Side.BUY, 100, 10, exch_ns=10))
    assert ledger.fills == 0
    assert ledger.cash_usd == ledger.start_equity_usd


def test_a_round_trip_wins_only_after_fees() -> None:
    """A gain of 10 with fees of 12 is a loss; going through zero closes a trip too."""
    ledger = opened()
    ledger.book(fill("BTC", Side.BUY, 100, 1, fee=6))
    ledger.book(fill("BTC", Side.SELL, 110, 1, fee=6))
    assert (ledger.trips, ledger.wins) == (1, 0)
    ledger.book(fill("BTC", Side.BUY, 100, 1, fee=1))
    ledger.book(fill("BTC", Side.SELL, 110, 3, fee=1))
    assert (ledger.trips, ledger.wins) == (2, 1)


def test_later_moves_can_be_unwound() -> None:
    """Cash and positions as of a moment leave out everything after it."""
    ledger = opened(1_000_000)
    ledger.book(fill("BTC", Side.BUY, 100, 10, fee=5, exch_ns=100))
    ledger.book(fill("BTC", Side.SELL, 120, 4, fee=5, exch_ns=200))
    assert ledger.as_of(100) == (1_000_000 - 1000 - 5, {"BTC": 10})
    assert ledger.as_of(200) == (1_000_000 - 1000 - 5 + 480 - 5, {"BTC": 6})


@given(st.dictionaries(st.sampled_from(STRATEGIES), st.integers(1, 50), min_size=1), st.data())
def test_apportioned_lots_sum_and_never_exceed_what_is_held(held: dict[StrategyId, int], data: st.DataObject) -> None:
    """Whatever is closed, every holder closes at most its own."""
    total = data.draw(st.integers(0, sum(held.values())))
    parts = apportion(total, held)
    assert sum(parts.values()) == total
    assert all(0 < parts[strategy] <= held[strategy] for strategy in parts)


def test_flattening_closes_the_strategies_positions() -> None:
    """Each strategy gets its share of lots, PnL and fee; what is left over opens on the flattening's own line."""
    ledger = opened()
    ledger.book(fill("BTC", Side.BUY, 100, 6, "mm"))
    ledger.book(fill("BTC", Side.BUY, 100, 3, "trend"))
    ledger.book(fill("BTC", Side.SELL, 110, 10, FLATTEN, fee=11))
    found = {line.strategy: (line.realised_usd, line.fees_usd) for line in ledger.lines()}
    assert found == {"mm": (60, 7), "trend": (30, 3), FLATTEN: (0, 1)}
    assert {s: a.position.net_sz for s, a in ledger.accounts["BTC"].items()} == {"mm": 0, "trend": 0, FLATTEN: -1}
    assert (ledger.trips, ledger.wins) == (2, 2)
    assert ledger.residual_usd(ledger.lines()) == 0
