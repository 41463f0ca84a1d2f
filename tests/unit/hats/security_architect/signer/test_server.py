"""The signer's door and its client, over a real Unix socket in one process."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from hats.security_architect import Settings, audit
from hats.security_architect.actions import SIGNER_SAYS
from hats.security_architect.audit_log import AuditLog, verify_file
from hats.security_architect.client import SignerEdge
from hats.security_architect.line import SignerLine
from hats.security_architect.signer import frames
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.server import SignerServer
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey
from shared.bus.framing import FrameBuffer, framed
from shared.edge import Context
from shared.errors import ConfigError
from shared.ids import Cloid
from shared.messages import Message
from shared.messages.control import AgentMet
from shared.messages.order import ActionKind, SignatureRefused, SignedAction, SignRequest
from shared.units import USD, Ns

POLICY: Final = Policy(network=Network.TESTNET, assets=(AssetRule(0),), max_notional_usd=1_000 * USD)
KEY: Final = b"\x07" * 32
NOOP: Final = b'{"type":"noop"}'
CLOID: Final = Cloid("0x4a750000000000010001000000000001")
WAIT_S: Final = 10.0


class SlowStore(NonceStore):
    """Keeps what is spent as the other does, in so many seconds: as a process that is stopped at it."""

    slow_s = 0.0

    def keep(self, *spent: Any) -> None:
        """Durably."""
        super().keep(*spent)
        time.sleep(self.slow_s)


class Door:
    """A signer that serves in a thread of this process."""

    def __init__(self, folder: Path, uid: int, slow_s: float = 0.0) -> None:
        self._slow_s = slow_s
        self.path = folder / "s" / "signer.sock"
        self.events: list[str] = []
        self.doorbell = -1
        self._folder, self._uid = folder, uid
        self._ready = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        assert self._ready.wait(WAIT_S)

    def _serve(self) -> None:
        """As the process does: the store, then the server, in one thread."""
        store = SlowStore(self._folder / "nonces.sqlite", "0x1")
        store.slow_s = self._slow_s
        signer = Signer(POLICY, AgentKey(KEY, Network.TESTNET), store.book(), TicketBook(ApprovalKey(b"\x01" * 32)))
        server = SignerServer(
            signer, store, "testnet", self.path, self._uid, lambda event, _: self.events.append(event)
        )
        self.doorbell = server.doorbell
        self._ready.set()
        server.run()
        store.close()

    def stop(self) -> None:
        """Ring the bell and wait for the end."""
        if self.thread.is_alive():
            os.write(self.doorbell, b"!")
        self.thread.join(WAIT_S)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Door]]:
    """Makes doors; closes them afterwards."""
    doors: list[Door] = []

    def make(uid: int = os.getuid(), slow_s: float = 0.0) -> Door:
        doors.append(Door(tmp_path, uid, slow_s))
        return doors[-1]

    yield make
    for door in doors:
        door.stop()


def caller(door: Door) -> socket.socket:
    """A plain socket to the door."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(WAIT_S)
    sock.connect(str(door.path))
    return sock


def read(sock: socket.socket) -> list[bytes]:
    """Frames up to the end of the stream or the first answer."""
    buffer = FrameBuffer()
    while True:
        data = sock.recv(65_536)
        if not data:
            return []
        if found := buffer.feed(data):
            return found


def nonce_now() -> int:
    """A nonce in the venue's window."""
    return time.time_ns() // 1_000_000


def test_greets_and_signs(opened: Callable[..., Door]) -> None:
    """A peer is told who signs, and its question is answered with its number."""
    door = opened()
    with caller(door) as sock:
        greeting = frames.decode_greeting(read(sock)[0])
        assert (greeting.network, greeting.address) == ("testnet", AgentKey(KEY, Network.TESTNET).address)
        sock.sendall(framed(frames.encode(frames.Ask(5, NOOP, nonce_now(), 0))))
        answer = frames.decode_answer(read(sock)[0])
        assert isinstance(answer, frames.Signed)
        assert answer.ask_id == 5


def test_a_signer_that_stood_still_gives_out_nothing_that_expired_meanwhile(opened: Callable[..., Door]) -> None:
    """Between its decision and its answer it writes to disk; a pause there must not let out what is over since."""
    door = opened(slow_s=0.3)
    with caller(door) as sock:
        read(sock)
        for ask_id, ahead_ms, kind in ((1, 150, frames.Refused), (2, 20_000, frames.Signed), (3, 0, frames.Signed)):
            now_ms = nonce_now()
            ask = frames.Ask(ask_id, NOOP, now_ms, now_ms + ahead_ms if ahead_ms else 0)
            sock.sendall(framed(frames.encode(ask)))
            answer = frames.decode_answer(read(sock)[0])
            assert isinstance(answer, kind), answer
    door.stop()
    assert [event for event in door.events if event in {"signed", "refused"}] == ["refused", "signed", "signed"]


