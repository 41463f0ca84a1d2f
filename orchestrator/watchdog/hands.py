"""EDGE: the watchdog's own line to the venue and its own key: looks at the account, cancels, closes, schedules.

It signs by the signer's policy with a cap of nothing, so that it can cancel and reduce and never add exposure.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from hats.exchange_architect import wire_info
from hats.exchange_architect.connection import Connection, Lost
from hats.exchange_architect.errands import EXCHANGE, INFO
from hats.exchange_architect.http1 import Response, request, request_head
from hats.security_architect.actions import Action, ScheduleCancel, Signature, post_body, to_json
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.frames import Ask, Refused
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.nonces import Spent
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.process import Log
from hats.security_architect.signer.signing import AgentKey
from orchestrator.watchdog import plan
from orchestrator.watchdog.guard import Aim
from shared.clock import WallClock
from shared.errors import InvariantError, JournalError, VenueError, VenueProtocolError, VenueUnreachable
from shared.ids import WATCHDOG_NUMBER, Cloid, cloid_for
from shared.instrument import Instrument
from shared.units import MINUTE, MS

T = TypeVar("T")
_READ_MS: Final = 3_000
_ACTION_MS: Final = 1_000
"""A lost answer must not keep the next action waiting for long."""
_CONNECT_MS: Final = 2_000
_EXPIRES_MS: Final = 10_000
"""An action that the venue has not seen by then can't act any more; by then a new look has been taken."""
_EXCERPT: Final = 300
"""Characters that are told of what the venue says."""
_TWAPS_NS: Final = MINUTE
"""How long it goes without asking for TWAPs where none is at work: their whole history comes along each time."""


class _Status(msgspec.Struct):
    status: str


_STATUS: Final = msgspec.json.Decoder(_Status)


