"""The two request doors, /info and /exchange, after parsing: HTTP and WebSocket posts come through here alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from shared.units import MS, Ns, Usd
from shared.venue.core.commands import Command, Deposit
from shared.venue.core.mempool import Mempool
from shared.venue.core.outcomes import Outcome
from shared.venue.door import dealing_actions, mode_actions, timed_actions, vault_actions
from shared.venue.door.action_types import read_action, read_envelope
from shared.venue.door.actions import (
    Action,
    ApproveAgentAction,
    NoopAction,
    Supported,
    canonical_address,
)
from shared.venue.door.admission import Admission, Turned
from shared.venue.door.agents import AGENTS_PER_SUB, ALREADY_USED
from shared.venue.door.answers import Answers
from shared.venue.door.bodies import BodyRefused
from shared.venue.door.budgets import STALE_COST, AddressBudgets
from shared.venue.door.dealing_submit import dealing_from_action, dealing_reply
from shared.venue.door.desk import Desk
from shared.venue.door.info import answer, read_question
from shared.venue.door.multi_sig_actions import ConvertToMultiSigUserAction, MultiSigAction
from shared.venue.door.render import Json
from shared.venue.door.settings import DoorSettings
from shared.venue.door.submit import (
    DONE,
    Unfit,
    command_from_action,
    is_cancel,
    refused,
    reply_from_outcome,
    reply_from_unfit,
    unsupported,
    weight,
)
from shared.venue.door.timed_actions import ReserveRequestWeightAction
from shared.venue.door.timed_submit import NOT_BY_AGENT, timed_from_action, timed_reply
from shared.venue.door.weights import MinuteBudgets, answer_weight, exchange_weight, info_weight

_DEALINGS: Final[tuple[type[Action], ...]] = (
    *dealing_actions.TYPES.values(),
    *mode_actions.TYPES.values(),
    *vault_actions.TYPES.values(),
    ConvertToMultiSigUserAction,
)
_TIMED: Final = tuple(timed_actions.TYPES.values())


class Api:
    """Reads, judges, applies, answers. `apply` runs a command in the core and tells the feeds."""

    def __init__(self, answers: Answers, settings: DoorSettings, apply: Callable[[Command, Ns], Outcome]) -> None:
        self._answers = answers
        self._settings = settings
        self._apply = apply
        self._admission = Admission(settings, self._welcome, answers.exchange)
        self.mempool = Mempool(settings.block_ms, settings.taker_delay_ms) if settings.block_ms else None
        self._waiting: dict[int, tuple[Supported, str]] = {}
        self._budgets = AddressBudgets(settings.address_budget)
        self._weights = MinuteBudgets(settings.ip_weight_per_minute)
        self.desk = Desk(answers, self._admission.agents, self._budgets, settings)

    def info(self, value: Any, now: Ns, client: str = "") -> tuple[str, Any]:
        """(type asked, answer); BodyRefused with the status that the venue's HTTP layer gives."""
        name, question = read_question(value)
        self._spend(client, info_weight(name), now)
        said = answer(self.desk, name, question, now)
        self._weights.owe(client, answer_weight(name, said), now // MS)
        return name, said

    def exchange(self, value: Any, now: Ns, client: str = "") -> Json | int:
        """The reply to a signed request, or the ticket of one that waits for its block; BodyRefused if misshaped."""
        envelope = read_envelope(value)
        action = read_action(envelope.action)
        if isinstance(action, str):
            self._spend(client, exchange_weight(1), now)
            return unsupported(action)
        asked, action = action, action.inner if isinstance(action, MultiSigAction) else action
        self._spend(client, exchange_weight(weight(action)), now)
        admitted = self._admission.admit(envelope, asked, now)
        if isinstance(admitted, Turned):
            if admitted.stale_for is not None:
                self._budgets.owe(admitted.stale_for, STALE_COST * weight(action))
            return refused(admitted.error)
        if isinstance(action, ReserveRequestWeightAction) and action is asked and admitted.signer != admitted.user:
            return refused(NOT_BY_AGENT)
        return self._perform(action, admitted.user, now)

    def expire_agents(self, user: str) -> int:
        """How many agents the user had; none may sign from now on."""
        return self._admission.agents.expire(user)

    def owe_requests(self, user: str, count: int) -> None:
        """Count requests of the user that nobody sent, for those who test what a small budget does."""
        self._budgets.owe(user, count)

    def _perform(self, action: Supported, user: str, now: Ns) -> Json | int:
        error = self._budgets.charge(user, weight(action), is_cancel(action), lambda: self._volume(user), now // MS)
        if error is not None:
            return refused(error)
        command = self._command(action, user, now)
        if isinstance(command, dict):
            return self._charged(action, user, command)
        if self.mempool is None:
            return self._concluded(action, user, self._apply(command, now))
        ticket = self.mempool.add(command, now)
        self._waiting[ticket] = (action, user)
        return ticket

    def conclude(self, ticket: int, outcome: Outcome) -> Json:
        """The reply to the request that had this ticket, now that its block came to `outcome`."""
        return self._concluded(*self._waiting.pop(ticket), outcome)

    def _command(self, action: Supported, user: str, now: Ns) -> Command | Json:
        """What the core is to do, or the reply of an action that needs no core or can't go there."""
        match action:
            case NoopAction():
                return DONE
            case ApproveAgentAction():
                return self._approve(action, user, now)
        dealing = dealing_from_action(action, user)
        if dealing is not None:
            return refused(dealing) if isinstance(dealing, str) else dealing
        timed = timed_from_action(action, user, self._answers.instruments)
        if timed is not None:
            return timed
        try:
            return command_from_action(action, user, self._answers.instruments)
        except Unfit as unfit:
            return reply_from_unfit(action, unfit)

    def _concluded(self, action: Supported, user: str, outcome: Outcome) -> Json:
        """The reply to an action whose command came to `outcome`."""
        if isinstance(action, _DEALINGS):
            return self._charged(action, user, dealing_reply(action, outcome))
        if not isinstance(action, _TIMED):
            return self._charged(action, user, reply_from_outcome(action, outcome, self._answers.instruments))
        reply = self._charged(action, user, timed_reply(action, outcome))
        if isinstance(action, ReserveRequestWeightAction) and reply["status"] == "ok":
            self._budgets.reserve(action.destination or user, action.weight)
        return reply

    def _charged(self, action: Supported, user: str, reply: Json) -> Json:
        """The reply; an action that was refused as a whole costs no request."""
        if reply["status"] == "err":
            self._budgets.refund(user, weight(action))
        return reply

    def _approve(self, action: ApproveAgentAction, user: str, now: Ns) -> Json:
        address = canonical_address(action.agent_address)
        if self._answers.exchange.has_account(address):
            return refused(ALREADY_USED)
        extra = AGENTS_PER_SUB * len(self._answers.exchange.sub_accounts(user))
        error = self._admission.agents.approve(user, address, action.agent_name or "", now // MS, extra)
        return DONE if error is None else refused(error)

    def _welcome(self, address: str, now: Ns) -> bool:
        """Has the address an account? It gets one here if everybody who signs does."""
        if self._answers.exchange.has_account(address):
            return True
        if self._settings.fund_all_usd is None:
            return False
        self._apply(Deposit(address, self._settings.fund_all_usd), now)
        return True

    def _volume(self, user: str) -> Usd:
        return Usd(self._answers.exchange.account(user).volume_usd)

    def _spend(self, client: str, amount: int, now: Ns) -> None:
        if not self._weights.spend(client, amount, now // MS):
            raise BodyRefused(429, "null")
