"""Laws that hold of every state of the exchange, recomputed from what it holds; told by name when one is broken."""

from __future__ import annotations

from collections import defaultdict

from shared.venue.core.accounts import Account
from shared.venue.core.balances import available_wei
from shared.venue.core.dealings import Mode
from shared.venue.core.exchange import Exchange
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.tokens import USD_WEI, USDC, USDC_INDEX
from shared.venue.core.trigger import Phase
from shared.venue.core.vaults import value_usd
from shared.venue.core.world import World


def check_state(exchange: Exchange, issued_wei: dict[int, int]) -> None:
    """Nothing, or AssertionError: money, tokens, books, positions, and what is kept beside the open orders.

    `issued_wei` is what came to spot balances from outside by now, for each token.
    """
    world = exchange._world
    money_is_conserved(world)
    tokens_are_conserved(world, issued_wei)
    for market in world.markets.values():
        book_is_sound(market)
        positions_sum_to_zero(world, market)
    vaults_are_owned(world)
    for account in world.accounts.by_user.values():
        orders_are_accounted_for(world, account)
        nothing_is_negative(world, account)
        pools_are_whole(world, account)


def money_is_conserved(world: World) -> None:
    """Deposits less withdrawals = cash legs on every dex + unclaimed rewards + house + spot, to the micro-USDC."""
    accounts = world.accounts
    cash = 0
    for account in accounts.by_user.values():
        for _, house in account.distinct_houses():
            cash += house.collateral_usd
            cash += sum(holding.pocket_usd for holding in house.isolated.values())
        cash -= sum(holding.position.cost_usd for holding in account.holdings.values())
    kept = accounts.house_fees_usd + accounts.house_funding_usd + accounts.gas_usd
    unclaimed = sum(account.identity.unclaimed_usd for account in accounts.by_user.values())
    assert unclaimed == accounts.rewards_usd, "rewards are not what users may claim"
    assert cash + kept + unclaimed + accounts.spot_usd + accounts.withdrawn_usd == accounts.deposits_usd, "money"
    claimed = sum(account.identity.claimed_usd for account in accounts.by_user.values())
    fees = sum(account.fees_usd for account in accounts.by_user.values())
    passed_on = unclaimed + claimed + accounts.deployer_fees_usd
    assert accounts.house_fees_usd + passed_on == fees, "fees paid are not fees kept and shared"
    assert accounts.house_funding_usd == -sum(one.funding_usd for one in accounts.by_user.values()), "funding"


def tokens_are_conserved(world: World, issued_wei: dict[int, int]) -> None:
    """Issued = all balances + fees kept + rewards unclaimed, for each token; issued is what came, by whatever way."""
    treasury = world.accounts.treasury
    totals: defaultdict[int, int] = defaultdict(int)
    rewards: defaultdict[int, int] = defaultdict(int)
    for account in world.accounts.by_user.values():
        for token, balance in account.spot.items():
            totals[token] += balance.total_wei
        for token, wei in account.identity.unclaimed_wei.items():
            rewards[token] += wei
    came = dict(issued_wei)
    came[USDC_INDEX] = came.get(USDC_INDEX, 0) + world.accounts.spot_usd * USD_WEI
    for token in {*totals, *treasury.issued_wei, *came}:
        assert treasury.issued_wei.get(token, 0) == came.get(token, 0), f"issue of token {token}"
        owed = sum(one.identity.unclaimed_wei.get(token, 0) for one in world.accounts.by_user.values())
        assert owed == treasury.rewards_wei.get(token, 0), f"rewards of token {token} are not what users may claim"
        kept = treasury.fees_wei.get(token, 0) + owed
        assert totals[token] + kept == treasury.issued_wei.get(token, 0), f"token {token}"


def book_is_sound(market: Market) -> None:
    """Not crossed; levels in order, each with positive orders of its side that add up to what it shows."""
    book = market.book
    bid, ask = book.bids.best_px(), book.asks.best_px()
    assert bid is None or ask is None or bid < ask, f"{market.instrument.coin} is crossed: {bid} {ask}"
    for is_buy in (True, False):
        side = book.side(is_buy)
        pxs = []
        for level in side.levels():
            pxs.append(level.px)
            queue = side.queue(level.px)
            assert (level.sz, level.n) == (sum(order.sz for order in queue), len(queue)), "level"
            for order in queue:
                assert 0 < order.sz <= order.orig_sz
                assert (order.asset, order.is_buy, order.px) == (market.asset, is_buy, level.px)
        assert pxs == sorted(set(pxs), reverse=is_buy), "levels are out of order"


def positions_sum_to_zero(world: World, market: Market) -> None:
    """What one is long another is short, open interest is all longs, and holders are those who hold."""
    nets = {}
    for account in world.accounts.by_user.values():
        holding = account.holdings.get(market.asset)
        if holding is not None and holding.position.net_sz:
            nets[account.user] = holding.position.net_sz
    assert sum(nets.values()) == 0, f"{market.instrument.coin} sums to {sum(nets.values())}"
    assert market.open_interest_sz == sum(net for net in nets.values() if net > 0), "open interest"
    assert set(market.holders) == set(nets), "holders"


