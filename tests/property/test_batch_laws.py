"""Laws of actions whose orders share one nonce, from their packing to the proof of each, on a wire that loses answers.

The Security Architect packs and fences, the Exchange Architect's own code reads the venue's replies, and the Execution
Manager judges. The venue is small and knows only bytes and nonces.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire_exchange import Proof, alike, proofs_of, told
from hats.security_architect import SecurityArchitect, Settings
from hats.security_architect.actions import CancelByCloid, Noop, Order, read_action
from hats.security_architect.packing import DEADLINES_APART_NS
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.messages import AnyMessage, Message
from shared.messages.control import WakeAt, Woke
from shared.messages.market import UniverseUpdate
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    ActionSent,
    AnswerKind,
    CancelOrder,
    FenceOrder,
    OrderChanged,
    PostAction,
    QueryAccount,
    QueryOrder,
    ResendOrder,
    SignatureRefused,
    SignedAction,
    SignRequest,
    SubmitOrder,
)
from shared.messages.risk import OrderApproved
from shared.messages.signal import CancelIntent
from shared.order import OrderState, Side, Tif, is_open
from shared.units import MS, Ns
from tests.property.execution_venue import TinyVenue
from tests.unit.hats.execution_manager.scene import COINS, EM, NOW, STRATEGY, intent, manager, say

RESENDS = 1
LIFE_MS = 10_000
"""How long an order is good for: much longer than what proof waits for, so that an early end would be a wrong one."""
NEVER = Ns(1 << 62)
BATCHES = st.lists(st.sampled_from([0, 0, 0, 100, 600, LIFE_MS - 100]), min_size=1, max_size=4)
"""How long the approvals of some orders have waited."""


class Post(msgspec.Struct, frozen=True):
    """A signed action on its way."""

    request: SignRequest
    is_copy: bool = False

    @property
    def action(self) -> PostAction:
        """What the gateway was told to post."""
        r = self.request
        body = b'{"action":' + r.action + b"}"
        return PostAction(r.kind, r.cloid, r.nonce, body, self.is_copy, 0, r.expires_after_ms, r.mates)


class BatchVenue(TinyVenue):
    """Takes the bytes of an action once by its nonce, and answers in the venue's own form."""

    def __init__(self, now: int, submitted: dict[Cloid, SubmitOrder]) -> None:
        super().__init__(now)
        self.submitted = submitted
        self.nonces: set[int] = set()

    def post(self, request: SignRequest, refused: Collection[int]) -> tuple[bytes, list[AnyMessage]]:
        """The reply, and what is pushed. `refused` are places of entries that it does not place."""
        now = self.tick()
        if request.nonce in self.nonces:
            return _reply("err", f"Invalid nonce: duplicate nonce {request.nonce}"), []
        self.nonces.add(request.nonce)
        if 0 < request.expires_after_ms * MS < now:
            return _reply("err", "Action already expired"), []
        action = read_action(request.action)
        if isinstance(action, Noop):
            return _reply("ok", {"type": "default"}), []
        results = []
        if isinstance(action, Order):
            for place, entry in enumerate(action.orders):
                order = self.submitted[Cloid(entry.cloid)]
                assert self.now <= order.expires_ns, f"{order.cloid} was placed after its deadline"
                results.append(self._place(order, ActionKind.ORDER, refuse=place in refused))
        else:
            assert isinstance(action, CancelByCloid)
            results += [self._cancel(CancelOrder(Cloid(entry.cloid), "", 0, NEVER)) for entry in action.cancels]
        statuses = [_status(answer) for answer, _ in results]
        pushed = [message for _, news in results for message in news]
        return _reply("ok", {"type": "order", "data": {"statuses": statuses}}), pushed


def _reply(status: str, response: object) -> bytes:
    return msgspec.json.encode({"status": status, "response": response})


def _status(answer: ActionAnswered) -> object:
    if answer.answer is AnswerKind.REFUSED:
        return {"error": answer.error}
    return "success" if answer.answer is AnswerKind.CANCELLED else {"resting": {"oid": answer.oid}}


