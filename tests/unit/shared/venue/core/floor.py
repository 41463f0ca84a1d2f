"""A small exchange that tests drive with readable text; it is the real core, only spelled shorter."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.instrument import Instrument
from shared.rules.margin import MarginTiers
from shared.units import SECOND, Ns, Px, Sz, usd_from_str
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    Grouping,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
    TriggerSpec,
    UpdateLeverage,
)
from shared.venue.core.events import Event, FillHappened, OrderChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Outcome, Refused, Status
from shared.venue.core.policy import DEFAULT_POLICY, VenuePolicy

START_NS: Final = 1_700_000_000 * SECOND
ETH: Final = Instrument("ETH", 4, 2, 25)
SOL: Final = Instrument("SOL", 5, 2, 20)


class Floor:
    """ETH (asset 4) and SOL (asset 5), both at 100; users "a", "b" and "c" own 100,000 USDC each."""

    def __init__(self, tiers: MarginTiers | None = None, policy: VenuePolicy = DEFAULT_POLICY) -> None:
        self.exchange = Exchange([list_perp(ETH, tiers), list_perp(SOL)], start_ns=START_NS, policy=policy)
        self.now = START_NS
        self.events: tuple[Event, ...] = ()
        for user in ("a", "b", "c"):
            self.fund(user, "100000")
        for asset in (4, 5):
            self.oracle("100", asset)

    def do(self, command: Command, span_ns: int = 0) -> Outcome:
        """The outcome `span_ns` after the last command; its events stay in `events`."""
        self.now += span_ns
        outcome = self.exchange.apply(command, Ns(self.now))
        self.events = outcome.events
        return outcome

    def fund(self, user: str, usd: str) -> None:
        """Deposit."""
        self.do(Deposit(user, usd_from_str(usd)))

    def oracle(self, px: str, asset: int = 4, span_ns: int = 0) -> None:
        """The oracle moves."""
        self.do(SetPrices(asset, ETH.px(px)), span_ns)

    def place(self, user: str, *specs: OrderSpec) -> tuple[Status, ...]:
        """Statuses of a batch that was not refused as a whole."""
        outcome = self.do(PlaceOrders(user, specs))
        assert outcome.error is None
        return outcome.statuses

    def group(self, user: str, grouping: Grouping, *specs: OrderSpec) -> tuple[Status, ...]:
        """Statuses of a group that was not refused as a whole."""
        outcome = self.do(PlaceOrders(user, specs, grouping))
        assert outcome.error is None
        return outcome.statuses

    def buy(self, user: str, px: str, sz: str, tif: Tif = Tif.GTC, **more: object) -> Status:
        """Status of one buy."""
        return self.place(user, spec(True, px, sz, tif, **more))[0]

    def sell(self, user: str, px: str, sz: str, tif: Tif = Tif.GTC, **more: object) -> Status:
        """Status of one sell."""
        return self.place(user, spec(False, px, sz, tif, **more))[0]

    def cancel(self, user: str, target: int | str, asset: int = 4) -> Status:
        """Status of one cancel."""
        by_cloid = isinstance(target, str)
        cancel = CancelOrder(asset, cloid=str(target)) if by_cloid else CancelOrder(asset, oid=int(target))
        return self.do(CancelOrders(user, (cancel,))).statuses[0]

    def modify(self, user: str, target: int | str, new: OrderSpec, always: bool = False) -> Status:
        """Status of one modify."""
        return self.do(ModifyOrders(user, (ModifySpec(target, new),), always)).statuses[0]

    def leverage(self, user: str, leverage: int, asset: int = 4, is_cross: bool = True) -> str | None:
        """Error of a change of leverage."""
        return self.do(UpdateLeverage(user, asset, leverage, is_cross)).error

    def changes(self) -> list[tuple[int, str]]:
        """(oid, status) of the last command's order changes, in order."""
        return [(event.order.oid, event.status) for event in self.events if isinstance(event, OrderChanged)]

    def fills(self) -> list[FillHappened]:
        """The last command's fills, in order."""
        return [event for event in self.events if isinstance(event, FillHappened)]

    def left(self, user: str) -> dict[int, str]:
        """What is left of each resting order."""
        return {order.oid: ETH.sz_text(order.sz) for order in self.exchange.open_orders(user)}

    def net(self, user: str, asset: int = 4) -> str:
        """The position, signed."""
        nets = {position.asset: position.net_sz for position in self.exchange.account(user).positions}
        return ETH.sz_text(nets.get(asset, 0))


def spec(is_buy: bool, px: str, sz: str, tif: Tif = Tif.GTC, **more: object) -> OrderSpec:
    """An order of ETH unless `asset` says otherwise; `cloid` and `reduce_only` as in OrderSpec."""
    asset, cloid = more.get("asset", 4), more.get("cloid")
    assert isinstance(asset, int)
    assert cloid is None or isinstance(cloid, str)
    return OrderSpec(asset, is_buy, Px(ETH.px(px)), Sz(ETH.sz(sz)), bool(more.get("reduce_only")), tif, cloid)


def trigger(is_buy: bool, kind: str, trigger_px: str, px: str, sz: str, **more: object) -> OrderSpec:
    """A trigger order of ETH, reduce-only unless `reduce_only` says otherwise. `kind`: tp or sl, then market or limit.

    For example "tp market" or "sl limit".
    """
    tpsl, _, execution = kind.partition(" ")
    is_market = execution == "market"
    plain = spec(is_buy, px, sz, Tif.IOC if is_market else Tif.GTC, **({"reduce_only": True} | more))
    return msgspec.structs.replace(plain, trigger=TriggerSpec(Px(ETH.px(trigger_px)), is_market, tpsl == "tp"))


def refusal(status: Status) -> str:
    """The error text of a status that must be a refusal."""
    assert isinstance(status, Refused)
    return status.error
