"""May anything be done at all: the desk's state, the strategy's, the coin, and that an intent passes once."""

from __future__ import annotations

from hats.risk_oversight_officer.case import Breach, Case
from shared.ids import intent_number_of, is_ours, run_of, strategy_number_of
from shared.messages.risk import DenyReason, TradingState


def check_purpose(case: Case) -> Breach | None:
    """A reduce-only order must reduce: the venue would refuse or clip it."""
    if not case.intent.reduce_only or case.is_reducing:
        return None
    held = -case.intent.side.value * case.exposure.net_sz
    return Breach(DenyReason.NOT_REDUCING, max(held, 0), case.intent.sz, "lots that there are to close")


def check_halted(case: Case) -> Breach | None:
    """Trading is not halted."""
    switch = case.state.switch
    if switch.trading is TradingState.HALTED:
        return Breach(DenyReason.HALTED, 0, 1, switch.why)
    return None


def check_armed(case: Case) -> Breach | None:
    """The desk is armed, its books agree with the venue's, and the Hats on the way there can work."""
    obstacle = case.state.switch.obstacle()
    if obstacle is None and not case.state.is_opened:
        obstacle = "our books were not held against the venue's yet"
    return None if obstacle is None else Breach(DenyReason.DISARMED, 0, 1, obstacle)


def check_reducing(case: Case) -> Breach | None:
    """While trading is reducing, only what reduces passes."""
    switch = case.state.switch
    if switch.trading is TradingState.REDUCING:
        return Breach(DenyReason.REDUCING_ONLY, 0, 1, switch.why)
    return None


def check_strategy(case: Case) -> Breach | None:
    """The strategy was not disabled for doing the same thing over and over."""
    if case.strategy.is_disabled:
        found = len(case.strategy.run_ns)
        return Breach(
            DenyReason.STRATEGY_DISABLED, case.settings.repeated_fills_limit, found, "fills one way; a human enables it"
        )
    return None


def check_coin(case: Case) -> Breach | None:
    """The venue lists the coin."""
    instrument = case.state.market.instruments.get(case.intent.coin)
    if instrument is None:
        return Breach(DenyReason.UNKNOWN_COIN, 0, 0, f"{case.intent.coin} is not in the universe")
    if instrument.is_delisted:
        return Breach(DenyReason.UNKNOWN_COIN, 0, 0, f"{case.intent.coin} is delisted")
    return None


def check_id(case: Case) -> Breach | None:
    """Its id is of this run and newer than every id of its strategy that was approved: an intent passes once."""
    cloid = case.intent.cloid
    if not is_ours(cloid) or run_of(cloid) != case.state.run:
        return Breach(DenyReason.DUPLICATE, case.state.run, 0, f"{cloid} is no id of this run")
    last = case.state.last_intents.get(str(strategy_number_of(cloid)), -1)
    number = intent_number_of(cloid)
    if number <= last:
        return Breach(DenyReason.DUPLICATE, last + 1, number, "intent number of its strategy, which only rises")
    return None
