"""Answers to /info: every request type that this exchange can answer truthfully, in the venue's shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from shared.units import HOUR, MS, Ns, Usd
from shared.venue.core.candles import INTERVALS_NS, KEPT_CANDLES
from shared.venue.core.events import FillHappened
from shared.venue.door import render
from shared.venue.door.actions import canonical_cloid
from shared.venue.door.agents import AgentBook
from shared.venue.door.aggregate import merged_fills
from shared.venue.door.answers import Answers, fee_rate
from shared.venue.door.bodies import BAD_SHAPE, BodyRefused
from shared.venue.door.budgets import AddressBudgets
from shared.venue.door.questions import (
    AboutBook,
    AboutCandles,
    AboutCoin,
    AboutCoinSpan,
    AboutFills,
    AboutFillSpan,
    AboutOrder,
    AboutUser,
    AboutUserCoin,
    AboutUserSpan,
    Question,
)
from shared.venue.door.render import Json

MOST_ROWS: Final = 500
MOST_FILLS: Final = 2_000
RECENT_TRADES: Final = 10
_NO_SPOT: Final[Json] = {"universe": [], "tokens": []}
_ZERO: Final = "0.0"


class Info:
    """Reads only. An asset that is not listed is `null`, with status 500 where the venue fails on it."""

    def __init__(self, answers: Answers, agents: AgentBook, budgets: AddressBudgets) -> None:
        self._answers = answers
        self._exchange = answers.exchange
        self._agents = agents
        self._budgets = budgets
        self._by_type: Final[dict[str, Callable[[Any, Ns], Any]]] = {
            "meta": lambda _, __: answers.meta(),
            "metaAndAssetCtxs": lambda _, now: [answers.meta(), self._ctxs(now)],
            "allMids": lambda _, __: answers.all_mids(),
            "allPerpMetas": lambda _, __: [answers.meta()],
            "perpDexs": lambda _, __: [None],
            "perpsAtOpenInterestCap": lambda _, __: [],
            "exchangeStatus": lambda _, now: {"time": now // MS, "specialStatuses": None},
            "spotMeta": lambda _, __: _NO_SPOT,
            "spotMetaAndAssetCtxs": lambda _, __: [_NO_SPOT, []],
            "predictedFundings": self._predicted_fundings,
            "l2Book": self._l2_book,
            "recentTrades": self._recent_trades,
            "candleSnapshot": self._candles,
            "fundingHistory": self._funding_history,
            "openOrders": lambda asked, _: answers.open_orders(asked.user),
            "frontendOpenOrders": lambda asked, _: answers.full_open_orders(asked.user),
            "orderStatus": self._order_status,
            "historicalOrders": self._historical_orders,
            "userFills": self._fills,
            "userFillsByTime": self._fills_by_time,
            "userFunding": self._user_funding,
            "userTwapSliceFills": lambda _, __: [],
            "clearinghouseState": lambda asked, now: answers.clearinghouse_state(asked.user, now),
            "spotClearinghouseState": lambda _, __: {"balances": []},
            "activeAssetData": self._active_asset_data,
            "userRateLimit": self._rate_limit,
            "userRole": self._role,
            "userFees": self._fees,
            "subAccounts": lambda _, __: None,
            "extraAgents": self._extra_agents,
            "userVaultEquities": lambda _, __: [],
            "userToMultiSigSigners": lambda _, __: None,
        }

    def answer(self, name: str, question: Question, now: Ns) -> Any:
        """The answer as JSON; BodyRefused where the venue's HTTP layer would fail."""
        return self._by_type[name](question, now)

    # --- assets

    def _asset(self, coin: str) -> int:
        asset = self._answers.assets.get(coin)
        if asset is None:
            raise BodyRefused(500, "null")
        return asset

    def _ctxs(self, now: Ns) -> list[Json]:
        return [self._answers.asset_ctx(asset, now) for asset in sorted(self._answers.instruments)]

    def _predicted_fundings(self, _: Question, now: Ns) -> list[Any]:
        next_ms = (now // HOUR + 1) * HOUR // MS
        rows = []
        for asset, instrument in sorted(self._answers.instruments.items()):
            rate = render.rate(self._exchange.asset_view(asset).rate_e10)
            row = {"fundingRate": rate, "nextFundingTime": next_ms, "fundingIntervalHours": 1}
            rows.append([instrument.coin, [["HlPerp", row]]])
        return rows

    def _l2_book(self, asked: AboutBook, now: Ns) -> Json | None:
        if asked.n_sig_figs is not None or asked.mantissa is not None:
            raise BodyRefused(500, "null")
        asset = self._answers.assets.get(asked.coin)
        return None if asset is None else self._answers.l2_book(asset, now)

    def _recent_trades(self, asked: AboutCoin, _: Ns) -> list[Json]:
        return self._answers.trades(self._asset(asked.coin), RECENT_TRADES)

    def _candles(self, asked: AboutCandles, _: Ns) -> list[Json]:
        span = asked.req
        if span.interval not in INTERVALS_NS:
            raise BodyRefused(422, BAD_SHAPE)
        asset = self._asset(span.coin)
        return self._answers.candles(asset, span.interval, span.start_time, span.end_time)[-KEPT_CANDLES:]

    def _funding_history(self, asked: AboutCoinSpan, _: Ns) -> list[Json]:
        asset = self._asset(asked.coin)
        points = self._exchange.funding_history(asset)
        instrument = self._answers.instruments[asset]
        inside = [point for point in points if _is_within(point.time_ms, asked.start_time, asked.end_time)]
        return [render.funding_point(instrument, point) for point in inside[:MOST_ROWS]]

    # --- users

    def _order_status(self, asked: AboutOrder, _: Ns) -> Json:
        if isinstance(asked.oid, int):
            return self._answers.order_status(self._exchange.order_by_oid(asked.user, asked.oid))
        cloid = canonical_cloid(asked.oid)
        assert cloid is not None
        return self._answers.order_status(self._exchange.order_by_cloid(asked.user, cloid))

    def _historical_orders(self, asked: AboutUser, _: Ns) -> list[Json]:
        changes = self._exchange.order_history(asked.user)
        return [render.order_record(self._answers.instruments[change.order.asset], change) for change in changes]

    def _fills(self, asked: AboutFills, _: Ns) -> list[Json]:
        return self._shown(reversed(self._exchange.fills(asked.user)), asked.aggregate_by_time)

    def _fills_by_time(self, asked: AboutFillSpan, _: Ns) -> list[Json]:
        fills = self._exchange.fills(asked.user)
        inside = [fill for fill in fills if _is_within(fill.time_ms, asked.start_time, asked.end_time)]
        return self._shown(reversed(inside) if asked.reversed else inside, asked.aggregate_by_time)

    def _shown(self, fills: Iterable[FillHappened], is_merged: bool | None) -> list[Json]:
        instruments = self._answers.instruments
        if is_merged:
            return list(merged_fills(fills, instruments))[:MOST_FILLS]
        return [render.fill(instruments[fill.asset], fill) for fill in fills][:MOST_FILLS]

    def _user_funding(self, asked: AboutUserSpan, _: Ns) -> list[Json]:
        paid = self._exchange.fundings(asked.user)
        inside = [one for one in paid if _is_within(one.time_ms, asked.start_time, asked.end_time)]
        return [render.funding_record(self._answers.instruments[one.asset], one) for one in inside[:MOST_ROWS]]

    def _active_asset_data(self, asked: AboutUserCoin, _: Ns) -> Json:
        return self._answers.active_asset_data(asked.user, self._asset(asked.coin))

    def _rate_limit(self, asked: AboutUser, _: Ns) -> Json:
        volume = Usd(self._exchange.account(asked.user).volume_usd)
        return {
            "cumVlm": render.usd(volume),
            "nRequestsUsed": self._budgets.used(asked.user),
            "nRequestsCap": self._budgets.cap(volume),
            "nRequestsSurplus": 0,
        }

    def _role(self, asked: AboutUser, now: Ns) -> Json:
        agent = self._agents.agent_at(asked.user, now // MS)
        if agent is not None:
            return {"role": "agent", "data": {"user": agent.user}}
        return {"role": "user" if self._exchange.has_account(asked.user) else "missing"}

    def _fees(self, asked: AboutUser, _: Ns) -> Json:
        """One tier for everybody and no discounts, which is how fees are charged here; daily volumes are not kept."""
        rates = self._exchange.fee_rates(asked.user)
        taker, maker = fee_rate(rates.taker_e9), fee_rate(rates.maker_e9)
        base = {"cross": taker, "add": maker, "spotCross": _ZERO, "spotAdd": _ZERO}
        return {
            "dailyUserVlm": [],
            "feeSchedule": base
            | {"tiers": {"vip": [], "mm": []}, "referralDiscount": _ZERO, "stakingDiscountTiers": []},
            "userCrossRate": taker,
            "userAddRate": maker,
            "userSpotCrossRate": _ZERO,
            "userSpotAddRate": _ZERO,
            "activeReferralDiscount": _ZERO,
            "trial": None,
            "feeTrialEscrow": _ZERO,
            "nextTrialAvailableTimestamp": None,
            "stakingLink": None,
            "activeStakingDiscount": {"bpsOfMaxSupply": _ZERO, "discount": _ZERO},
        }

    def _extra_agents(self, asked: AboutUser, now: Ns) -> list[Json]:
        agents = self._agents.named_agents(asked.user, now // MS)
        return [{"name": one.name, "address": one.address, "validUntil": one.valid_until_ms} for one in agents]


def _is_within(time_ms: int, start_ms: int, end_ms: int | None) -> bool:
    return start_ms <= time_ms and (end_ms is None or time_ms <= end_ms)
