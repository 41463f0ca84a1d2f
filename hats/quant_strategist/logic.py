"""The Quant Strategist: asks each strategy what it wants, and says the fewest intents that bring it about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from hats.quant_strategist.allocation import within_budgets
from hats.quant_strategist.desk import CoinState, Desk, Right, StrategyState
from hats.quant_strategist.judgement import due_markouts
from hats.quant_strategist.mandate import Mandate, mandates_from
from hats.quant_strategist.measures import DECIDED, EDGE, PRESENCE
from hats.quant_strategist.permission import Permission
from hats.quant_strategist.quotes import Hysteresis, Place, Quote, Withdraw, crossed_by, diff, withdrawals
from hats.quant_strategist.records import is_own_fault, record_change, record_denial, record_fill
from hats.quant_strategist.settings import Settings
from hats.quant_strategist.working import WorkingOrder, working_from
from shared.ids import Role, cloid_for
from shared.messages import AnyMessage, Message
from shared.messages.control import Armed, Disarmed, DrainOrdered, Started, Throttle, WakeAt, Woke
from shared.messages.market import AssetContext, FeedStatus, FundingClock, UniverseUpdate
from shared.messages.order import FillBooked, OrderChanged
from shared.messages.risk import OrderDenied, SizeBudget, TradingState, TradingStateChanged
from shared.messages.signal import CancelIntent, FeatureUpdate, OrderIntent, RegimeUpdate
from shared.order import Side, Tif
from shared.units import MS, Ns

WATCH_TIMER = "watch"
MEASURES_TIMER = "measures"
_ROOM_SHARE = 0.9
"""A side counts as wanted until the position uses this share of the limit."""
_FRESH_WATCHES = 2
"""Features are young enough to be asked for presence within so many looks."""
_E10_TO_BPS = 1e-6

Wishes = list[OrderIntent | CancelIntent]


class QuantStrategist:
    """In: features, regimes, fills, order states, permissions. Out: OrderIntent and CancelIntent."""

    role: ClassVar[Role] = Role.QUANT_STRATEGIST
    hears: ClassVar[tuple[type[Message], ...]] = (
        UniverseUpdate,
        AssetContext,
        FeedStatus,
        FundingClock,
        FeatureUpdate,
        RegimeUpdate,
        OrderDenied,
        SizeBudget,
        FillBooked,
        OrderChanged,
        TradingStateChanged,
        Armed,
        Disarmed,
        DrainOrdered,
        Throttle,
        Woke,
        Started,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mandates = mandates_from(settings)
        self._keep = Hysteresis(settings.requote_ticks, settings.requote_size_share, settings.cancel_retry_ms * MS)
        self.state = Desk(strategies={name: StrategyState() for name in self._mandates})

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from one message; see `shared.hat.Hat`."""
        match message:
            case FeatureUpdate():
                return self._hear_features(message, now)
            case OrderChanged():
                return self._hear_change(message, now)
            case OrderDenied():
                record_denial(self.state, message, self._settings, now)
            case FillBooked():
                on_coin = [mandate.id for mandate in self._on(message.fill.coin)]
                record_fill(self.state, message, on_coin, self._settings.markout_ms * MS)
            case RegimeUpdate():
                coin = self.state.coin(message.coin)
                coin.regime, coin.regime_ns = message, now
            case SizeBudget(coin=name, strategy=strategy, limit_usd=limit_usd):
                self.state.coin(name).budgets_usd[strategy or ""] = limit_usd
            case AssetContext():
                self.state.coin(message.coin).funding_bps = message.funding_rate_e10 * _E10_TO_BPS
            case FundingClock():
                for name, rate_e10 in message.rates_e10.items():
                    self.state.coin(name).funding_bps = rate_e10 * _E10_TO_BPS
            case UniverseUpdate():
                self.state.instruments = {i.coin: i for i in message.instruments if not i.is_delisted}
            case Throttle():
                self.state.throttle_ns = message.min_interval_ns
            case FeedStatus() | TradingStateChanged() | Armed() | Disarmed() | DrainOrdered():
                return self._change_situation(message, now)
            case Woke():
                return self._wake(message, now)
            case Started():
                self._start(message.run)
                return [self._timer(WATCH_TIMER, now), self._timer(MEASURES_TIMER, now)]
        return []

    def _start(self, run: int) -> None:
        self.state.run = run
        for name in self._mandates:
            self.state.strategies.setdefault(name, StrategyState())

    def _hear_features(self, features: FeatureUpdate, now: Ns) -> Wishes:
        coin = self.state.coin(features.coin)
        coin.features = features
        late_ns = self._settings.stale_ms * MS
        for edge in due_markouts(self.state.markouts, features.coin, features.mid, features.book_recv_ns, late_ns):
            self.state.samples.add(EDGE.name, edge)
        wishes: Wishes = []
        for mandate in self._on(features.coin):
            mandate.see(self.state.strategies[mandate.id], features)
            wishes += self._decide(mandate, features, coin, now)
        return wishes

    def _decide(self, mandate: Mandate, features: FeatureUpdate, coin: CoinState, now: Ns) -> Wishes:
        """Withdraw what may not be there; else, unless it is too early, move what is there toward what is wanted."""
        state = self.state.strategies[mandate.id]
        permission = self._permission(mandate, now)
        if permission is Permission.NOTHING:
            return self._withdraw_all(mandate, now)
        if now - state.decided_ns < self.state.throttle_ns or now - state.acted_ns < self._settings.requote_min_ms * MS:
            return []
        if now < state.paused_until_ns:
            self.state.features_heard += is_own_fault(state)
            return []
        self.state.features_heard += 1
        self.state.features_decided += 1
        state.decided_ns = now
        instrument = self.state.instruments[mandate.settings.coin]
        limit_usd = self._limit_usd(mandate)
        wanted = mandate.wanted(features, coin, state, instrument, permission, limit_usd, self._settings, now)
        wanted = [quote for quote in wanted if not _is_in_the_way(quote, coin.right, now)]
        changes = diff(wanted, self.state.orders_of(mandate.id), self._keep, now, instrument.sz_decimals)
        wishes: Wishes = []
        for change in changes:
            wishes += self._carry_over(mandate, change, features, now)
        if wishes:
            state.acted_ns = now
        return wishes

    def _carry_over(self, mandate: Mandate, change: Place | Withdraw, features: FeatureUpdate, now: Ns) -> Wishes:
        """The intents of one change. What would trade with ourselves waits; our taker makes our quotes step aside."""
        if isinstance(change, Withdraw):
            return [self._cancel(self.state.working[change.cloid], "not wanted any more", now)]
        coin = mandate.settings.coin
        crossed = crossed_by(change, self.state.orders_on(coin))
        if not crossed:
            return [self._intend(mandate, change, features)]
        if change.quote.tif is Tif.ALO:
            return []
        self.state.coin(coin).right = Right(change.quote.side, Ns(now + self._settings.yield_ms * MS))
        retry_ns = self._keep.cancel_retry_ns
        crossed = [order for order in crossed if order.can_be_cancelled(now, retry_ns)]
        return [self._cancel(order, f"in the way of {mandate.id}", now) for order in crossed]

    def _intend(self, mandate: Mandate, place: Place, features: FeatureUpdate) -> OrderIntent:
        state = self.state.strategies[mandate.id]
        state.intents += 1
        assert self.state.run is not None, "nothing is permitted before the run is known"
        quote = place.quote
        intent = OrderIntent(
            cloid=cloid_for(self.state.run, mandate.number, state.intents),
            strategy=mandate.id,
            coin=mandate.settings.coin,
            side=quote.side,
            px=quote.px,
            sz=quote.sz,
            tif=quote.tif,
            reduce_only=quote.reduce_only,
            replaces=place.replaces,
            book_recv_ns=features.book_recv_ns,
            reason=mandate.settings.kind,
        )
        self.state.working[intent.cloid] = working_from(intent)
        return intent

    def _cancel(self, order: WorkingOrder, reason: str, now: Ns) -> CancelIntent:
        order.cancel_ns = now
        return CancelIntent(order.cloid, order.strategy, reason)

    def _withdraw_all(self, mandate: Mandate, now: Ns) -> Wishes:
        orders = withdrawals(self.state.orders_of(mandate.id), self._keep, now)
        situation = self.state.situation
        doubt = "its data can't be relied on" if mandate.settings.coin in situation.stale_coins else "features are old"
        reason = situation.obstacle() or doubt
        return [self._cancel(self.state.working[order.cloid], reason, now) for order in orders]

    def _limit_usd(self, mandate: Mandate) -> int:
        """What the strategy may hold now: its share of the capital, within what the Risk Officer said of the coin."""
        name = mandate.settings.coin
        on_coin_usd = sum(one.limit_usd for one in self._on(name))
        return within_budgets(mandate.limit_usd, on_coin_usd, self.state.coin(name).budgets_usd, mandate.id)

    def _permission(self, mandate: Mandate, now: Ns) -> Permission:
        """What the strategy may do now: what the situation allows, if its coin is known and its features are young."""
        coin = self.state.coin(mandate.settings.coin)
        if self.state.run is None or mandate.settings.coin not in self.state.instruments or coin.features is None:
            return Permission.NOTHING
        is_old = now - coin.features.book_recv_ns > self._settings.stale_ms * MS
        if is_old or mandate.settings.coin in self.state.situation.stale_coins:
            return Permission.NOTHING
        return self.state.situation.permission()

    def _change_situation(
        self, message: FeedStatus | TradingStateChanged | Armed | Disarmed | DrainOrdered, now: Ns
    ) -> Wishes:
        """Take the news in. Where not all is allowed, every order goes; reducing ones come with the next book."""
        situation = self.state.situation
        match message:
            case FeedStatus(state=feed, stale_coins=stale_coins):
                situation.feed, situation.stale_coins = feed, stale_coins
            case TradingStateChanged(state=trading):
                situation.trading = trading
            case Armed():
                situation.is_armed, situation.is_draining = True, False
            case Disarmed():
                situation.is_armed = False
            case DrainOrdered():
                situation.is_draining = True
        is_free = situation.obstacle() is None and situation.trading is TradingState.ACTIVE
        hit = [one for one in self._mandates.values() if not is_free or one.settings.coin in situation.stale_coins]
        return [wish for mandate in hit for wish in self._withdraw_all(mandate, now)]

    def _hear_change(self, change: OrderChanged, now: Ns) -> Wishes:
        """An order that comes to rest after its permission is gone is withdrawn at once."""
        record_change(self.state, change)
        mandate = self._mandates.get(change.strategy)
        if mandate is None or self._permission(mandate, now) is not Permission.NOTHING:
            return []
        return self._withdraw_all(mandate, now)

    def _wake(self, woke: Woke, now: Ns) -> list[AnyMessage]:
        if woke.timer == WATCH_TIMER:
            wishes = [wish for mandate in self._mandates.values() for wish in self._watch(mandate, now)]
            return [*wishes, self._timer(WATCH_TIMER, now)]
        if self.state.features_heard:
            share = self.state.features_decided / self.state.features_heard
            self.state.samples.add(DECIDED.name, share)
        self.state.features_heard = self.state.features_decided = 0
        return [*self.state.samples.report(self.role), self._timer(MEASURES_TIMER, now)]

    def _watch(self, mandate: Mandate, now: Ns) -> Wishes:
        permission = self._permission(mandate, now)
        if permission is Permission.NOTHING:
            return self._withdraw_all(mandate, now)
        if mandate.strategy.quotes and permission is Permission.ALL and self._could_quote(mandate, now):
            self._sample_presence(mandate)
        return []

    def _could_quote(self, mandate: Mandate, now: Ns) -> bool:
        """Is it up to the strategist alone? Not on old features, nor in or just after a pause it could not avoid."""
        features, state = self.state.coin(mandate.settings.coin).features, self.state.strategies[mandate.id]
        assert features is not None, "permission needs features"
        fresh_ns = _FRESH_WATCHES * self._settings.watch_every_ms * MS
        is_held = now < state.paused_until_ns + fresh_ns and not is_own_fault(state)
        return not is_held and now - features.book_recv_ns <= fresh_ns

    def _sample_presence(self, mandate: Mandate) -> None:
        features = self.state.coin(mandate.settings.coin).features
        assert features is not None, "permission needs features"
        held_usd = self.state.strategies[mandate.id].net_sz * features.best_bid_px
        limit_usd = self._limit_usd(mandate)
        sides = {order.side for order in self.state.orders_of(mandate.id)}
        for side in Side:
            if side.value * held_usd < _ROOM_SHARE * limit_usd:
                self.state.samples.add(PRESENCE.name, float(side in sides))

    def _on(self, coin: str) -> list[Mandate]:
        return [mandate for mandate in self._mandates.values() if mandate.settings.coin == coin]

    def _timer(self, timer: str, now: Ns) -> WakeAt:
        every_ms = self._settings.watch_every_ms if timer == WATCH_TIMER else self._settings.measures_every_ms
        return WakeAt(Ns(now + every_ms * MS), timer)


def _is_in_the_way(quote: Quote, right: Right | None, now: Ns) -> bool:
    """Would this resting quote stand where our own taker is about to trade?"""
    return right is not None and now < right.until_ns and quote.tif is Tif.ALO and quote.side is right.side.opposite
