"""What nobody outside knows about the venue, or what may be asked of it in two ways: one switch for each."""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.units import USD, Usd

LIQUIDATOR = "0x" + "11" * 20
"""Ours; the venue's own vaults have ordinary addresses too."""


class VenuePolicy(msgspec.Struct, frozen=True):
    """Choices where the venue's behaviour is not established; `docs/venue.md` has a row for each.

    `band_percent`, `spot_band_percent`: how far a limit may be from the reference price, and the number in the
    refusal's text (95 or 80 were seen on perps, 80 on spot). `oracle_distance_percent`: beyond it an order is refused
    at its turn with "Order price too far from oracle"; None never refuses. `gtc_partial_ack`: the answer to a GTC order
    of which a part filled at once and the rest rests. `modify_without_a`: "alo_only" takes post-only and resting
    GTC orders and turns the latter into ALO (since June 2026), "classic" places whatever is asked.
    `priority_grouping`: "refused" for want of staked HYPE, or "accepted" and without effect.
    `outside_day_usd`: maker volume a day that is thought to trade elsewhere, so that a small local market does not
    give everybody the rebates of a large maker; 0 measures shares by the trades here alone. `sub_account_volume_usd`,
    `referral_code_volume_usd`: volume without which no sub-account or referral code is given; 0 gives to everybody.
    `builder_refusal`: whether an unapproved builder fails the batch in its one status or as an error of the action.
    `withdrawal_fee_usd`, `activation_fee_usd`: what leaving costs, and sending to an address without an account.
    `oi_cap_cancels`: which resting orders go while open interest is at its cap: those that would open a position at a
    price beyond the oracle, all that would open one, or none. `halt_settles`: whose halt cancels orders and settles
    positions at the mark: that of deployed dexs' assets (documented), everybody's, or nobody's. `deployed_mark_inputs`:
    whether a deployer's external perp price is one more input of the mark's median; the formula is not documented.

    `ioc_counts_as_market`: does the smaller of the two size caps hold for IOC too, or for FrontendMarket alone?
    `child_trigger_reference`: what a waiting child's trigger must lie beyond: the better of mark and the parent's
    limit ("parent"), or the mark alone. `stop_market_limit`: must a stop-market's limit be at or beyond its trigger
    ("beyond"), or not? `flat_reduce_only_trigger`: is a reduce-only trigger without a position to reduce taken?
    `closed_position_triggers`: which waiting orders end with the position, those tied to it or all reduce-only ones.
    `whole_position_size`: which size of a position's order stands for the whole of it, whatever that will be: zero
    alone, or also the size that the position has ("all"). `modified_parent`: a modify of a resting parent ends its
    children as a cancel does, or they wait for the new order ("keeps").
    `liquidation_first`: which cross position goes to the book first, by value, by unrealised loss or by asset id.
    `liquidation_px`: the limit of liquidation orders, the price that would leave nothing, or none. An order for a
    position above `liquidation_partial_above_usd` is for a fifth of it (testnet: 10,000 USDC). `backstop_px`: the price
    at which the vault takes positions over; what equity the price leaves is handed over as money. `adl_px`: the price
    of auto-deleveraging. `adl_short_rank`: how (mark / entry) x leverage ranks shorts. `liquidator`: the vault's
    address; it is opened with `liquidator_usd` of the house's money when first needed.
    `spot_ioc_balance`: must the free balance cover what a taking spot order would spend on the book ("execution"), or
    its size at its limit ("limit")?

    `twap_first_slice`: when the first suborder of a TWAP order is sent; "at_once" makes it one suborder more.
    `twap_after_refusal`: what becomes of a TWAP order whose suborder was refused for want of margin or of a position
    to reduce. `dex_transfer_cap`: whether a dex's `max_transfer_usd` limits each transfer to it, all that was brought
    and not taken away, or nothing. `fired_condition`: an order that fired tells the condition on, or "Triggered".
    `schedule_cancel_volume_usd`: lifetime volume that scheduleCancel asks for; None asks for none.

    `unified_to_disabled`: may a unified account be kept dex by dex again? `unified_total`: does its total of USDC, as
    the spot state tells it, count what is not realised?

    `kept_orders`, `kept_fills`, `kept_ledger`, `kept_fundings`: ended orders (with as many changes of orders and of
    TWAP orders), fills, ledger entries and funding payments that each user can ask about; `kept_candles`: candles of
    each interval that each coin has. As many as the venue's if not chosen; fewer bound the memory of long runs with
    many users.
    """

    band_percent: int = 95
    spot_band_percent: int = 80
    oracle_distance_percent: int | None = None
    gtc_partial_ack: Literal["resting", "filled"] = "resting"
    modify_without_a: Literal["alo_only", "classic"] = "alo_only"
    priority_grouping: Literal["refused", "accepted"] = "refused"
    outside_day_usd: Usd = Usd(10_000_000_000 * USD)
    sub_account_volume_usd: Usd = Usd(100_000 * USD)
    referral_code_volume_usd: Usd = Usd(10_000 * USD)
    builder_refusal: Literal["status", "action"] = "status"
    withdrawal_fee_usd: Usd = Usd(USD)
    activation_fee_usd: Usd = Usd(USD)
    oi_cap_cancels: Literal["too_aggressive", "increasing", "none"] = "too_aggressive"
    halt_settles: Literal["deployed", "always", "never"] = "deployed"
    deployed_mark_inputs: Literal["given", "given_and_external"] = "given"
    ioc_counts_as_market: bool = False
    child_trigger_reference: Literal["parent", "mark"] = "parent"
    stop_market_limit: Literal["beyond", "anywhere"] = "beyond"
    flat_reduce_only_trigger: Literal["refused", "accepted"] = "refused"
    closed_position_triggers: Literal["tied", "all_reduce_only"] = "tied"
    whole_position_size: Literal["zero", "all"] = "all"
    modified_parent: Literal["ends", "keeps"] = "ends"
    liquidation_first: Literal["largest", "worst", "listed"] = "largest"
    liquidation_px: Literal["bankruptcy", "anywhere"] = "bankruptcy"
    liquidation_partial_above_usd: int = 100_000 * USD
    backstop_px: Literal["bankruptcy", "mark"] = "bankruptcy"
    adl_px: Literal["previous_mark", "mark"] = "previous_mark"
    adl_short_rank: Literal["inverted", "as_written"] = "inverted"
    liquidator: str = LIQUIDATOR
    liquidator_usd: Usd = Usd(10_000_000 * USD)
    spot_ioc_balance: Literal["execution", "limit"] = "execution"
    twap_first_slice: Literal["after_30_s", "at_once"] = "after_30_s"
    twap_after_refusal: Literal["end", "go_on"] = "end"
    fired_condition: Literal["kept", "triggered"] = "kept"
    dex_transfer_cap: Literal["each", "net", "none"] = "each"
    schedule_cancel_volume_usd: int | None = 1_000_000 * USD
    unified_to_disabled: Literal["refused", "taken"] = "refused"
    unified_total: Literal["settled", "with_unrealised"] = "settled"
    kept_orders: int = 2_000
    kept_fills: int = 10_000
    kept_ledger: int = 2_000
    kept_fundings: int = 10_000
    kept_candles: int = 5_000


DEFAULT_POLICY = VenuePolicy()
