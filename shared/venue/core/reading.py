"""What may be asked of the exchange; nothing here changes it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from shared.book import Level
from shared.rules.fees import FeeRates
from shared.units import MS, Ns, Px
from shared.venue.core import spot_views
from shared.venue.core.candles import Candle
from shared.venue.core.dealings import Mode
from shared.venue.core.dex import Dex
from shared.venue.core.events import (
    FillHappened,
    FundingPaid,
    OrderChanged,
    OrderView,
    TradeHappened,
    TwapChanged,
    TwapView,
)
from shared.venue.core.ledger_entries import LedgerChanged
from shared.venue.core.listing import Listing
from shared.venue.core.market import FundingPoint
from shared.venue.core.money_views import FeesView, IdentityView, fees_view, identity_view
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.portfolio import WindowView, windows_of
from shared.venue.core.snapshot import snapshot_of
from shared.venue.core.spot_views import BalanceView, SpotView
from shared.venue.core.tokens import Token
from shared.venue.core.vault_views import VaultView, vault_view
from shared.venue.core.views import (
    AccountView,
    AssetView,
    HouseView,
    OrderRecord,
    TradeView,
    account_view,
    asset_view,
    held_view,
    mid_text,
    order_view,
    record_of,
    trade_view,
)
from shared.venue.core.world import World


class Reading:
    """Queries by asset raise KeyError for an asset not listed; queries by user answer emptily for a stranger."""

    def __init__(self, world: World) -> None:
        self._world = world

    # --- questions about an asset

    @property
    def now_ns(self) -> Ns:
        """Time of the last command."""
        return Ns(self._world.now_ns)

    @property
    def listings(self) -> Mapping[int, Listing]:
        """What is listed, by asset id."""
        return MappingProxyType({asset: market.listing for asset, market in self._world.markets.items()})

    def book_levels(self, asset: int, depth: int = 20) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """(bids, asks), best first, at most `depth` levels each."""
        return self._world.markets[asset].book.levels(depth)

    @property
    def policy(self) -> VenuePolicy:
        """What was chosen where the venue's behaviour is not known."""
        return self._world.policy

    @property
    def dexs(self) -> tuple[Dex, ...]:
        """Deployed dexs; the first of them is number 1."""
        return self._world.dexs

    def net_deposit_usd(self, dex: int) -> int:
        """Collateral that users moved to a deployed dex, less what they moved away."""
        return self._world.net_deposits_usd.get(dex, 0)

    def is_halted(self, asset: int) -> bool:
        """Did the owners of the venue stop trading of the asset?"""
        return self._world.markets[asset].is_halted

    @property
    def post_only(self) -> bool:
        """Is it the time after a network upgrade?"""
        return self._world.post_only

    def at_oi_cap(self, dex: int = 0) -> tuple[int, ...]:
        """Assets of a dex whose open interest has reached a cap, in order of their ids."""
        capped = [market for market in self._world.capped if market.listing.dex == dex]
        at_cap = (one.asset for one in capped if one.oi_cap is not None and one.oi_cap.room_sz(one) <= 0)
        return tuple(sorted(at_cap))

    def trades(self, asset: int, n: int = 100) -> tuple[TradeHappened, ...]:
        """The last `n` prints, newest first (500 are kept)."""
        tape = self._world.markets[asset].trades
        return tuple(tape[-1 - index] for index in range(min(n, len(tape))))

    def candles(self, asset: int, interval: str, start_ms: int = 0, end_ms: int | None = None) -> tuple[Candle, ...]:
        """Candles that overlap the span, oldest first; KeyError for an interval outside `candles.INTERVALS_NS`."""
        return self._world.markets[asset].candles.read(interval, start_ms, end_ms)

    def funding_history(self, asset: int) -> tuple[FundingPoint, ...]:
        """Settled hours, oldest first."""
        return tuple(self._world.markets[asset].fundings)

    def asset_view(self, asset: int) -> AssetView:
        """Prices, open interest, premium and running funding rate."""
        return asset_view(self._world.markets[asset])

    def mark(self, asset: int) -> Px:
        """The mark price; 0 before the first oracle price."""
        return self._world.markets[asset].prices.mark_px

    def oracle(self, asset: int) -> Px:
        """The oracle price; 0 before the first."""
        return self._world.markets[asset].prices.oracle_px

    def mid_text(self, asset: int) -> str | None:
        """Exact mid; the last trade if a side is empty; None if there never was one."""
        return mid_text(self._world.markets[asset])

    # --- questions about tokens and spot

    @property
    def tokens(self) -> Mapping[int, Token]:
        """Tokens by index, USDC first."""
        return MappingProxyType(self._world.tokens)

    def spot_view(self, asset: int) -> SpotView:
        """Prices and supply of a spot pair."""
        return spot_views.spot_view(self._world, self._world.markets[asset])

    def spot_balances(self, user: str) -> tuple[BalanceView, ...]:
        """The user's balances in order of token index; none for a stranger."""
        return spot_views.balances(self._world, user)

    def treasury(self) -> dict[int, tuple[int, int]]:
        """(issued, fees taken) in wei by token; issued - fees is what all users together have.

        Parts of the fees that builders and referrers have not claimed are among them.
        """
        house = self._world.accounts.treasury
        taken = {token: wei + house.rewards_wei.get(token, 0) for token, wei in house.fees_wei.items()}
        return {token: (wei, taken.get(token, 0)) for token, wei in sorted(house.issued_wei.items())}

    # --- questions about money and users

    def house(self) -> HouseView:
        """What the house keeps; with all cash legs it equals the deposits."""
        accounts = self._world.accounts
        return HouseView(
            accounts.deposits_usd,
            accounts.house_fees_usd,
            accounts.house_funding_usd,
            accounts.rewards_usd,
            accounts.gas_usd,
            accounts.withdrawn_usd,
            accounts.spot_usd,
        )

    def has_account(self, user: str) -> bool:
        """Did this user ever deposit?"""
        return self._world.accounts.get(user) is not None

    def users(self) -> tuple[str, ...]:
        """Everyone with an account, in order of first deposit."""
        return tuple(self._world.accounts.by_user)

    def account(self, user: str, dex: int = 0) -> AccountView:
        """The user's standing on one dex at the marks; zeros for a stranger."""
        account = self._world.accounts.get(user)
        return AccountView(user) if account is None else account_view(account, dex)

    def perp_state(self, user: str, dex: int = 0) -> AccountView:
        """As `account`, the way the venue tells it of a mode in which dexs share their margin."""
        account = self._world.accounts.get(user)
        mode = Mode.DEFAULT if account is None else account.identity.mode
        if account is None or not (mode is Mode.UNIFIED or (mode is Mode.DEX and dex)):
            return self.account(user, dex)
        return held_view(account, dex)

    def mode_of(self, user: str) -> Mode:
        """How the user's money is kept."""
        account = self._world.accounts.get(user)
        return Mode.DEFAULT if account is None else account.identity.mode

    def leverage(self, user: str, asset: int) -> int:
        """Leverage of the user on the asset, chosen or by default."""
        account = self._world.accounts.get(user)
        holding = None if account is None else account.holdings.get(asset)
        return self._world.markets[asset].listing.default_leverage if holding is None else holding.leverage

    def trade_view(self, user: str, asset: int) -> TradeView:
        """What the user could still trade of a perp; nothing for a stranger."""
        account, market = self._world.accounts.get(user), self._world.markets[asset]
        return trade_view(account, market)

    def fee_rates(self, user: str) -> FeeRates:
        """What the user pays."""
        return self._world.accounts.rates_of(user)

    def identity(self, user: str) -> IdentityView:
        """Who the user is to others."""
        return identity_view(self._world, user)

    def portfolio(self, user: str) -> list[WindowView]:
        """What the user's accounts were worth, in four windows; none for a stranger."""
        account = self._world.accounts.get(user)
        if account is None:
            return []
        return windows_of(self._world.markets, account, self._world.now_ns // MS)

    def master_of(self, user: str) -> str | None:
        """Whose sub-account it is; None for everybody else."""
        account = self._world.accounts.get(user)
        return None if account is None else account.identity.master

    def leader_of(self, vault: str) -> str | None:
        """Who leads the vault at this address; None for an address that is none, or closed."""
        found = self._world.vaults.get(vault)
        return None if found is None or found.is_closed else found.leader

    def vault(self, address: str) -> VaultView | None:
        """A vault, its owners and what it is worth; None for an address that is none."""
        vault = self._world.vaults.get(address)
        return None if vault is None else vault_view(self._world, vault)

    def vaults(self) -> tuple[str, ...]:
        """Addresses of all vaults, oldest first."""
        return tuple(self._world.vaults)

    def signers_of(self, user: str) -> tuple[tuple[str, ...], int]:
        """Who signs for a multi-sig user, and how many of them must; nobody and 0 for everybody else."""
        account = self._world.accounts.get(user)
        return ((), 0) if account is None else (account.identity.signers, account.identity.threshold)

    def sub_accounts(self, user: str) -> tuple[str, ...]:
        """Addresses of the user's sub-accounts, oldest first."""
        account = self._world.accounts.get(user)
        return () if account is None else tuple(account.identity.subs)

    def fees(self, user: str) -> FeesView:
        """What the user pays and why."""
        return fees_view(self._world, user)

    def open_orders(self, user: str) -> tuple[OrderView, ...]:
        """Resting and waiting orders, oldest first."""
        account = self._world.accounts.get(user)
        return () if account is None else tuple(order_view(order, account) for order in account.open_orders.values())

    def order_by_oid(self, user: str, oid: int) -> OrderRecord | None:
        """The user's order with its latest status; None if unknown, another's, or over 2,000 ended orders ago."""
        account = self._world.accounts.get(user)
        order = None if account is None else account.orders.get(oid)
        return None if order is None or account is None else record_of(order, account)

    def order_by_cloid(self, user: str, cloid: str) -> OrderRecord | None:
        """As `order_by_oid`; the latest order under this client id."""
        account = self._world.accounts.get(user)
        order = None if account is None else account.by_cloid.get(cloid)
        return None if order is None or account is None else record_of(order, account)

    def order_history(self, user: str) -> tuple[OrderChanged, ...]:
        """The user's last 2,000 order changes, newest first; an order appears once per status."""
        account = self._world.accounts.get(user)
        return () if account is None else tuple(reversed(account.history))

    def fills(self, user: str) -> tuple[FillHappened, ...]:
        """The user's last 10,000 fills, oldest first."""
        account = self._world.accounts.get(user)
        return () if account is None else tuple(account.fills)

    def fundings(self, user: str) -> tuple[FundingPaid, ...]:
        """The user's last 10,000 funding payments, oldest first."""
        account = self._world.accounts.get(user)
        return () if account is None else tuple(account.fundings)

    def ledger(self, user: str) -> tuple[LedgerChanged, ...]:
        """The user's last ledger entries, oldest first."""
        account = self._world.accounts.get(user)
        return () if account is None else tuple(account.ledger)

    # --- questions about later

    @property
    def due_ns(self) -> int:
        """When the exchange has something to do on its own, marks and funding aside."""
        return self._world.agenda.due_ns

    def twaps(self, user: str) -> tuple[TwapView, ...]:
        """The user's TWAP orders that run or wait, oldest first."""
        return tuple(twap.view() for twap in self._world.twaps.active.values() if twap.user == user)

    def twap_history(self, user: str) -> tuple[TwapChanged, ...]:
        """The user's last 2,000 changes of TWAP orders, newest first."""
        return tuple(reversed(self._world.twaps.histories.get(user, ())))

    def twap_fills(self, user: str) -> tuple[FillHappened, ...]:
        """Fills of TWAP suborders among the user's last 10,000, oldest first."""
        return tuple(fill for fill in self.fills(user) if fill.twap_id is not None)

    def snapshot(self) -> bytes:
        """The full state as bytes that `Exchange.restore` takes; equal states have equal bytes."""
        return snapshot_of(self._world)

    def digest(self) -> str:
        """SHA-256 of the full state, in hex."""
        return sha256(self.snapshot()).hexdigest()

    def net_sz(self, user: str, asset: int) -> int:
        """The user's signed perp position in lots; 0 for a stranger."""
        account = self._world.accounts.get(user)
        holding = None if account is None else account.holdings.get(asset)
        return 0 if holding is None else holding.position.net_sz

    def queue(self, asset: int, is_buy: bool, px: Px) -> tuple[OrderView, ...]:
        """Everybody's orders at one price in the sequence in which they would trade."""
        return tuple(order.view() for order in self._world.markets[asset].book.side(is_buy).queue(px))
