"""What every funding instant should have paid: predicted against paid, and paid against the exchange's law."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from hats.performance_quant_analyst.ledger import Ledger
from shared.messages.account import FundingPayment, FundingSettled
from shared.messages.market import AssetContext
from shared.rules.funding import lawful_usd, payment_error_bps
from shared.units import Ns

BPS_E10: Final = 10**6
"""A basis point in units of 10^-10."""


class FundingDue(msgspec.Struct, array_like=True):
    """A funding instant that passed, and the last context of every coin before it; judged at `due_ns`."""

    instant_ns: int
    due_ns: int
    contexts: dict[str, AssetContext]


class Fundings(msgspec.Struct):
    """The hours as they pass. `next_ns` 0: nobody has said yet when the next one is."""

    next_ns: int = 0
    contexts: dict[str, AssetContext] = {}
    paid: dict[str, FundingPayment] = {}
    due: list[FundingDue] = []

    def pass_instant(self, ns: int, grace_ns: int, next_ns: int = 0) -> None:
        """Time is `ns`: if the instant passed, what was known before it is kept for judgement."""
        if 0 < self.next_ns <= ns:
            self.due.append(FundingDue(self.next_ns, self.next_ns + grace_ns, dict(self.contexts)))
            self.next_ns = 0
        self.next_ns = max(self.next_ns, next_ns)

    def judge(self, ledger: Ledger, now: int) -> Iterator[FundingSettled]:
        """Every coin that was held at an instant whose time to be booked is over."""
        for due in [each for each in self.due if each.due_ns <= now]:
            self.due.remove(due)
            for coin, context in sorted(due.contexts.items()):
                net_sz = sum(ledger.holdings_at(coin, due.instant_ns - 1).values())
                payment = self.paid.get(coin)
                if payment is not None and not due.instant_ns <= payment.exch_ns <= due.due_ns:
                    payment = None
                # a rate of zero may be paid without a word
                if net_sz and (payment is not None or context.funding_rate_e10):
                    yield settled(due.instant_ns, net_sz, context, payment)


def settled(instant_ns: int, net_sz: int, context: AssetContext, payment: FundingPayment | None) -> FundingSettled:
    """The instant of one coin as one row."""
    rate = None if payment is None else payment.rate_e10
    law = None if rate is None else lawful_usd(net_sz, context.oracle_px, rate)
    return FundingSettled(
        coin=context.coin,
        instant_ns=Ns(instant_ns),
        net_sz=net_sz,
        predicted_rate_e10=context.funding_rate_e10,
        paid_rate_e10=rate,
        paid_usd=None if payment is None else payment.usd,
        law_usd=law,
        premium_e10=context.premium_e10,
        oracle_px=context.oracle_px,
        mark_px=context.mark_px,
        open_interest=context.open_interest,
    )


def error_bps(row: FundingSettled) -> float | None:
    """Paid against the law in bps of what the law gives; None if nothing came."""
    if row.paid_usd is None or row.law_usd is None:
        return None
    return payment_error_bps(row.paid_usd, row.law_usd)


def forecast_bps(row: FundingSettled) -> float | None:
    """How far the paid hourly rate was from the one predicted, in bps of notional; None if nothing was paid."""
    return None if row.paid_rate_e10 is None else abs(row.paid_rate_e10 - row.predicted_rate_e10) / BPS_E10
