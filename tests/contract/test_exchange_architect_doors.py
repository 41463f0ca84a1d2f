"""Our adapter and the local exchange share no wire code, and still agree: over sockets and inside the stage alike."""

from __future__ import annotations

import asyncio
import json
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from eth_account import Account
from hyperliquid.utils.signing import sign_l1_action

from hats.exchange_architect.settings import Settings
from hats.exchange_architect.stage_link import StageLink
from hats.exchange_architect.venue_edge import VenueEdge
from shared.clock import WallClock
from shared.edge import Context
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.account import AccountSnapshot
from shared.messages.market import AssetContext, BadData, BookUpdate, FeedState, FeedStatus, Trade, UniverseUpdate
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    ActionSent,
    AnswerKind,
    Fill,
    PostAction,
    ReadAccount,
    ReadOrder,
    VenueOrder,
    VenueOrderStatus,
)
from shared.order import Side
from shared.units import MS, USD, Ns, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings

BTC = Instrument("BTC", 0, 5, 40)
ETH = Instrument("ETH", 1, 4, 25)
MAKER = "0x" + "ee" * 20
WALLET = Account.from_key((77).to_bytes(32, "big"))
USER = WALLET.address.lower()
NONCES = iter(range(int(time.time() * 1000), 2**53))


def door(now: Ns) -> Door:
    """A local exchange with our account and a maker's ETH book around 2000."""
    exchange = Exchange([list_perp(BTC), list_perp(ETH)], start_ns=now)
    made = Door(exchange, DoorSettings(fund={USER: Usd(100_000 * USD)}, l2_interval_ms=20, max_connections=100), now)
    made.apply(Deposit(MAKER, Usd(50_000_000 * USD)), now)
    for coin, px in ((BTC, 50_000), (ETH, 2_000)):
        made.apply(SetPrices(coin.asset, coin.px(str(px))), now)
        orders = [
            OrderSpec(coin.asset, sign < 0, coin.px(str(px + sign * step * px // 1000)), coin.sz("5"), False, Tif.ALO)
            for step in (1, 2, 3)
            for sign in (-1, 1)
        ]
        made.apply(PlaceOrders(MAKER, tuple(orders)), now)
    return made


class Desk(Protocol):
    """One way through the door: do a command, wait until something holds of all that was said."""

    def do(self, command: Message) -> None:
        """Carry it out."""
        ...

    def until(self, kind: type[Any], holds: Callable[[Any], bool] = ...) -> Any:
        """The first message of a kind of which it holds."""
        ...

    @property
    def said(self) -> list[Message]:
        """Everything so far."""
        ...


class OverSockets:
    """The VenueEdge against the exchange served on loopback."""

    def __init__(self, settings: Settings) -> None:
        self.said: list[Message] = []
        self._news = threading.Condition()
        self._edge = VenueEdge(settings, WallClock())
        self._edge.start(self._take)

    def _take(self, message: Message, context: Context = Context()) -> None:
        with self._news:
            self.said.append(message)
            self._news.notify_all()

    def do(self, command: Message) -> None:
        """Hand it to the edge."""
        self._edge.carry_out(command, Context(), Ns(0))

    def until(self, kind: type[Any], holds: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait for the edge's threads."""
        with self._news:
            assert self._news.wait_for(lambda: _first(self.said, kind, holds) is not None, 10), self.said[-5:]
        return _first(self.said, kind, holds)

    def close(self) -> None:
        """Stop the edge."""
        self._edge.stop()


class DoorWire:
    """The exchange's door as the StageLink wants it, at virtual time."""

    def __init__(self, venue: Door, now: Ns) -> None:
        self.venue, self.now, self.connection = venue, now, 0

    def http(self, path: str, body: bytes) -> tuple[int, bytes]:
        """One POST."""
        status, _, reply = self.venue.http(path, "application/json", body, self.now)
        return status, reply

    def ws_connect(self) -> None:
        """A new connection."""
        self.connection = self.venue.connect(self.now)

    def ws_send(self, frame: str) -> None:
        """One frame to the door."""
        self.venue.receive(self.connection, frame, self.now)

    def ws_frames(self) -> list[bytes]:
        """What the door wants to send on our connection."""
        self.venue.due(self.now)
        return [frame for number, frame in self.venue.drain_outbox() if number == self.connection]


class OnStage:
    """The StageLink against the same exchange in one thread, at a time of its own."""

    def __init__(self, settings: Settings) -> None:
        start = Ns(next(NONCES) * MS)
        self._wire = DoorWire(door(start), start)
        self._link = StageLink(settings, self._wire, random.Random(1))
        self.said = self._link.start(start)

    def do(self, command: Message) -> None:
        """One millisecond later."""
        self._pass()
        self.said += self._link.carry_out(command, self._wire.now)

    def until(self, kind: type[Any], holds: Callable[[Any], bool] = lambda _: True) -> Any:
        """Let virtual time pass, ten seconds at most."""
        for _ in range(2_000):
            found = _first(self.said, kind, holds)
            if found is not None:
                return found
            self._pass(5)
        raise AssertionError(self.said[-5:])

    def _pass(self, ms: int = 1) -> None:
        self._wire.now = Ns(self._wire.now + ms * MS)
        self.said += self._link.tick(self._wire.now)

    def close(self) -> None:
        """Nothing to stop."""


def _first(said: list[Message], kind: type[Any], holds: Callable[[Any], bool]) -> Any:
    return next((message for message in said if isinstance(message, kind) and holds(message)), None)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running local exchange."""
    clock, ports = WallClock(), queue.Queue[int]()
    control: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        control.append((asyncio.get_running_loop(), asyncio.Event()))
        await serve(door(clock.now()), clock=clock, ready=ports.put, stop=control[0][1])

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    yield f"http://127.0.0.1:{ports.get(timeout=10)}"
    control[0][0].call_soon_threadsafe(control[0][1].set)
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(params=[OverSockets, OnStage])
def desk(request: pytest.FixtureRequest, url: str) -> Iterator[Desk]:
    """A desk of either kind that is UP."""
    made = request.param(Settings(base_url=url, user_address=USER, coins=("BTC", "ETH"), tick_ms=5))
    made.until(FeedStatus, lambda one: one.state is FeedState.UP)
    yield made
    made.close()


def signed(action: dict[str, Any], kind: ActionKind, cloid: Cloid, nonce: int | None = None) -> PostAction:
    """An action signed with the official SDK's own function."""
    number = next(NONCES) if nonce is None else nonce
    signature = sign_l1_action(WALLET, action, None, number, None, is_mainnet=False)
    body = {"action": action, "nonce": number, "signature": signature, "vaultAddress": None, "expiresAfter": None}
    return PostAction(kind, cloid, number, json.dumps(body).encode())


def buy(cloid: Cloid, px: str, tif: str = "Gtc", sz: str = "0.05") -> PostAction:
    """A signed ETH buy."""
    entry = {"a": 1, "b": True, "p": px, "s": sz, "r": False, "t": {"limit": {"tif": tif}}, "c": cloid}
    return signed({"type": "order", "orders": [entry], "grouping": "na"}, ActionKind.ORDER, cloid)


def cancel(cloid: Cloid) -> PostAction:
    """A signed cancel."""
    action = {"type": "cancelByCloid", "cancels": [{"asset": 1, "cloid": cloid}]}
    return signed(action, ActionKind.CANCEL, cloid)


def answer_to(desk: Desk, action: PostAction) -> ActionAnswered:
    """What the venue proves of an action."""
    desk.do(action)
    answered: ActionAnswered = desk.until(ActionAnswered, lambda one: one.nonce == action.nonce)
    return answered


def fresh() -> Cloid:
    """A cloid nobody used."""
    return Cloid(f"0x{next(NONCES):032x}")


def test_market_data_flows(desk: Desk) -> None:
    """Instruments, books and contexts arrive exactly; nothing the exchange says is bad data."""
    universe = desk.until(UniverseUpdate)
    assert [(one.coin, one.asset, one.sz_decimals) for one in universe.instruments] == [("BTC", 0, 5), ("ETH", 1, 4)]
    assert (universe.taker_fee_e7, universe.maker_fee_e7) == (4_500, 1_500)
    book = desk.until(BookUpdate, lambda one: one.coin == "ETH")
    assert (book.bids[0].px, book.asks[0].px) == (ETH.px("1998"), ETH.px("2002"))
    context = desk.until(AssetContext, lambda one: one.coin == "ETH")
    assert context.oracle_px == ETH.px("2000")
    assert not [message for message in desk.said if isinstance(message, BadData)]


def test_an_order_lives_and_is_cancelled(desk: Desk) -> None:
    """Resting with its oid, pushed as open, found by cloid, cancelled, and then there is nothing to cancel."""
    cloid = fresh()
    action = buy(cloid, "1100")
    rested = answer_to(desk, action)
    assert rested.answer is AnswerKind.RESTING
    pushed = desk.until(VenueOrder, lambda one: one.cloid == cloid and one.exch_ns)
    assert (pushed.oid, pushed.status, pushed.side) == (rested.oid, VenueOrderStatus.OPEN, Side.BUY)
    assert (pushed.px, pushed.sz) == (ETH.px("1100"), ETH.sz("0.05"))
    desk.do(ReadAccount(Ns(0)))
    desk.until(AccountSnapshot, lambda one: rested.oid in [order.oid for order in one.open_orders])
    assert answer_to(desk, cancel(cloid)).answer is AnswerKind.CANCELLED
    desk.until(VenueOrder, lambda one: one.cloid == cloid and one.status is VenueOrderStatus.CANCELLED)
    again = answer_to(desk, cancel(cloid))
    assert again.answer is AnswerKind.REFUSED
    assert again.error.startswith("Order was never placed")
    sent = [message for message in desk.said if isinstance(message, ActionSent) and message.nonce == action.nonce]
    assert len(sent) == 1


def test_a_fill_is_told_once_with_its_exact_fee(desk: Desk) -> None:
    """An IOC that crosses is FILLED; the fill has the exact fee and the account the exact position."""
    cloid = fresh()
    answer = answer_to(desk, buy(cloid, "2002", "Ioc"))
    assert (answer.answer, answer.filled_sz) == (AnswerKind.FILLED, ETH.sz("0.05"))
    fill = desk.until(Fill, lambda one: one.cloid == cloid)
    assert (fill.px, fill.sz, fill.is_taker, fill.fee_usd) == (ETH.px("2002"), ETH.sz("0.05"), True, 45_045)
    desk.until(Trade, lambda one: one.tid == fill.tid)
    desk.do(ReadAccount(Ns(0)))
    desk.until(AccountSnapshot, lambda one: fill.tid in [its.tid for its in one.fills])
    desk.do(ReadOrder(cloid))
    found = desk.until(VenueOrder, lambda one: one.cloid == cloid and one.status is VenueOrderStatus.FILLED)
    assert found.orig_sz == ETH.sz("0.05")
    assert [one for one in desk.said if isinstance(one, Fill) and one.cloid == cloid] == [fill]


def test_the_same_bytes_twice_act_once(desk: Desk) -> None:
    """The second copy of a body is NONCE_USED: a proof, not a second order."""
    action = buy(fresh(), "1100")
    first = answer_to(desk, action)
    desk.do(action)
    second = desk.until(ActionAnswered, lambda one: one.nonce == action.nonce and one.answer is not first.answer)
    assert (first.answer, second.answer) == (AnswerKind.RESTING, AnswerKind.NONCE_USED)
    answer_to(desk, cancel(action.cloid))


def test_refusals_are_proofs(desk: Desk) -> None:
    """Off-tick, below the minimum, crossing post-only, and a stranger's signature are all REFUSED in words."""
    for action, words in (
        (buy(fresh(), "1100.123"), "Price must be divisible by tick size"),
        (buy(fresh(), "1100", sz="0.001"), "Order must have minimum value of $10"),
        (buy(fresh(), "2003", "Alo"), "Post only order would have immediately matched"),
        (PostAction(ActionKind.ORDER, fresh(), next(NONCES), b"{}"), "HTTP 422"),
    ):
        answer = answer_to(desk, action)
        assert (answer.answer, words in answer.error) == (AnswerKind.REFUSED, True), answer


def test_an_order_nobody_placed_is_unknown(desk: Desk) -> None:
    """orderStatus of a foreign cloid says so."""
    cloid = fresh()
    desk.do(ReadOrder(cloid))
    assert desk.until(VenueOrder, lambda one: one.cloid == cloid).status is VenueOrderStatus.UNKNOWN_OID