def orders_are_accounted_for(world: World, account: Account) -> None:
    """Open orders are on their book or waiting list and nowhere else; holdings and holds count exactly them."""
    buys: defaultdict[int, int] = defaultdict(int)
    sells: defaultdict[int, int] = defaultdict(int)
    closing: defaultdict[int, set[int]] = defaultdict(set)
    held_wei: defaultdict[int, int] = defaultdict(int)
    for order in account.open_orders.values():
        assert order.status == "open", f"{order.oid} is open as {order.status}"
        market = world.markets[order.asset]
        if _waits(order):
            assert order.trigger is not None
            is_watched = order.oid in market.waiting._orders
            assert is_watched == (order.trigger.phase is Phase.PRICE), f"{order.oid} waits where it should not"
            continue
        assert order in market.book.side(order.is_buy).queue(order.px), f"{order.oid} is on no book"
        if market.listing.spot is not None:
            token, wei = market.listing.spot.spends(order.is_buy, order.px, order.sz)
            held_wei[token] += wei
        elif order.reduce_only:
            closing[order.asset].add(order.oid)
        else:
            (buys if order.is_buy else sells)[order.asset] += order.sz
    for asset, holding in account.holdings.items():
        counted = holding.open_buy_sz, holding.open_sell_sz
        assert counted == (buys[asset], sells[asset]), f"{account.user} rests {counted} on {asset}"
        resting = {oid for oid, order in holding.reduce_only.items() if not _waits(order)}
        assert resting == closing[asset], "reduce-only orders"
        _reduce_only_fits(account, asset)
    for token, balance in account.spot.items():
        assert balance.hold_wei == held_wei[token], f"hold of token {token}"


def _reduce_only_fits(account: Account, asset: int) -> None:
    """Resting reduce-only orders are on the closing side and together no more than the position."""
    holding = account.holdings[asset]
    net = holding.position.net_sz
    resting = [order for order in holding.reduce_only.values() if not _waits(order)]
    assert all(order.is_buy == (net < 0) for order in resting), "reduce-only order on the wrong side"
    assert sum(order.sz for order in resting) <= abs(net), "reduce-only orders exceed the position"


def _waits(order: Order) -> bool:
    return order.trigger is not None and order.trigger.phase is not Phase.FIRED


def nothing_is_negative(world: World, account: Account) -> None:
    """No negative hold or balance, no pocket without a position, no debt of anybody but the vault without one."""
    for balance in account.spot.values():
        assert 0 <= balance.hold_wei <= balance.total_wei
        assert balance.entry_e8 >= 0
    for holding in account.holdings.values():
        if not holding.position.net_sz:
            assert holding.pocket_usd == 0, "a pocket without a position"
            assert holding.position.cost_usd == 0, "a cost without a position"
    if account.user != world.policy.liquidator:
        for house in account.houses.values():
            is_flat = not any(holding.position.net_sz for holding in house.holdings.values())
            assert not is_flat or house.collateral_usd >= 0, f"{account.user} is in debt: {house.collateral_usd}"


def pools_are_whole(world: World, account: Account) -> None:
    """Shared margin is one clearinghouse for all dexs in USDC; what is unified leaves none idle in spot."""
    mode = account.identity.mode
    usdc = [number for number, dex in enumerate(world.dexs, 1) if dex.collateral == USDC and number in account.houses]
    is_shared = mode in (Mode.UNIFIED, Mode.DEX)
    assert all((account.houses[number] is account.houses[0]) == is_shared for number in usdc)
    for asset, holding in account.holdings.items():
        assert holding.house is account.houses[holding.listing.dex]
        assert (holding.house.holdings if holding.is_cross else holding.house.isolated)[asset] is holding
    assert (account.user in world.unified) == (mode is Mode.UNIFIED)
    if mode is Mode.UNIFIED:
        assert available_wei(account.spot, USDC_INDEX) < USD_WEI, "idle USDC"


def vaults_are_owned(world: World) -> None:
    """Shares of a vault are those of its owners, who together have no more than it is worth."""
    for vault in world.vaults.values():
        assert sum(part.shares for part in vault.parts.values()) == vault.shares, "shares"
        worth = max(value_usd(world, vault), 0)
        assert sum(vault.equity_usd(user, worth) for user in vault.parts) <= worth, "more than there is"
        assert all(part.shares > 0 and part.basis_usd >= 0 for part in vault.parts.values())
        assert not vault.is_closed or not vault.parts


def count_book_orders(exchange: Exchange) -> None:
    """Every order on a book or waiting list is among its owner's open orders."""
    world = exchange._world
    for market in world.markets.values():
        listed = [*market.book.bids.orders(), *market.book.asks.orders(), *market.waiting.orders()]
        for order in listed:
            assert world.accounts.by_user[order.user].open_orders.get(order.oid) is order, f"{order.oid} is nobody's"
