"""An order inside the exchange: what was asked, what is left, and what became of it."""

from __future__ import annotations

import msgspec

from shared.units import Px, Sz
from shared.venue.core.commands import BuilderTerms, OrderSpec, Tif
from shared.venue.core.events import OrderView, TriggerView
from shared.venue.core.trigger import Family, Trigger, trigger_from_spec


class Order(msgspec.Struct, eq=False, gc=False):
    """Mutable on purpose: the one copy that book, account and history share. `sz` is what remains."""

    user: str
    asset: int
    is_buy: bool
    px: Px
    sz: Sz
    orig_sz: Sz
    oid: int
    cloid: str | None
    reduce_only: bool
    tif: Tif
    placed_ms: int
    filled_sz: int = 0
    status: str = "open"
    status_ms: int = 0
    builder: BuilderTerms | None = None
    trigger: Trigger | None = None
    family: Family | None = None
    twap_id: int | None = None

    def view(self) -> OrderView:
        """The order as others may see it now, without its children."""
        trigger = self.trigger
        return OrderView(
            self.user,
            self.asset,
            self.is_buy,
            self.px,
            self.sz,
            self.orig_sz,
            self.oid,
            self.cloid,
            self.reduce_only,
            self.tif,
            self.placed_ms,
            None if trigger is None else _trigger_view(trigger),
            (),
            self.twap_id,
        )


def order_from_spec(spec: OrderSpec, user: str, oid: int, now_ms: int) -> Order:
    """A new order, nothing of it filled."""
    return Order(
        user,
        spec.asset,
        spec.is_buy,
        spec.px,
        spec.sz,
        spec.sz,
        oid,
        spec.cloid,
        spec.reduce_only,
        spec.tif,
        now_ms,
        0,
        "open",
        now_ms,
        spec.builder,
        None if spec.trigger is None else trigger_from_spec(spec.trigger, spec.is_buy),
        None,
        spec.twap_id,
    )


def _trigger_view(trigger: Trigger) -> TriggerView:
    """The trigger as others may see it now."""
    return TriggerView(
        trigger.px,
        trigger.is_market,
        trigger.is_tp,
        trigger.fires_above,
        trigger.phase.value,
        trigger.is_position,
        trigger.hides_condition,
    )
