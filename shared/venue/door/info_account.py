"""/info about a user: standing, funding, budget, role and agents."""

from __future__ import annotations

from typing import Final

from shared.units import MS, Ns, Usd
from shared.venue.door import account_shapes, render
from shared.venue.door.bodies import BodyRefused
from shared.venue.door.desk import Desk, InfoType, is_within
from shared.venue.door.questions import MOST_ROWS, AboutUser, AboutUserCoin, AboutUserSpan
from shared.venue.door.render import Json


def clearinghouse_state(desk: Desk, asked: AboutUser, now: Ns) -> Json:
    """`clearinghouseState`; zeros for a stranger."""
    return account_shapes.clearinghouse_state(desk.exchange, asked.user, now, desk.dex(asked.dex))


def active_asset_data(desk: Desk, asked: AboutUserCoin, _: Ns) -> Json:
    """`activeAssetData`; of perps only."""
    asset = desk.asset(asked.coin)
    if asset not in desk.answers.perps:
        raise BodyRefused(500, "null")
    return account_shapes.active_asset_data(desk.exchange, asked.user, asset)


def user_funding(desk: Desk, asked: AboutUserSpan, _: Ns) -> list[Json]:
    """`userFunding`, oldest first."""
    paid = desk.exchange.fundings(asked.user)
    inside = [one for one in paid if is_within(one.time_ms, asked.start_time, asked.end_time)]
    return [render.funding_record(desk.instruments[one.asset], one) for one in inside[:MOST_ROWS]]


def rate_limit(desk: Desk, asked: AboutUser, _: Ns) -> Json:
    """`userRateLimit`."""
    volume = Usd(desk.exchange.account(asked.user).volume_usd)
    return {
        "cumVlm": render.usd(volume),
        "nRequestsUsed": desk.budgets.used(asked.user),
        "nRequestsCap": desk.budgets.cap(volume),
        "nRequestsSurplus": desk.budgets.surplus(asked.user),
    }


def role(desk: Desk, asked: AboutUser, now: Ns) -> Json:
    """`userRole`."""
    agent = desk.agents.agent_at(asked.user, now // MS)
    if agent is not None:
        return {"role": "agent", "data": {"user": agent.user}}
    master = desk.exchange.master_of(asked.user)
    if master is not None:
        return {"role": "subAccount", "data": {"master": master}}
    if desk.exchange.vault(asked.user) is not None:
        return {"role": "vault"}
    return {"role": "user" if desk.exchange.has_account(asked.user) else "missing"}


def extra_agents(desk: Desk, asked: AboutUser, now: Ns) -> list[Json]:
    """`extraAgents`: the named ones."""
    agents = desk.agents.named_agents(asked.user, now // MS)
    return [{"name": one.name, "address": one.address, "validUntil": one.valid_until_ms} for one in agents]


def multi_sig_signers(desk: Desk, asked: AboutUser, _: Ns) -> Json | None:
    """`userToMultiSigSigners`: null for whoever signs alone."""
    signers, threshold = desk.exchange.signers_of(asked.user)
    return {"authorizedUsers": list(signers), "threshold": threshold} if signers else None


TYPES: Final[dict[str, InfoType]] = {
    "clearinghouseState": (AboutUser, clearinghouse_state),
    "activeAssetData": (AboutUserCoin, active_asset_data),
    "userFunding": (AboutUserSpan, user_funding),
    "userRateLimit": (AboutUser, rate_limit),
    "userRole": (AboutUser, role),
    "extraAgents": (AboutUser, extra_agents),
    "userToMultiSigSigners": (AboutUser, multi_sig_signers),
}
