"""The venue's JSON of spot: tokens, pairs, contexts, balances."""

from __future__ import annotations

from typing import Any

from shared.instrument import Instrument
from shared.units import MS, SPOT_PX_DECIMALS, Ns, str_from_scaled
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair
from shared.venue.core.tokens import Token
from shared.venue.door.answers import Answers
from shared.venue.door.render import Json, number

_USD_DECIMALS = 6
_USD_PER_E8 = 100


def pairs(exchange: Exchange) -> dict[int, SpotPair]:
    """Listed pairs by asset id, in rising order."""
    return {asset: one.spot for asset, one in sorted(exchange.listings.items()) if one.spot is not None}


def token(shown: Token) -> Json:
    """One token of `spotMeta`."""
    contract = shown.evm_contract
    return {
        "name": shown.name,
        "szDecimals": shown.sz_decimals,
        "weiDecimals": shown.wei_decimals,
        "index": shown.index,
        "tokenId": shown.token_id,
        "isCanonical": shown.is_canonical,
        "evmContract": None
        if contract is None
        else {"address": contract.address, "evm_extra_wei_decimals": contract.evm_extra_wei_decimals},
        "fullName": shown.full_name,
        "deployerTradingFeeShare": shown.deployer_fee_share,
    }


def spot_meta(exchange: Exchange) -> Json:
    """`spotMeta`: pairs in order of their index, tokens in order of theirs; nothing at all without a pair."""
    listed = pairs(exchange)
    universe = [
        {
            "tokens": [pair.base.index, pair.quote.index],
            "name": pair.name,
            "index": pair.index,
            "isCanonical": pair.is_canonical,
        }
        for pair in listed.values()
    ]
    return {"universe": universe, "tokens": [token(one) for one in exchange.tokens.values()] if listed else []}


def spot_ctx(answers: Answers, asset: int, now: Ns) -> Json:
    """One context. Supplies are what this exchange holds of the base token, or what was told of it, if that is more."""
    exchange, instrument = answers.exchange, answers.instruments[asset]
    view, base = exchange.spot_view(asset), pairs(exchange)[asset].base
    sz, notional_e8, before_px = answers.day(asset, now // MS)
    mid = view.mid_text
    circulating = base.text(view.circulating_wei)
    return {
        "prevDayPx": _px(instrument, view.mark_px if before_px is None else before_px),
        "dayNtlVlm": number(str_from_scaled(notional_e8, SPOT_PX_DECIMALS)),
        "markPx": _px(instrument, view.mark_px),
        "midPx": None if mid is None else number(mid),
        "circulatingSupply": number(circulating),
        "coin": instrument.coin,
        "totalSupply": number(base.text(max(view.circulating_wei, base.wei(base.supply)))),
        "dayBaseVlm": number(instrument.sz_text(sz)),
    }


def spot_ctxs(answers: Answers, now: Ns) -> list[Json]:
    """The contexts of all pairs, in order of `spotMeta`."""
    return [spot_ctx(answers, asset, now) for asset in pairs(answers.exchange)]


def spot_state(exchange: Exchange, user: str) -> Json:
    """`spotClearinghouseState`: a row for each token ever held, zeros kept; the entry notional in truncated micros."""
    rows = [
        {
            "coin": view.token.name,
            "token": view.token.index,
            "total": number(view.token.text(view.total_wei)),
            "hold": number(view.token.text(view.hold_wei)),
            "entryNtl": number(str_from_scaled(view.entry_e8 // _USD_PER_E8, _USD_DECIMALS)),
        }
        for view in exchange.spot_balances(user)
    ]
    return {"balances": rows}


def token_details(answers: Answers, shown: Token, now: Ns) -> Json:
    """`tokenDetails`: supply and prices; nobody deployed these tokens here, so their genesis is empty."""
    exchange = answers.exchange
    issued = exchange.treasury().get(shown.index, (0, 0))[0]
    prices: dict[str, Any] = {"midPx": None, "markPx": None, "prevDayPx": None}
    first = next((asset for asset, pair in pairs(exchange).items() if pair.base == shown), None)
    if first is not None:
        ctx = spot_ctx(answers, first, now)
        prices = {key: ctx[key] for key in prices}
    total = number(shown.text(max(issued, shown.wei(shown.supply))))
    return {
        "name": shown.name,
        "maxSupply": total,
        "totalSupply": total,
        "circulatingSupply": number(shown.text(issued)),
        "szDecimals": shown.sz_decimals,
        "weiDecimals": shown.wei_decimals,
        **prices,
        "genesis": None,
        "deployer": None,
        "deployGas": None,
        "deployTime": None,
        "seededUsdc": "0.0",
        "nonCirculatingUserBalances": [],
        "futureEmissions": "0.0",
    }


def _px(instrument: Instrument, px: int) -> str:
    return number(str_from_scaled(px, instrument.px_decimals))
