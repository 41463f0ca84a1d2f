"""The local exchange on a real socket in this process, and clients of the unmodified official SDK for it."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from hyperliquid.exchange import Exchange as SdkExchange
from hyperliquid.info import Info as SdkInfo

from shared.clock import Clock, WallClock
from shared.units import SECOND, USD, Ns, Usd
from shared.venue.door.door import Door
from shared.venue.door.server import serve

DONE: Final = {"status": "ok", "response": {"type": "default"}}
FUNDED_KEYS: Final = 60


def wallet_of(number: int) -> LocalAccount:
    """The key of that number; those up to FUNDED_KEYS have money."""
    wallet: LocalAccount = Account.from_key(number.to_bytes(32, "big"))
    return wallet


FUNDED: Final = {wallet_of(number).address.lower(): Usd(100_000 * USD) for number in range(1, FUNDED_KEYS + 1)}


class HurriedClock:
    """This machine's clock, which a test can move forward."""

    def __init__(self) -> None:
        self._clock = WallClock()
        self._ahead_ns = 0

    def now(self) -> Ns:
        """UTC nanoseconds, and what the test let pass."""
        return Ns(self._clock.now() + self._ahead_ns)

    def skip(self, seconds: int) -> None:
        """Let so many seconds pass at once."""
        self._ahead_ns += seconds * SECOND


@contextmanager
def served(make_door: Callable[[Clock], Door], clock: Clock) -> Iterator[str]:
    """Base address of a running exchange with the door made; it is gone afterwards."""
    ports: queue.Queue[int] = queue.Queue()
    control: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        control.append((asyncio.get_running_loop(), stop))
        await serve(make_door(clock), clock=clock, ready=ports.put, stop=stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    yield f"http://127.0.0.1:{ports.get(timeout=10)}"
    loop, stop = control[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()


class Client:
    """One key with the SDK's two objects; `close` gives the sockets back."""

    def __init__(
        self,
        url: str,
        wallet: LocalAccount,
        account_address: str | None = None,
        vault_address: str | None = None,
        perp_dexs: list[str] | None = None,
        with_ws: bool = False,
    ) -> None:
        self.address = (account_address or wallet.address).lower()
        self.wallet = wallet
        self.info = SdkInfo(url, skip_ws=not with_ws, perp_dexs=perp_dexs, timeout=5)
        self.exchange = SdkExchange(
            wallet,
            url,
            vault_address=vault_address,
            account_address=account_address,
            perp_dexs=perp_dexs,
            timeout=5,
        )
        self._with_ws = with_ws

    def close(self) -> None:
        """End sockets and sessions; the SDK's own thread notices within ten seconds."""
        if self._with_ws:
            self.info.disconnect_websocket()
        for session in (self.info.session, self.exchange.session, self.exchange.info.session):
            session.close()


Clients = Callable[..., Client]
"""Makes clients with funded keys of their own, or with the key given."""


@contextmanager
def clients_of(url: str, keys: Iterator[int]) -> Iterator[Clients]:
    """A maker of clients, all closed afterwards; `keys` numbers those without a key of their own."""
    made: list[Client] = []

    def make(wallet: LocalAccount | None = None, **rest: Any) -> Client:
        client = Client(url, wallet or wallet_of(next(keys)), **rest)
        made.append(client)
        return client

    try:
        yield make
    finally:
        for client in made:
            client.close()


def only(reply: Any) -> Any:
    """The single status of an order or cancel reply."""
    assert reply["status"] == "ok", reply
    (status,) = reply["response"]["data"]["statuses"]
    return status


def eventually(ask: Callable[[], Any], within_seconds: float = 10) -> Any:
    """The first truthy answer in time."""
    end = time.monotonic() + within_seconds
    while not (answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer
