"""The hub's door: a pass opens it for one role only, and who has none can neither stay, nor fill it, nor hurt it."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import hub
from shared.bus import frames
from shared.bus.frames import Ask, Hello, pass_of
from shared.bus.sockets import Connection, connect
from shared.errors import BusError
from shared.ids import HATS, Role
from tests.unit.orchestrator.serving import SECRET, serving


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a hub without Hats listens."""
    with serving(tmp_path) as where:
        yield where


def _said(address: str, *words: frames.FromHat | bytes, wait_s: float = 5.0) -> tuple[Connection, bytes | None]:
    connection = connect(address)
    for word in words:
        with contextlib.suppress(BusError):  # it may have hung up on the word before
            connection.send(word if isinstance(word, bytes) else frames.encode(word))
    return connection, connection.receive(wait_s)


def _hello(role: Role, token: str) -> Hello:
    return Hello(role, "operator", token, "b", 1)


def _operator_is_served(address: str) -> bool:
    connection, heard = _said(address, _hello(Role.OPERATOR, pass_of(Role.OPERATOR, SECRET)), Ask("status", b""))
    connection.close()
    return heard is not None and isinstance(frames.decode_to_hat(heard), frames.Answer)


@pytest.mark.parametrize("role", [*HATS, Role.OPERATOR, Role.ORCHESTRATOR])
def test_a_pass_opens_for_its_own_role_only(address: str, role: Role) -> None:
    """Whoever shows another's pass, the run's secret itself, or nothing, is hung up on."""
    others = [other for other in (*HATS, Role.OPERATOR) if other is not role]
    for token in (*(pass_of(other, SECRET) for other in others), SECRET, "", "\u00e9" * 64):
        connection, heard = _said(address, _hello(role, token), Ask("status", b""))
        connection.close()
        assert heard is None, token
    assert _operator_is_served(address)


@pytest.mark.parametrize(
    "words",
    [
        [Ask("status", b"")],
        [frames.Pong(1)],
        [b"\x93garbage"],
        [b"x" * 200_000],
        [Hello(Role.OPERATOR, "o", "t" * 100_000, "b", 1)],
    ],
)
def test_who_speaks_before_its_hello_is_hung_up_on(address: str, words: list[frames.FromHat | bytes]) -> None:
    """Questions, answers, noise, and greetings that are no greeting."""
    connection, heard = _said(address, *words)
    connection.close()
    assert heard is None
    assert _operator_is_served(address)


def test_a_large_frame_is_not_waited_for(address: str) -> None:
    """A stranger that announces megabytes keeps none of our memory: it is cut off after some kilobytes."""
    connection = connect(address)
    connection._stream.send_all((60 * 1024 * 1024).to_bytes(4, "big"))
    sent = 0
    while connection.is_open and sent < 2_000:
        with contextlib.suppress(OSError):
            connection._stream.send_all(b"x" * 1_024)
        time.sleep(0.001)
        assert connection.receive_ready() == []
        sent += 1
    connection.close()
    assert sent < 1_000
    assert _operator_is_served(address)


def test_strangers_neither_fill_the_door_nor_stay(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a few at once they are hung up on, the others a little later; then there is room again."""
    monkeypatch.setattr(hub, "HELLO_NS_MAX", 10**9)
    many = [connect(address) for _ in range(hub.STRANGERS_MAX + 20)]
    ends = [connection.receive(10) for connection in many]
    assert ends == [None] * len(many)
    for connection in many:
        connection.close()
    assert _operator_is_served(address)


def _long_past(*_: object) -> Iterator[frames.ToHat]:
    return (frames.Restore(1, b"x" * 100_000) for _ in range(1_000))


def test_a_hat_that_stands_still_while_it_is_restored_holds_up_nobody(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given no more of its past than it takes; the others are served, and in the end it is given up."""
    monkeypatch.setattr(hub, "replay_of", _long_past)
    role = Role.ML_RESEARCH_SCIENTIST
    stopped = connect(address)
    stopped.send(frames.encode(Hello(role, "hat", pass_of(role, SECRET), "b", 1)))
    assert stopped.receive(5) is not None, "the first piece of its past"
    assert _operator_is_served(address)
    monkeypatch.setattr(hub, "RESTORE_NS_MAX", 10**9)
    ended = select.poll()
    ended.register(stopped, select.POLLHUP)
    assert ended.poll(30_000), "hung up on, although it reads nothing"
    taken = 1
    while stopped.receive(10) is not None:
        taken += 1
    assert taken < 100
    stopped.close()
    assert _operator_is_served(address)


def test_a_hat_that_takes_its_past_slowly_is_given_all_of_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out because its buffer was full."""
    monkeypatch.setattr(hub, "replay_of", _long_past)
    role = Role.ML_RESEARCH_SCIENTIST
    slow = connect(address)
    slow.send(frames.encode(Hello(role, "hat", pass_of(role, SECRET), "b", 1)))
    assert sum(slow.receive(10) is not None for _ in range(1_000)) == 1_000
    slow.close()


def test_an_operator_that_asks_and_hangs_up_hurts_nobody(address: str) -> None:
    """Answers that nobody takes, and a word between them for which there is room at once."""
    hello, ask = _hello(Role.OPERATOR, pass_of(Role.OPERATOR, SECRET)), Ask("status", b"")
    for _ in range(20):
        connection = connect(address)
        words: list[frames.FromHat] = [hello, *[ask] * 50]
        for word in words:
            with contextlib.suppress(BusError):
                connection.send(frames.encode(word))
        connection.close()
    assert _operator_is_served(address)


@pytest.mark.parametrize("role", [*HATS, Role.OPERATOR])
def test_another_build_is_turned_away(address: str, role: Role) -> None:
    """An actor, or a command, of other code than the hub's: its pass is right, and all the same nobody answers it."""
    channel = "operator" if role is Role.OPERATOR else "hat"
    greeting = [Ask("status", b"")] if role is Role.OPERATOR else []
    for build, is_ours in (("c", False), ("B", False), ("", False), ("b", True)):
        connection, heard = _said(address, Hello(role, channel, pass_of(role, SECRET), build, 1), *greeting)
        connection.close()
        assert (heard is not None) is is_ours, build
