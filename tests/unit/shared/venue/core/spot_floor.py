"""A small exchange with spot markets that tests drive with readable text; it is the real core, spelled shorter."""

from __future__ import annotations

from typing import Final

from shared.instrument import Instrument
from shared.units import SECOND, Ns, Px, Sz
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    IssueToken,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
)
from shared.venue.core.events import Event, FillHappened, OrderChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair, list_perp, list_spot
from shared.venue.core.outcomes import Outcome, Refused, Status
from shared.venue.core.policy import DEFAULT_POLICY, VenuePolicy
from shared.venue.core.tokens import USDC, Token

START_NS: Final = 1_700_000_000 * SECOND
PURR: Final = Token("PURR", 1, 0, 5, "0xc1fb593aeffbeb02f85e0308e9956a90", is_canonical=True)
HYPE: Final = Token("HYPE", 150, 2, 8, "0x0d01dc56dcaaca66ad901c959b4011ec")
PURR_USDC: Final = SpotPair(0, PURR, USDC, is_canonical=True)
HYPE_USDC: Final = SpotPair(107, HYPE, USDC)
PURR_ASSET: Final = 10_000
HYPE_ASSET: Final = 10_107
ETH: Final = Instrument("ETH", 0, 4, 25)


class SpotFloor:
    """PURR/USDC (asset 10000) and @107 (HYPE/USDC, asset 10107); users "a" and "b" own 1,000 of every token."""

    def __init__(self, policy: VenuePolicy = DEFAULT_POLICY, mark: str | None = "100") -> None:
        listings = [list_perp(ETH), list_spot(PURR_USDC), list_spot(HYPE_USDC)]
        self.exchange = Exchange(listings, start_ns=START_NS, policy=policy)
        self.instruments = {asset: listing.instrument for asset, listing in self.exchange.listings.items()}
        self.now = START_NS
        self.events: tuple[Event, ...] = ()
        for user in ("a", "b"):
            for token in (USDC, PURR, HYPE):
                self.give(user, token, "1000")
        if mark is not None:
            self.do(SetPrices(HYPE_ASSET, self.instruments[HYPE_ASSET].px(mark)))

    def do(self, command: Command, span_ns: int = 0) -> Outcome:
        """The outcome `span_ns` after the last command; its events stay in `events`."""
        self.now += span_ns
        outcome = self.exchange.apply(command, Ns(self.now))
        self.events = outcome.events
        return outcome

    def give(self, user: str, token: Token, amount: str) -> None:
        """Tokens from outside."""
        self.do(IssueToken(user, token.index, token.wei(amount)))

    def spec(self, is_buy: bool, px: str, sz: str, tif: Tif = Tif.GTC, asset: int = HYPE_ASSET) -> OrderSpec:
        """An order of HYPE unless told otherwise."""
        instrument = self.instruments[asset]
        return OrderSpec(asset, is_buy, Px(instrument.px(px)), Sz(instrument.sz(sz)), False, tif)

    def place(self, user: str, *specs: OrderSpec) -> tuple[Status, ...]:
        """Statuses of a batch that was not refused as a whole."""
        outcome = self.do(PlaceOrders(user, specs))
        assert outcome.error is None
        return outcome.statuses

    def buy(self, user: str, px: str, sz: str, tif: Tif = Tif.GTC, asset: int = HYPE_ASSET) -> Status:
        """Status of one buy."""
        return self.place(user, self.spec(True, px, sz, tif, asset))[0]

    def sell(self, user: str, px: str, sz: str, tif: Tif = Tif.GTC, asset: int = HYPE_ASSET) -> Status:
        """Status of one sell."""
        return self.place(user, self.spec(False, px, sz, tif, asset))[0]

    def cancel(self, user: str, oid: int, asset: int = HYPE_ASSET) -> Status:
        """Status of one cancel."""
        return self.do(CancelOrders(user, (CancelOrder(asset, oid=oid),))).statuses[0]

    def fills(self) -> list[FillHappened]:
        """The last command's fills, in order: taker first."""
        return [event for event in self.events if isinstance(event, FillHappened)]

    def changes(self) -> list[tuple[int, str]]:
        """(oid, status) of the last command's order changes, in order."""
        return [(event.order.oid, event.status) for event in self.events if isinstance(event, OrderChanged)]

    def has(self, user: str, token: Token) -> tuple[str, str, str]:
        """(total, hold, entry notional) of a user's token, as text."""
        view = next(view for view in self.exchange.spot_balances(user) if view.token == token)
        return token.text(view.total_wei), token.text(view.hold_wei), USDC.text(view.entry_e8)


def refusal(status: Status) -> str:
    """The error text of a status that must be a refusal."""
    assert isinstance(status, Refused)
    return status.error
