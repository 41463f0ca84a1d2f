"""What the page at `/` shows: markets, accounts, the house and the faults, all at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shared.units import MS, Ns, usd_to_str
from shared.venue.core.exchange import Exchange
from shared.venue.core.views import AccountView
from shared.venue.door import render
from shared.venue.door.answers import Answers
from shared.venue.faults.engine import Faults

SHOWN_ACCOUNTS: Final = 100
SHOWN_STRIKES: Final = 20


def overview(answers: Answers, faults: Faults, connections: int, now: Ns) -> dict[str, Any]:
    """One JSON object. Accounts come largest first, at most 100; money as decimal text in USDC."""
    exchange = answers.exchange
    accounts = sorted((exchange.account(user) for user in exchange.users()), key=lambda one: -one.value_usd)
    house = exchange.house()
    return {
        "time_ms": now // MS,
        "connections": connections,
        "coins": [_coin(answers, asset) for asset in sorted(answers.instruments)],
        "users": len(accounts),
        "accounts": [_account(exchange, one) for one in accounts[:SHOWN_ACCOUNTS]],
        "house": {"deposits": usd_to_str(house.deposits_usd), "fees": usd_to_str(house.fees_usd)},
        "faults": [shown(one) for one in armed_faults(faults)],
        "strikes": len(faults.strikes),
        "last_strikes": msgspec.to_builtins(faults.strikes[-SHOWN_STRIKES:]),
    }


class ArmedView(msgspec.Struct, frozen=True):
    """One armed fault; times are ms since 1970, `until_ms` None has no end."""

    number: int
    kind: str
    from_ms: int
    until_ms: int | None
    strikes: int
    fault: dict[str, Any]


def armed_faults(faults: Faults) -> tuple[ArmedView, ...]:
    """Every armed fault, in order of arming."""
    return tuple(
        ArmedView(
            one.number,
            str(type(one.fault).__struct_config__.tag),
            one.from_ns // MS,
            None if one.fault.for_ms is None else one.until_ns // MS,
            one.strikes,
            msgspec.to_builtins(one.fault),
        )
        for one in faults.armed.values()
    )


def shown(view: ArmedView) -> dict[str, Any]:
    """A fault with only the keys that were chosen."""
    told = {key: value for key, value in view.fault.items() if value is not None and key != "kind"}
    return {"number": view.number, "kind": view.kind, "strikes": view.strikes, "told": told}


def _coin(answers: Answers, asset: int) -> dict[str, Any]:
    """Prices and open interest of a coin, as its context tells them."""
    view, instrument = answers.exchange.asset_view(asset), answers.instruments[asset]
    return {
        "coin": instrument.coin,
        "mid": view.mid_text,
        "mark": instrument.px_text(view.mark_px),
        "oracle": instrument.px_text(view.oracle_px),
        "open_interest": instrument.sz_text(view.open_interest_sz),
        "funding": render.rate(view.rate_e10),
        "is_halted": answers.exchange.is_halted(asset),
        "is_delisted": instrument.is_delisted,
    }


def _account(exchange: Exchange, view: AccountView) -> dict[str, Any]:
    """A user's standing in a line."""
    listings = exchange.listings
    return {
        "user": view.user,
        "value": usd_to_str(view.value_usd),
        "margin_used": usd_to_str(view.margin_used_usd),
        "orders": len(exchange.open_orders(view.user)),
        "positions": list(_positions(view, {asset: one.instrument for asset, one in listings.items()})),
    }


def _positions(view: AccountView, instruments: Any) -> Iterable[dict[str, Any]]:
    for position in view.positions:
        instrument = instruments[position.asset]
        yield {
            "coin": instrument.coin,
            "size": instrument.sz_text(position.net_sz),
            "entry": position.entry_px_text,
            "pnl": usd_to_str(position.unrealised_usd),
        }