def test_the_socket_is_private(opened: Callable[..., Door]) -> None:
    """Socket 0600 in a folder of 0700; it is gone when the signer stops."""
    door = opened()
    assert stat.S_IMODE(door.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(door.path.parent.stat().st_mode) == 0o700
    door.stop()
    assert not door.path.exists()


def test_another_user_is_turned_away(opened: Callable[..., Door]) -> None:
    """A peer with another uid than the one allowed hears nothing, not even a greeting."""
    door = opened(uid=os.getuid() + 1)
    with caller(door) as sock:
        assert read(sock) == []
    assert "peer_refused" in door.events


def test_an_open_folder_is_refused(tmp_path: Path) -> None:
    """A folder that others may enter is refused before anything listens."""
    (tmp_path / "s").mkdir(mode=0o755)
    (tmp_path / "s").chmod(0o755)
    store = NonceStore(tmp_path / "n.sqlite", "0x1")
    with pytest.raises(ConfigError, match="0700"):
        SignerServer(
            Signer(POLICY, AgentKey(KEY, Network.TESTNET), store.book(), TicketBook(ApprovalKey(b"\x01" * 32))),
            store,
            "testnet",
            tmp_path / "s" / "x",
            0,
            print,
        )
    store.close()


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x7f\xff\xff\xff",
        (frames.FRAME_BYTES_MAX + 1).to_bytes(4, "big") + b"x" * (frames.FRAME_BYTES_MAX + 1),
        framed(b""),
        framed(b"garbage"),
        framed(b"\xc1" * 100),
        framed(msgspec.msgpack.encode(["Ask", 1, "text", 1, 1])),
        framed(msgspec.msgpack.encode(["Ask", 1, NOOP, -1, 0])),
        framed(msgspec.msgpack.encode(["Ask", 1, NOOP, 2**64 - 1, 0])),
        framed(msgspec.msgpack.encode(["Signed", 1, b"", b"", 27])),
        framed(b"\x91" * 60_000),
        b"GET / HTTP/1.1\r\n\r\n" + b"x" * 70_000,
    ],
    ids=range(11),
)
def test_nonsense_ends_the_connection_and_nothing_else(opened: Callable[..., Door], bytes_sent: bytes) -> None:
    """Oversized and malformed frames end their connection; the next peer is served."""
    door = opened()
    with caller(door) as bad, caller(door) as good:
        read(bad)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # cut off while still talking
            bad.sendall(bytes_sent)
            assert read(bad) == []
        read(good)
        good.sendall(framed(frames.encode(frames.Ask(1, NOOP, nonce_now(), 0))))
        assert isinstance(frames.decode_answer(read(good)[0]), frames.Signed)


def test_fuzz(opened: Callable[..., Door]) -> None:
    """2,000 random and half-right questions: answered or cut off, and none signed outside the policy."""
    door, draw = opened(), random.Random(3)
    sock = caller(door)
    read(sock)
    signed = 0
    whole = b'{"type":"order","orders":[{"a":0,"b":true,"p":"1","s":"1","r":false,"t":{"limit":{"tif":"Gtc"}}}]}'
    for number in range(2_000):
        action = bytearray(draw.choice([whole, NOOP, b'{"type":"usdSend","amount":"1"}']))
        for _ in range(draw.randint(0, 3)):
            action[draw.randrange(len(action))] = draw.randrange(256)
        ask = frames.encode(frames.Ask(number, bytes(action), nonce_now(), 0))
        sock.sendall(framed(ask if draw.random() < 0.9 else bytes(draw.randbytes(draw.randint(0, 80)))))
        got = read(sock)
        if not got:
            sock.close()
            sock = caller(door)
            read(sock)
            continue
        if isinstance(frames.decode_answer(got[0]), frames.Signed):
            signed += 1
            assert bytes(action) == NOOP
    sock.close()
    assert door.thread.is_alive()
    assert signed > 100


# ------------------------------------------------------------------------------------------------------ the client


class Heard:
    """Takes what the edge publishes."""

    def __init__(self) -> None:
        self.said: list[tuple[Message, Context]] = []

    def __call__(self, message: Message, context: Context = Context()) -> None:
        """Take it."""
        self.said.append((message, context))


def edge_to(path: Path, folder: Path, deadline_ms: int = 5_000) -> tuple[SignerEdge, Heard]:
    """A started client."""
    settings = Settings(signer_deadline_ms=deadline_ms, reconnect_ms_min=1, reconnect_ms_max=1)
    log = AuditLog(folder / "audit.jsonl", 3_600_000)
    edge, heard = SignerEdge(lambda met: SignerLine(path, "testnet", settings, met), log), Heard()
    edge.start(heard)
    return edge, heard


def request(nonce: int, action: bytes = NOOP) -> SignRequest:
    """A question of the Hat."""
    return SignRequest(ActionKind.CANCEL, CLOID, nonce, 0, action)


def test_client_gets_a_body_to_post(opened: Callable[..., Door], tmp_path: Path) -> None:
    """The published body holds the action, its nonce and the signature; the context is passed on."""
    door = opened()
    edge, heard = edge_to(door.path, tmp_path)
    nonce = nonce_now()
    edge.carry_out(request(nonce), Context(7, 8), Ns(0))
    edge.stop()
    (met, _), (message, context) = heard.said
    assert met == AgentMet(AgentKey(KEY, Network.TESTNET).address, "testnet", Ns(0))
    assert isinstance(message, SignedAction)
    assert context == Context(7, 8)
    body = msgspec.json.decode(message.body)
    key = AgentKey(KEY, Network.TESTNET)
    expected = key.sign(key.digest(NOOP, nonce, 0))
    assert body["signature"] == {"r": hex(expected.r), "s": hex(expected.s), "v": expected.v}
    assert (body["action"], body["nonce"], body["expiresAfter"]) == ({"type": "noop"}, nonce, None)
    assert message.sign_ns > 0


def test_client_tells_refusals(opened: Callable[..., Door], tmp_path: Path) -> None:
    """The signer's refusal is published with its reason."""
    edge, heard = edge_to(opened().path, tmp_path)
    edge.carry_out(request(nonce_now(), b'{"type":"withdraw3"}'), Context(), Ns(0))
    edge.stop()
    (message, _) = heard.said[1]
    assert isinstance(message, SignatureRefused)
    assert message.reason.startswith(SIGNER_SAYS)
    assert "withdraw3" in message.reason


def test_client_without_signer(tmp_path: Path) -> None:
    """Without a signer every request is refused and nothing hangs."""
    edge, heard = edge_to(tmp_path / "nobody", tmp_path)
    edge.carry_out(request(1), Context(), Ns(0))
    edge.stop()
    (message, _) = heard.said[0]
    assert isinstance(message, SignatureRefused)
    assert message.reason.startswith("signer unreachable")


def test_client_of_a_silent_signer(tmp_path: Path) -> None:
    """A signer that takes the question and never answers is given up at the deadline."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "silent"))
    listener.listen(4)
    edge, heard = edge_to(tmp_path / "silent", tmp_path, deadline_ms=50)
    edge.carry_out(request(1), Context(), Ns(0))
    edge.stop()
    listener.close()
    (message, _) = heard.said[0]
    assert isinstance(message, SignatureRefused)
    assert "no answer within 50 ms" in message.reason


def test_client_refuses_a_signer_of_another_network(opened: Callable[..., Door], tmp_path: Path) -> None:
    """A signer for another network is not asked."""
    door = opened()
    log = AuditLog(tmp_path / "audit.jsonl", 3_600_000)
    edge = SignerEdge(lambda met: SignerLine(door.path, "mainnet", Settings(), met), log)
    heard = Heard()
    edge.start(heard)
    edge.carry_out(request(nonce_now()), Context(), Ns(0))
    edge.stop()
    assert isinstance(heard.said[0][0], SignatureRefused)
    assert "testnet" in heard.said[0][0].reason


def test_client_survives_a_restart_of_the_signer(opened: Callable[..., Door], tmp_path: Path) -> None:
    """After a restart the next request is signed, and a repeated one has the same signature."""
    door = opened()
    edge, heard = edge_to(door.path, tmp_path)
    nonce = nonce_now()
    edge.carry_out(request(nonce), Context(), Ns(0))
    door.stop()
    opened()
    edge.carry_out(request(nonce), Context(), Ns(0))
    edge.stop()
    bodies = [message.body for message, _ in heard.said if isinstance(message, SignedAction)]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_client_writes_the_audit_log(tmp_path: Path) -> None:
    """Audit records that the Hat says are on disk, sound, when the edge has stopped."""
    edge, _ = edge_to(tmp_path / "nobody", tmp_path)
    head = audit.Head()
    for number in range(3):
        record = audit.append(head, audit.body_of("test", Ns(number), {}))
        head = audit.head_of(record)
        edge.carry_out(record, Context(), Ns(0))
    assert not (tmp_path / "audit.jsonl").read_bytes(), "a record was written before the journal had it"
    edge.settled()
    edge.stop()
    found = verify_file(tmp_path / "audit.jsonl")
    assert (found.is_sound, found.head) == (True, head)
