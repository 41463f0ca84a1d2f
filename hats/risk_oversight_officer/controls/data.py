"""Is what we know fresh and consistent enough to decide on?"""

from __future__ import annotations

from hats.risk_oversight_officer.case import Breach, Case, bps_between, within
from hats.risk_oversight_officer.market import Market
from hats.risk_oversight_officer.settings import Settings
from shared.messages.market import CaptureState
from shared.messages.risk import DenyReason
from shared.units import BPS, MS


def check_feed(case: Case) -> Breach | None:
    """The coin's book was seen, and the feed is up and stands by it (closing everything may go on without that)."""
    if case.intent.coin not in case.state.market.features:
        return Breach(DenyReason.STALE_DATA, 1, 0, f"no book of {case.intent.coin} was seen yet")
    if case.twice_mid <= 0:
        return Breach(DenyReason.STALE_DATA, 1, case.twice_mid, f"price units are twice our mid of {case.intent.coin}")
    if not case.state.market.is_feed_up and not case.is_exit:
        return Breach(DenyReason.STALE_DATA, 1, 0, "the feed is not up")
    if case.intent.coin in case.state.market.stale_coins and not case.is_exit:
        return Breach(DenyReason.STALE_DATA, 1, 0, f"the feed does not stand by its data of {case.intent.coin}")
    return None


def check_capture(case: Case) -> Breach | None:
    """What happens is written down by the capture log, or nobody wants it to be."""
    market = case.state.market
    if market.capture in (CaptureState.ON, CaptureState.OFF):
        return None
    detail = f"bytes of disk are free: the capture log is {market.capture or 'not heard of yet'}"
    return Breach(DenyReason.NOT_CAPTURED, 0, market.capture_free_bytes, detail)


def check_intent_age(case: Case) -> Breach | None:
    """The book that it was decided on is fresh, and not from the future."""
    return _age(case, case.intent.book_recv_ns, _book_limit_ms(case), "ms old is the intent's book")


def check_book_age(case: Case) -> Breach | None:
    """Our own book is fresh, and not from the future."""
    return _age(case, case.feature.book_recv_ns, _book_limit_ms(case), "ms old is our own book")


def check_context_age(case: Case) -> Breach | None:
    """The venue's word on mark, oracle and funding was heard, and is fresh."""
    if case.context is None:
        limit = case.settings.context_age_limit_ms
        return Breach(DenyReason.STALE_DATA, limit, 0, f"unknown: the venue said nothing of {case.intent.coin} yet")
    return _age(case, case.context.recv_ns, case.settings.context_age_limit_ms, "ms old is the venue's context")


def check_clock(case: Case) -> Breach | None:
    """Our clock agrees with the venue's, which the first book tells, and nobody has set the machine's meanwhile."""
    if case.state.market.venue_offset_ns is None:
        limit = case.settings.clock_offset_limit_ms
        return Breach(DenyReason.CLOCK_OFFSET, limit, 0, "unknown: the venue's clock was not heard yet")
    return clock_breach(case.state.market, case.settings)


def clock_breach(market: Market, settings: Settings) -> Breach | None:
    """How far time is wrong, if it is: an expiry would protect nothing, or everything would be refused as expired."""
    limit = settings.clock_offset_limit_ms
    for offset_ns, what in (
        (market.venue_offset_ns or 0, "ms is the venue's clock ahead of ours"),
        (market.system_offset_ns, "ms was this machine's clock set ahead since the run began"),
    ):
        if abs(offset_ns) > limit * MS:
            found = -(-abs(offset_ns) // MS)
            return Breach(DenyReason.CLOCK_OFFSET, limit, found if offset_ns > 0 else -found, what)
    return None


def check_spread(case: Case) -> Breach | None:
    """The book is narrow enough for its mid to mean something."""
    limit, spread = case.settings.spread_limit_bps, case.feature.best_ask_px - case.feature.best_bid_px
    if 2 * abs(spread) * BPS <= limit * case.twice_mid:
        return None
    found = -(-2 * abs(spread) * BPS // case.twice_mid)
    return Breach(DenyReason.WIDE_SPREAD, limit, found, "bps between bid and ask")


def check_price_gap(case: Case) -> Breach | None:
    """Our mid and the venue's oracle, which know nothing of each other, agree."""
    limit = case.settings.price_gap_limit_bps
    if case.oracle_px <= 0:
        return Breach(DenyReason.PRICE_DISAGREEMENT, limit, 0, "unknown: the venue named no oracle price")
    if within(case.twice_mid, 2 * case.oracle_px, limit):
        return None
    found = bps_between(case.twice_mid, 2 * case.oracle_px)
    return Breach(DenyReason.PRICE_DISAGREEMENT, limit, found, "bps between our mid and the oracle")


def _book_limit_ms(case: Case) -> int:
    return case.settings.exit_data_age_limit_ms if case.is_exit else case.settings.data_age_limit_ms


def _age(case: Case, recv_ns: int, limit_ms: int, detail: str) -> Breach | None:
    age_ns = case.now - recv_ns
    if abs(age_ns) <= limit_ms * MS:
        return None
    found = -(-abs(age_ns) // MS)
    return Breach(DenyReason.STALE_DATA, limit_ms, found if age_ns > 0 else -found, detail)
