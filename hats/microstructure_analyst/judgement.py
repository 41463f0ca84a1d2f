"""Holds the analyst's forecasts against what came: the microprice against the later mid, slippage against fills."""

from __future__ import annotations

from hats.microstructure_analyst.coin import Claim, CoinState
from hats.microstructure_analyst.depth import slippage_bps
from shared.book import taker_levels
from shared.messages.order import Fill
from shared.units import BPS, Ns

_SCALE_WEIGHT = 0.02
_CLAIMS_PER_HORIZON = 4


def judge_claims(coin: CoinState, now: Ns, horizon_ns: int) -> list[float]:
    """One skill sample for each claim that is due: (mid error^2 - microprice error^2) / usual mid error^2.

    1 is clairvoyance, 0 no better than the plain mid, negative worse. A claim whose later mid came too late is dropped.
    """
    samples = []
    while coin.claims and now - coin.claims[0].made_ns >= horizon_ns:
        claim = coin.claims.pop(0)
        if now - claim.made_ns > 2 * horizon_ns:
            continue
        plain = ((coin.mid / claim.mid - 1.0) * BPS) ** 2
        fitted = ((coin.mid - claim.microprice) / claim.mid * BPS) ** 2
        weight = _SCALE_WEIGHT if coin.error_scale else 1.0
        coin.error_scale += weight * (plain - coin.error_scale)
        if coin.error_scale > 0.0:
            samples.append((plain - fitted) / coin.error_scale)
    return samples


def make_claim(coin: CoinState, microprice: float, now: Ns, horizon_ns: int) -> None:
    """Remember this microprice to be judged later, unless one was remembered a moment ago."""
    if not coin.claims or now - coin.claims[-1].made_ns >= horizon_ns // _CLAIMS_PER_HORIZON:
        coin.claims.append(Claim(now, coin.mid, microprice))


def judge_fill(coin: CoinState, fill: Fill, correction_bps: float, stale_ns: int) -> tuple[float, float] | None:
    """Forecast of the book alone and what the fill really cost, both in bps against the mid; None if not comparable.

    The parts of one order are judged one after the other, each against what its forerunners left. `correction_bps` is
    what the analyst adds to the book's word. A book older than `stale_ns` at the fill foretold nothing.
    """
    book = coin.book_before(fill.exch_ns)
    if fill.oid != coin.taking_oid:
        coin.taking_oid, coin.taken_sz = fill.oid, 0
    if book is None or fill.exch_ns - book.exch_ns > stale_ns:
        return None
    levels = taker_levels(fill.side, book.bids, book.asks)
    forecast = slippage_bps(fill.side, levels, book.mid, coin.taken_sz, fill.sz)
    coin.taken_sz += fill.sz
    if forecast == float("inf"):
        return None
    return forecast + correction_bps, fill.side.value * (fill.px - book.mid) / book.mid * BPS


def beyond_quotes_bps(coin: CoinState, px: int) -> float | None:
    """How far a public print lies outside the quotes last seen, in bps; None without quotes."""
    if coin.last_best is None:
        return None
    bid, ask = coin.last_best
    return max(bid.px - px, px - ask.px, 0) / coin.mid * BPS
