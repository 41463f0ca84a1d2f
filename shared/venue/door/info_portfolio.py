"""/info about what accounts were worth over time."""

from __future__ import annotations

from typing import Any, Final

from shared.units import MS, Ns
from shared.venue.core.portfolio import WINDOWS, WindowView
from shared.venue.core.wealth import Sample
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import usd


def portfolio(desk: Desk, asked: AboutUser, now: Ns) -> list[Any]:
    """`portfolio`: four windows of perps and spot together, then four of perps alone."""
    views = desk.exchange.portfolio(asked.user)
    if not views:
        nothing = Sample(now // MS, 0, 0, 0, 0, 0)
        views = [WindowView(name, nothing, (nothing,)) for name in WINDOWS]
    both = [[view.name, _window(view, is_perp=False)] for view in views]
    return both + [[f"perp{view.name[0].upper()}{view.name[1:]}", _window(view, is_perp=True)] for view in views]


def _window(view: WindowView, is_perp: bool) -> dict[str, Any]:
    base = view.base
    values, pnls = [], []
    for sample in view.samples:
        value, pnl = sample.perp_usd, sample.perp_pnl_usd - base.perp_pnl_usd
        if not is_perp:
            value, pnl = value + sample.spot_usd, pnl + sample.spot_pnl_usd - base.spot_pnl_usd
        values.append([sample.time_ms, usd(value)])
        pnls.append([sample.time_ms, usd(pnl)])
    last = view.samples[-1]
    volume = last.volume_usd - base.volume_usd
    if is_perp:
        volume -= last.spot_volume_usd - base.spot_volume_usd
    return {"accountValueHistory": values, "pnlHistory": pnls, "vlm": usd(volume)}


TYPES: Final[dict[str, InfoType]] = {
    "portfolio": (AboutUser, portfolio),
}