class Hands:
    """Used by one thread. Every failure is raised as a VenueError: the watchdog tries again, for its steps are safe."""

    def __init__(self, base_url: str, user: str, key: AgentKey, store: NonceStore, log: Log) -> None:
        self.address = key.address
        self._user = user
        self._key = key
        self._store = store
        self._nonces = store.book()
        self._log = log
        self._connection = Connection(base_url, _CONNECT_MS)
        self._heads = {path: request_head(self._connection.host, path) for path in (INFO, EXCHANGE)}
        self._instruments: Mapping[str, Instrument] = {}
        self._assets: frozenset[int] = frozenset()
        self._signer: Signer | None = None
        self._is_learned = False
        self._attempts = 0
        self._refusal = ""
        self._twaps_due_ns = self._seen_act = self._relearn_ns = 0
        self._clock = WallClock()

    def enforce(self, aim: Aim, act: int = 0) -> tuple[int, int, str]:
        """Cancel and close what is open, once over: how many orders and positions there were, besides what may stay.

        And what the venue had against the last action that it refused, else in which coins orders had to stay (empty:
        nothing). What can't be read is raised only after all that could be was acted upon.
        """
        self._refusal = ""
        if act != self._seen_act:
            self._seen_act, self._twaps_due_ns = act, 0
        self._learn()
        account, faults = self._look()
        kept = plan.kept_triggers(account, aim, self._instruments)
        doomed = [order for order in account.orders or () if order.oid not in kept]
        closing = plan.to_close(account, aim, kept)
        twaps = account.twaps or ()
        coins = [order.coin for order in doomed] + [twap.coin for twap in twaps]
        assets = self._assets_of(coins)
        self._allow(assets.values())
        for action in plan.twap_cancels(twaps, assets):
            self._try(action)
        for action in plan.cancels(doomed, kept, assets):
            self._try(action)
        if closing:
            mids = plan.read_mids(self._ask(INFO, wire_info.body("allMids")))
            for action in plan.closes(closing, mids, self._instruments, self._attempts, self._cloids()):
                self._try(action)
        self._attempts = self._attempts + 1 if closing else 0
        unknown = sorted(set(coins) - assets.keys())
        if faults:
            self._is_learned = False  # a coin may have been listed since
            raise faults[0]
        stays = f"orders stay whose asset is not known: {', '.join(unknown)}"[:_EXCERPT] if unknown else ""
        # by an old list nobody knows that they can't be cancelled
        orders = sum(coin in assets or not self._is_learned for coin in coins)
        return orders, len(closing), self._refusal or stays

    def _assets_of(self, coins: list[str]) -> dict[str, int]:
        """The ids by which orders in these coins are cancelled; what our list lacks is looked up once a minute."""
        found = plan.assets_of(coins, self._instruments)
        if set(coins) - found.keys() and self._clock.now() >= self._relearn_ns:
            self._is_learned = False
            self._learn()
            self._relearn_ns = self._clock.now() + MINUTE if self._is_learned else 0
            found = plan.assets_of(coins, self._instruments)
        return found

    def _try(self, action: Action) -> None:
        """One action whose answer does not matter: the next look tells what became of it, and others wait behind it."""
        try:
            reply = self._act(action)
        except VenueError as error:
            self._log("unanswered", {"action": to_json(action).decode(), "reason": f"{error} {error.said}".strip()})
            return
        self._refusal = _refusal_in(reply) or self._refusal

    def schedule(self, ahead_ms: int) -> str | None:
        """Have the venue cancel everything so much later; None if it will, else its refusal, word for word."""
        self._learn()
        return _refusal_in(self._act(ScheduleCancel(self._clock.now() // MS + ahead_ms))) or None

    def unschedule(self) -> None:
        """Have the venue cancel nothing by itself any more; VenueProtocolError if it refuses."""
        self._learn()
        refusal = _refusal_in(self._act(ScheduleCancel()))
        if refusal:
            raise VenueProtocolError("the scheduled cancel stays", refusal)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _look(self) -> tuple[plan.Account, list[VenueError]]:
        """What the venue says is open, and what it failed to say: that must not keep the rest waiting."""
        faults: list[VenueError] = []

        def asked(kind: str, read: Callable[[bytes], tuple[T, ...]]) -> tuple[T, ...] | None:
            try:
                return read(self._ask(INFO, wire_info.body(kind, user=self._user)))
            except VenueError as error:
                faults.append(error)
                return None

        orders = asked("frontendOpenOrders", plan.read_orders)
        positions = asked("clearinghouseState", lambda reply: plan.read_positions(reply, self._instruments))
        twaps: tuple[plan.OpenTwap, ...] | None = ()
        if self._clock.now() >= self._twaps_due_ns:
            twaps = asked("twapHistory", plan.read_twaps)
            self._twaps_due_ns = self._clock.now() + (_TWAPS_NS if twaps == () else 0)
        return plan.Account(orders, positions, twaps), faults

    def _learn(self) -> None:
        """What is listed, once: the policy allows every perp, for any may be held. An old list is better than none."""
        if self._is_learned:
            return
        try:
            update = wire_info.universe_update(self._ask(INFO, wire_info.body("meta")), None, self._clock.now())
        except VenueError:
            if self._signer is None:
                raise
            return
        self._instruments = {instrument.coin: instrument for instrument in update.instruments}
        self._allow(instrument.asset for instrument in update.instruments)
        self._is_learned = True

    def _allow(self, assets: Iterable[int]) -> None:
        """Have our signer cancel and reduce in these, too; no policy of ours lets anything be added."""
        allowed = self._assets.union(assets)
        if self._signer is None or allowed != self._assets:
            rules = tuple(AssetRule(asset) for asset in sorted(allowed))
            policy = Policy(network=self._key.network, assets=rules, max_notional_usd=0)
            self._assets, self._signer = allowed, Signer(policy, self._key, self._nonces, None)

    def _act(self, action: Action) -> Response:
        """Sign and post; the answer, whatever it is. No answer is a VenueUnreachable: the next look tells."""
        assert self._signer is not None, "nothing is listed yet"
        now_ms = self._clock.now() // MS
        expires_ms = 0 if isinstance(action, ScheduleCancel) else now_ms + _EXPIRES_MS
        ask = Ask(0, to_json(action), max(now_ms, self._nonces.high + 1), expires_ms)
        decision = self._signer.decide(ask, now_ms)
        if isinstance(decision.answer, Refused):
            raise InvariantError(f"our own policy refused {ask.action!r}: {decision.answer.reason}")
        assert decision.spent is not None
        self._keep(decision.spent)
        signed = decision.answer
        signature = Signature(int.from_bytes(signed.r, "big"), int.from_bytes(signed.s, "big"), signed.v)
        body = post_body(ask.action, ask.nonce, ask.expires_after_ms, signature)
        reply = self._post(EXCHANGE, body, _ACTION_MS)
        self._log("action", {"action": ask.action.decode(), "nonce": ask.nonce, "answer": _text(reply)})
        return reply

    def _keep(self, spent: Spent) -> None:
        """On the disk, if that takes it: nonces are times, so that what comes after us has higher ones in any case."""
        try:
            self._store.keep(spent)
        except JournalError as error:
            self._store.check()  # a folder that was taken away has another owner, who must not be acted against
            self._log("not_kept", {"nonce": spent.nonce, "reason": str(error)})

    def _ask(self, path: str, body: bytes) -> bytes:
        reply = self._post(path, body)
        if reply.status != 200:
            raise VenueProtocolError(f"HTTP {reply.status} to a read", _text(reply))
        return reply.body

    def _post(self, path: str, body: bytes, deadline_ms: int = _READ_MS) -> Response:
        if not self._connection.is_usable():
            self._connection.open()
        self._connection.send(request(self._heads[path], body))
        reply = self._connection.receive(deadline_ms)
        if isinstance(reply, Lost):
            raise VenueUnreachable(reply.reason)
        return reply

    def _cloids(self) -> Iterator[Cloid]:
        """New ones each time: whether the venue refuses a cloid that was used before is not documented."""
        start = self._clock.now() // MS
        return (cloid_for(0, WATCHDOG_NUMBER, number) for number in itertools.count(start * 64 & (1 << 48) - 1))


def _refusal_in(reply: Response) -> str:
    """Why the venue refused the action as a whole; empty if it did not."""
    try:
        is_taken = reply.status == 200 and _STATUS.decode(reply.body).status == "ok"
    except msgspec.MsgspecError:
        is_taken = False
    return "" if is_taken else _text(reply)


def _text(reply: Response) -> str:
    """The start of an answer; the venue's own words where it has some."""
    try:
        read = msgspec.json.decode(reply.body)
        response = read["response"] if isinstance(read, dict) else read
    except (msgspec.MsgspecError, KeyError):
        response = reply.body[:_EXCERPT].decode("utf-8", "replace")
    return str(response)[:_EXCERPT] if reply.status == 200 else f"HTTP {reply.status}: {str(response)[:_EXCERPT]}"