class BatchLaws(RuleBasedStateMachine):
    """Orders are approved several at a time, packed with what else waits, sent, copied, fenced and asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.now = int(NOW)
        self.hat = manager(resends_max=RESENDS, order_ttl_ms=LIFE_MS, expiry_margin_ms=1_000, absences_needed=1)
        self.architect = SecurityArchitect(Settings())
        self.universe = Universe()
        listed = tuple(Instrument(coin, n, 0, 50) for n, coin in enumerate(COINS))
        self.universe.learn(UniverseUpdate(listed, 4500, 1500, NOW))
        self.submitted: dict[Cloid, SubmitOrder] = {}
        self.venue = BatchVenue(NOW, self.submitted)
        self.mail: list[SubmitOrder | CancelOrder | FenceOrder] = []
        self.wire: list[Post] = []
        self.queries: list[QueryOrder | QueryAccount] = []
        self.inbox: list[AnyMessage] = []
        self.timers: dict[str, int] = {"deadlines": self.hat.state.armed_ns}
        self.numbers = 0
        self.placing: dict[Cloid, SignRequest] = {}
        """The action of each order that was signed."""
        self.copies: dict[int, int] = {}
        self.unwanted: set[Cloid] = set()
        self.states: dict[Cloid, OrderState] = {}

    # ------------------------------------------------------------------------------------- what the Hats say
    def say(self, message: AnyMessage) -> None:
        """Let the manager hear something, and check what it says."""
        for said in say(self.hat, message, self.now):
            match said:
                case SubmitOrder(cloid=cloid):
                    self.submitted[cloid] = said
                    self.mail.append(said)
                case CancelOrder() | FenceOrder():
                    self.mail.append(said)
                case ResendOrder(cloid=cloid):
                    self.resend(cloid)
                case QueryOrder() | QueryAccount():
                    self.queries.append(said)
                case WakeAt():
                    self.timers[said.timer] = said.ns
                case OrderChanged():
                    self.states[said.cloid] = said.state
                    if not is_open(said.state):
                        self.check_end(said)

    def resend(self, cloid: Cloid) -> None:
        """A copy is one of every order of the action: none may be unwanted, and there are few."""
        request = self.placing.get(cloid)
        if request is None:
            return
        gone = [mate for mate in request.cloids if is_open(self.states[mate]) and mate in self.unwanted]
        assert not gone, f"sent again with {gone}, which are wanted gone"
        self.copies[request.nonce] = self.copies.get(request.nonce, 0) + 1
        assert self.copies[request.nonce] <= RESENDS, "too many copies of one action"
        self.wire.append(Post(request, is_copy=True))

    def check_end(self, said: OrderChanged) -> None:
        """An end is true at the venue, and nothing on the wire can undo it."""
        truth = self.venue.orders.get(said.cloid)
        if truth is not None:
            assert not truth.is_live, f"{said.cloid} is {said.state} here and open there: {said.reason}"
            assert said.filled_sz == truth.filled_sz, f"ended with {said.filled_sz} of {truth.filled_sz}"
        for post in self.wire:
            request = post.request
            is_its = request.kind.places and said.cloid in request.cloids and request.nonce not in self.venue.nonces
            can_act = is_its and self.now <= request.expires_after_ms * MS
            assert not can_act, f"{said.cloid} ended and may still arrive: {said.reason}"

    def sign(self, request: SignRequest) -> None:
        """It is signed and leaves. Who shares an action is alike, and none loses much of its time or outlives it."""
        action = read_action(request.action)
        self.architect.handle(
            SignedAction(request.kind, request.cloid, request.nonce, request.expires_after_ms, b"", 0, request.mates),
            Ns(self.now),
        )
        if isinstance(action, Order):
            orders = [self.submitted[cloid] for cloid in request.cloids]
            assert [entry.cloid for entry in action.orders] == list(request.cloids)
            assert [ticket.approval_id for ticket in request.tickets] == [order.approval_id for order in orders]
            assert len({(order.tif is Tif.ALO, order.reduce_only) for order in orders}) == 1, "unlike orders"
            deadlines = [order.expires_ns for order in orders]
            assert request.expires_after_ms * MS <= min(deadlines), "an order outlives its deadline"
            assert max(deadlines) - min(deadlines) <= 2 * DEADLINES_APART_NS
            self.placing |= dict.fromkeys(request.cloids, request)
        elif isinstance(action, Noop):
            fenced = self.placing[request.cloid]
            assert (request.nonce, request.cloids) == (fenced.nonce, fenced.cloids), "a fence of something else"
        self.say(ActionSent(request.cloid, request.nonce, Ns(self.now), request.mates))
        self.wire.append(Post(request))

    # --------------------------------------------------------------------------------------------------- rules
    @rule(ages_ms=BATCHES, tif=st.sampled_from([Tif.ALO, Tif.GTC]), reduce_only=st.booleans())
    def wish(self, ages_ms: list[int], tif: Tif, reduce_only: bool) -> None:
        """Orders are approved; their approvals may have waited."""
        for age_ms in ages_ms:
            self.numbers += 1
            coin = COINS[self.numbers % len(COINS)]
            wish = intent(self.numbers, Side.BUY, 20, coin=coin, tif=tif, reduce_only=reduce_only)
            approved = OrderApproved(wish, self.numbers, Ns(self.now + (LIFE_MS - age_ms) * MS))
            self.architect.handle(approved, Ns(self.now))
            self.say(approved)

    @rule(ages_ms=BATCHES, has_arrived=st.booleans(), is_late=st.booleans(), is_fenced=st.booleans())
    def doubt(self, ages_ms: list[int], has_arrived: bool, is_late: bool, is_fenced: bool) -> None:
        """Nobody knows what became of a batch: it was carried out, it was lost, or it is still on its way.

        It may be fenced at once, for one of its orders that is no longer wanted.
        """
        self.wish(ages_ms, Tif.ALO, reduce_only=False)
        waiting, known = len(self.wire), len(self.inbox)
        self.settle()
        posts, self.wire[waiting:] = self.wire[waiting:], []
        for post in posts:
            if has_arrived:
                self.carry(post, is_answered=False)
            else:
                self.answer(post, None)
                self.wire += [post] * is_late
        self.hear_answers(known)
        last = max(self.hat.state.orders)
        if is_fenced and self.hat.state.orders[last].state is OrderState.UNKNOWN:
            self.give_up(last)
            self.settle()

    @precondition(lambda self: self.hat.state.orders)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """A strategy no longer wants an order, one in doubt if there is any."""
        orders = self.hat.state.orders
        doubtful = sorted(cloid for cloid, order in orders.items() if order.state is OrderState.UNKNOWN)
        self.give_up(data.draw(st.sampled_from(doubtful or sorted(orders))))

    def give_up(self, cloid: Cloid) -> None:
        """It is wanted gone."""
        self.unwanted.add(cloid)
        self.say(CancelIntent(cloid, STRATEGY, "test"))

    @precondition(lambda self: self.mail)
    @rule()
    def settle(self) -> None:
        """What waits is signed together."""
        mail, self.mail = self.mail, []
        said = [word for each in mail for word in self.architect.handle(each, Ns(self.now))]
        said += [word for _, word in self.architect.settle(Ns(self.now))]
        for word in said:
            if isinstance(word, SignRequest):
                self.sign(word)
            elif isinstance(word, SignatureRefused):
                self.inbox.append(word)

    @precondition(lambda self: self.wire)
    @rule(
        data=st.data(),
        refused=st.sets(st.integers(0, 3), max_size=2),
        fate=st.sampled_from(["heard", "heard", "late", "lost"]),
    )
    def arrive(self, data: st.DataObject, refused: set[int], fate: str) -> None:
        """An action reaches the venue; its answer is heard at once, later or never."""
        post, known = self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1))), len(self.inbox)
        self.carry(post, refused, is_answered=fate != "lost")
        if fate == "heard":
            self.hear_answers(known)

    def hear_answers(self, known: int) -> None:
        """The manager hears the answers that came after so much was on its way to it."""
        for answer in [message for message in self.inbox[known:] if isinstance(message, ActionAnswered)]:
            self.inbox.remove(answer)
            self.say(answer)

    def carry(self, post: Post, refused: Collection[int] = (), *, is_answered: bool = True) -> None:
        """The venue takes it, and what it says is on its way."""
        reply, pushed = self.venue.post(post.request, refused)
        self.answer(post, proofs_of(post.action, 200, reply, self.universe, post.is_copy) if is_answered else None)
        self.inbox += pushed

    @precondition(lambda self: self.wire)
    @rule(data=st.data(), is_noticed=st.booleans())
    def lose(self, data: st.DataObject, is_noticed: bool) -> None:
        """An action is lost before it arrives, noticed by the gateway or not."""
        post = self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1)))
        if is_noticed:
            self.answer(post, None)

    def answer(self, post: Post, proofs: tuple[Proof, ...] | None) -> None:
        """The gateway's word on each entry."""
        words: list[Message] = told(
            post.action, proofs or alike(post.action, Proof(AnswerKind.NO_ANSWER)), Ns(self.now)
        )
        self.inbox += [word for word in words if isinstance(word, ActionAnswered)]

    @precondition(lambda self: self.inbox)
    @rule(data=st.data(), again=st.booleans())
    def deliver(self, data: st.DataObject, again: bool) -> None:
        """Something is heard, in whatever order, perhaps to be heard again."""
        index = data.draw(st.integers(0, len(self.inbox) - 1))
        self.say(self.inbox[index] if again else self.inbox.pop(index))

    @precondition(lambda self: self.queries)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """Questions are answered with the truth of now: at once, later, or not at all."""
        queries, self.queries = self.queries, []
        for query in queries:
            fate = data.draw(st.sampled_from(["heard", "heard", "late", "lost"]))
            if fate == "heard":
                self.say(self.venue.read(query))
            elif fate == "late":
                self.inbox.append(self.venue.read(query))

    @precondition(lambda self: any(order.is_live for order in self.venue.orders.values()))
    @rule(data=st.data(), sz=st.integers(1, 20))
    def trade(self, data: st.DataObject, sz: int) -> None:
        """An order trades."""
        live = sorted(cloid for cloid, order in self.venue.orders.items() if order.is_live)
        cloid = data.draw(st.sampled_from(live))
        self.inbox += self.venue.trade(cloid, min(sz, self.venue.orders[cloid].left_sz))

    @rule(span_ms=st.sampled_from([10, 300, 1_500, 6_000]), is_read=st.booleans())
    def pass_time(self, span_ms: int, is_read: bool) -> None:
        """Time goes by, and the manager is woken when it asked for it; what it asks may be answered at once."""
        until = self.now + span_ms * MS
        while self.timers and min(self.timers.values()) <= until:
            timer, at = min(self.timers.items(), key=lambda item: item[1])
            del self.timers[timer]
            self.now = max(self.now, at)
            self.venue.now = max(self.venue.now, self.now)
            self.say(Woke(EM, timer, Ns(at)))
            queries, self.queries = (self.queries, []) if is_read else ([], self.queries)
            for query in queries:
                self.say(self.venue.read(query))
        self.now = until
        self.venue.now = max(self.venue.now, self.now)

    def teardown(self) -> None:
        """Once the wire works, every order is proven one way or the other, and our books are the venue's."""
        for _ in range(40):
            self.settle()
            posts, self.wire = self.wire, []
            for post in posts:
                self.carry(post)
            queries, self.queries = self.queries, []
            self.inbox += [self.venue.read(query) for query in queries]
            messages, self.inbox = self.inbox, []
            for message in messages:
                self.say(message)
            self.pass_time(1_000, is_read=True)
        live = {cloid: (order.oid, order.filled_sz) for cloid, order in self.venue.orders.items() if order.is_live}
        assert {cloid: (order.oid, order.filled_sz) for cloid, order in self.hat.state.orders.items()} == live
        assert not self.unwanted & live.keys(), "wanted gone, and still there"
        assert {coin: sz for coin, sz in self.hat.state.positions.items() if sz} == self.venue.net


TestBatchLaws = BatchLaws.TestCase
TestBatchLaws.settings = settings(max_examples=200, stateful_step_count=30)
TestBatchLaws.__doc__ = "No fate of a batch places, ends or copies one of its orders wrongly."
