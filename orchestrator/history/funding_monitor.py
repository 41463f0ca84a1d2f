"""The funding monitor over a warehouse: each hour of a coin, predicted against paid, our payments against the law.

What was predicted is the last context heard before the hour; what was paid is the venue's history (`hats data fetch
funding`) and our own payments as they were captured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from shared.rules.funding import HOURLY_CAP_E10, lawful_usd, payment_error_bps
from shared.units import HOUR, MINUTE
from shared.warehouse.reading import Warehouse

STALE_NS: Final = MINUTE
"""A context older than this at the hour tells no oracle to judge a payment by."""
TOLERANCE_BPS: Final = 100.0
"""The oracle moves in the seconds between the last context and the hour; beyond this a payment is not lawful."""


class FundingHour(msgspec.Struct):
    """One funding instant of one coin. Rates and premium are hourly x 10^10; None is unknown.

    `context_age_ns` is how old the last context was at the hour; predicted rate, prices and open interest are its.
    `premium_e10` is the venue's for the whole hour, `net_sz`, `paid_usd` and `own_rate_e10` are of our own payment.
    """

    coin: str
    hour_ns: int
    predicted_e10: int | None = None
    paid_e10: int | None = None
    premium_e10: int | None = None
    context_age_ns: int | None = None
    open_interest: int | None = None
    oracle_px: int | None = None
    mark_px: int | None = None
    px_decimals: int | None = None
    sz_decimals: int | None = None
    net_sz: int | None = None
    own_rate_e10: int | None = None
    paid_usd: int | None = None
    law_usd: int | None = None
    problems: tuple[str, ...] = ()


def hours(
    warehouse: Warehouse, coins: Sequence[str] = (), since_ns: int | None = None, until_ns: int | None = None
) -> list[FundingHour]:
    """Every hour in [since, until) of which a payment or a rate is known, by coin and time."""
    found: dict[tuple[str, int], FundingHour] = {}

    def at(row: dict[str, Any]) -> FundingHour:
        hour = row["exch_ns"] // HOUR * HOUR
        return found.setdefault((row["coin"], hour), FundingHour(row["coin"], hour))

    for row in _rows(warehouse, "funding_rates", coins, since_ns, until_ns):
        one = at(row)
        one.paid_e10, one.premium_e10 = row["rate_e10"], row["premium_e10"]
    for row in _rows(warehouse, "funding_payments", coins, since_ns, until_ns):
        one = at(row)
        one.net_sz, one.own_rate_e10, one.paid_usd = row["net_sz"], row["rate_e10"], row["usd"]
    _fill_contexts(found, _rows(warehouse, "asset_contexts", coins, since_ns and since_ns - HOUR, until_ns))
    for one in found.values():
        _judge(one)
    return [found[key] for key in sorted(found)]


def _fill_contexts(found: dict[tuple[str, int], FundingHour], rows: Iterator[dict[str, Any]]) -> None:
    """The last context before each hour; one of the very instant already tells of the next hour."""
    for row in rows:
        ns = row["recv_ns"] if row["recv_ns"] is not None else row["exch_ns"]
        hour = (ns // HOUR + 1) * HOUR
        one = found.get((row["coin"], hour))
        if one is None or (one.context_age_ns is not None and one.context_age_ns <= hour - ns):
            continue
        one.context_age_ns = hour - ns
        one.predicted_e10, one.open_interest = row["funding_rate_e10"], row["open_interest"]
        one.oracle_px, one.mark_px = row["oracle_px"], row["mark_px"]
        one.px_decimals, one.sz_decimals = row["px_decimals"], row["sz_decimals"]


def _judge(one: FundingHour) -> None:
    """What the law says of the hour, as far as it is known."""
    problems = []
    for what, rate in (("rate", one.paid_e10), ("our rate", one.own_rate_e10)):
        if rate is not None and abs(rate) > HOURLY_CAP_E10:
            problems.append(f"{what} {rate}e-10 is beyond the cap of {HOURLY_CAP_E10}e-10")
    if None not in (one.paid_e10, one.own_rate_e10) and one.paid_e10 != one.own_rate_e10:
        problems.append(f"we paid by {one.own_rate_e10}e-10, the venue's history says {one.paid_e10}e-10")
    is_fresh = one.context_age_ns is not None and one.context_age_ns <= STALE_NS
    if is_fresh and one.paid_usd is not None and one.net_sz is not None and one.oracle_px is not None:
        assert one.own_rate_e10 is not None
        one.law_usd = lawful_usd(one.net_sz, one.oracle_px, one.own_rate_e10)
        error = payment_error_bps(one.paid_usd, one.law_usd)
        if error > TOLERANCE_BPS:
            problems.append(f"{one.paid_usd} micro-USDC came, {one.law_usd} is the law: {error:.0f} bps")
    one.problems = tuple(problems)


def _rows(
    warehouse: Warehouse, table: str, coins: Sequence[str], since_ns: int | None, until_ns: int | None
) -> Iterator[dict[str, Any]]:
    for group in warehouse.groups(table, coins, since_ns, until_ns):
        yield from group.to_pylist()
