"""The aggregates that the venue's web pages ask for: webData2 as a question, the parts of webData3 for its feed."""

from __future__ import annotations

from typing import Any, Final

from shared.units import MS, Ns
from shared.venue.core.dealings import Mode
from shared.venue.core.ledger_entries import (
    ClassMoved,
    Deposited,
    LedgerEntry,
    RewardsClaimed,
    SubTransferred,
    Transferred,
    VaultCommission,
    VaultCreated,
    VaultDeposited,
    VaultDistributed,
    VaultWithdrawn,
    Withdrawn,
)
from shared.venue.door import account_shapes, info_dexs, info_spot, info_vaults, render, twap_shapes
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutDex, AboutUser, Nothing
from shared.venue.door.render import Json


def agent_state(desk: Desk, user: str, now: Ns) -> Json:
    """The unnamed agent, which is the one that a web page trades with; nulls without one."""
    agent = desk.agents.unnamed_agent(user, now // MS)
    return {
        "agentAddress": None if agent is None else agent.address,
        "agentValidUntil": None if agent is None else agent.valid_until_ms,
    }


def cumulative_ledger(desk: Desk, user: str) -> str:
    """What came into the perps' collateral and stayed, as far as the ledger is kept."""
    return render.usd(sum(_flow(changed.entry, user) for changed in desk.exchange.ledger(user)))


def _flow(entry: LedgerEntry, user: str) -> int:
    """Micro-USDC that the entry brought the user's perps; negative: took."""
    match entry:
        case Deposited(usd=usd) | RewardsClaimed(usd=usd):
            return usd
        case Withdrawn(usd=usd, fee_usd=fee):
            return -usd - fee
        case Transferred(usd=usd, fee_usd=fee, user=giver):
            return -usd - fee if giver == user else usd
        case SubTransferred(usd=usd, user=giver):
            return -usd if giver == user else usd
        case ClassMoved(usd=usd, to_perp=to_perp):
            return usd if to_perp else -usd
        case VaultCreated(usd=usd, fee_usd=fee):
            return -usd - fee
        case VaultDeposited(usd=usd):
            return -usd
        case VaultWithdrawn(usd=usd, commission_usd=commission):
            return usd - commission
        case VaultDistributed(usd=usd) | VaultCommission(usd=usd):
            return usd
        case _:
            return 0


def _mode(desk: Desk, user: str) -> Json:
    """How the account's money is kept; nothing if nobody chose."""
    mode = desk.exchange.mode_of(user)
    if mode is Mode.DEFAULT:
        return {}
    return {"dexAbstractionEnabled": mode is Mode.DEX, "abstraction": mode.value}


def _vault_equity(desk: Desk, user: str) -> str:
    """What the user has in vaults, which are all on the first dex."""
    views = (desk.exchange.vault(address) for address in desk.exchange.vaults())
    parts = (part for view in views if view is not None for part in view.parts)
    return render.usd(sum(part.equity_usd for part in parts if part.user == user))


def web_data_2(desk: Desk, asked: AboutUser, now: Ns) -> Json:
    """`webData2`: a user's standing and orders with everything that is listed."""
    meta, ctxs = info_dexs.meta_and_ctxs(desk, AboutDex(), now)
    _, spot_ctxs = info_spot.spot_meta_and_ctxs(desk, Nothing(), now)
    return {
        "clearinghouseState": account_shapes.clearinghouse_state(desk.exchange, asked.user, now),
        "leadingVaults": info_vaults.leading_vaults(desk, asked, now),
        "totalVaultEquity": _vault_equity(desk, asked.user),
        "openOrders": desk.answers.full_open_orders(asked.user),
        **agent_state(desk, asked.user, now),
        "cumLedger": cumulative_ledger(desk, asked.user),
        "meta": meta,
        "assetCtxs": ctxs,
        "serverTime": now // MS,
        "isVault": desk.exchange.leader_of(asked.user) is not None,
        "user": asked.user,
        "twapStates": twap_shapes.states(desk.instruments, desk.exchange.twaps(asked.user)),
        "spotState": info_spot.spot_state(desk, asked, now),
        "spotAssetCtxs": spot_ctxs,
        "perpsAtOpenInterestCap": info_dexs.at_cap(desk, AboutDex(), now),
    }


def web_data_3(desk: Desk, user: str, now: Ns) -> Json:
    """The data of `webData3`: a user's agent and ledger, and a state for each dex."""
    dexs: list[Any] = info_dexs.dexs(desk, Nothing(), now)
    names = ["" if dex is None else dex["name"] for dex in dexs]
    return {
        "userState": {
            **agent_state(desk, user, now),
            "cumLedger": cumulative_ledger(desk, user),
            "serverTime": now // MS,
            "isVault": desk.exchange.leader_of(user) is not None,
            "user": user,
            **_mode(desk, user),
        },
        "perpDexStates": [
            {
                "totalVaultEquity": "0.0" if name else _vault_equity(desk, user),
                "perpsAtOpenInterestCap": info_dexs.at_cap(desk, AboutDex(name), now),
            }
            for name in names
        ],
    }


TYPES: Final[dict[str, InfoType]] = {
    "webData2": (AboutUser, web_data_2),
}
