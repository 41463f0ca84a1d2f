"""Everything the exchange remembers, in one place that its commands act on."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import UnitError
from shared.rules.fees import FeeSchedule
from shared.venue.core.accounts import Accounts, Kept
from shared.venue.core.agenda import Agenda
from shared.venue.core.clockwork import Clockwork
from shared.venue.core.dex import Dex, check_dexs
from shared.venue.core.events import Event
from shared.venue.core.later import Schedule, Twaps
from shared.venue.core.listing import Listing
from shared.venue.core.market import Market
from shared.venue.core.matching import Matching
from shared.venue.core.oi_caps import cap_markets
from shared.venue.core.outcomes import Status
from shared.venue.core.placing import Placing
from shared.venue.core.policy import DEFAULT_POLICY, VenuePolicy
from shared.venue.core.tokens import tokens_by_index
from shared.venue.core.vault import Vault

Answer = tuple[Status, ...] | str
"""Statuses of an action's entries, or the error of the action as a whole."""


class World:
    """The state that a command changes. Commands are functions of (world, command, block) in their own modules."""

    __slots__ = (
        "accounts",
        "agenda",
        "blocks",
        "capped",
        "clockwork",
        "dexs",
        "markets",
        "matching",
        "net_deposits_usd",
        "now_ns",
        "oracle_heard_ns",
        "placing",
        "policy",
        "post_only",
        "schedules",
        "tokens",
        "twaps",
        "unified",
        "unsaid",
        "vaults",
    )

    def __init__(
        self,
        listings: Sequence[Listing],
        fee_schedule: FeeSchedule,
        start_ns: int,
        policy: VenuePolicy = DEFAULT_POLICY,
        dexs: Sequence[Dex] = (),
    ) -> None:
        self.policy = policy
        check_dexs(listings, dexs)
        self.dexs = tuple(dexs)
        weighs_external = policy.deployed_mark_inputs == "given_and_external"
        self.markets = {listing.instrument.asset: Market(listing, weighs_external, policy) for listing in listings}
        if len(self.markets) != len(listings):
            raise UnitError("two listings have the same asset id")
        self.accounts = Accounts(fee_schedule)
        self.accounts.outside_usd = policy.outside_day_usd
        self.accounts.kept = Kept(policy.kept_orders, policy.kept_fills, policy.kept_ledger, policy.kept_fundings)
        for number, dex in enumerate(dexs, start=1):
            self.accounts.recipients[number] = self.accounts.opened(dex.fee_recipient or dex.deployer).user
        self.matching = Matching(self.accounts, self.markets, policy)
        self.placing = Placing(self.matching, policy)
        self.clockwork = Clockwork(start_ns)
        pairs = [listing.spot for listing in listings if listing.spot is not None]
        self.tokens = tokens_by_index(
            [*(token for pair in pairs for token in (pair.quote, pair.base)), *(dex.collateral for dex in dexs)]
        )
        self.now_ns = start_ns
        self.blocks = 0
        self.capped: list[Market] = []
        self.net_deposits_usd: dict[int, int] = {}
        self.oracle_heard_ns: dict[int, int] = {}
        self.post_only = False
        cap_markets(self)
        self.agenda = Agenda()
        self.twaps = Twaps()
        self.schedules: dict[str, Schedule] = {}
        self.vaults: dict[str, Vault] = {}
        self.unsaid: list[Event] = []
        """Events that no outcome has told yet, because the command of their block raised."""
        self.unified: dict[str, None] = {}
        """Users whose spot USDC is margin too."""
