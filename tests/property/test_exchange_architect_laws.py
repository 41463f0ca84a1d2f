"""Laws of the feed: whatever is cut, doubled or reordered, nothing is said twice and nothing unproven is trusted."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hats.exchange_architect.numbers import exact, near
from hats.exchange_architect.session import Session
from hats.exchange_architect.wire import Decoder
from shared.errors import UnitError
from shared.messages import Message
from shared.messages.account import FundingPayment
from shared.messages.market import BookUpdate, FeedState, Trade
from shared.messages.order import Fill
from shared.units import MS, Ns, str_from_scaled
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import T0, T0_MS


def funding(time_ms: int) -> dict[str, Any]:
    """One funding payment."""
    entry = {"time": time_ms, "coin": "ETH", "usdc": "-1.5", "szi": "1.0", "fundingRate": "0.0000125"}
    return entry | {"nSamples": None}


def public_frame(number: int) -> bytes:
    """A frame that could come at any time: the `number`-th of a small set."""
    kind, index = number % 7, number // 7
    time_ms = T0_MS + index * 10
    match kind:
        case 0:
            return scene.book(time_ms=time_ms)
        case 1:
            return scene.frame("trades", [scene.trade(index, time_ms=time_ms), scene.trade(index + 1, time_ms=time_ms)])
        case 2:
            return scene.fills(scene.fill(index, time_ms))
        case 3:
            return scene.fills(*(scene.fill(tid, T0_MS + tid * 10) for tid in range(index, -1, -1)), snapshot=True)
        case 4:
            return scene.frame(
                "userFundings", {"user": "0x", "fundings": [funding(time_ms)], "isSnapshot": index % 2 == 0}
            )
        case 5:
            return b'{"channel":"pong"}'
        case _:
            return scene.acks()[index % 6]


steps = st.lists(st.one_of(st.integers(0, 69), st.sampled_from(["cut", "wait", "caught up"])), max_size=80)


def play(script: list[int | str]) -> tuple[Session, list[Message], list[tuple[FeedState, set[str], bool]]]:
    """A session that lived through a script; what it said; at each step its state and what was proven since the cut."""
    session = Session(scene.settings(ack_ms=10**6), scene.universe(), T0)
    now, said = T0, session.connected(T0)[1]
    proofs: set[str] = set()
    seen: list[tuple[FeedState, set[str], bool]] = []
    has_account = False
    for step in script:
        now = Ns(now + 10 * MS)
        match step:
            case "cut":
                said += session.disconnected(now, "cut") + session.connected(now)[1]
                proofs, has_account = set(), False
            case "wait":
                now = Ns(now + 5_000 * MS)
                due = session.due(now)
                said += due.messages
            case "caught up":
                said += session.caught_up(session.epoch, now)
                has_account = True
            case int(number):
                messages = session.received(public_frame(number), now)
                said += messages
                proofs |= {f"ack {number // 7 % 6}"} if number % 7 == 6 else set()
                proofs |= {"book"} if any(isinstance(message, BookUpdate) for message in messages) else set()
        seen.append((session.state, set(proofs), has_account))
    return session, said, seen


@given(steps)
@settings(max_examples=150)
def test_nothing_is_said_twice(script: list[int | str]) -> None:
    """Any cut, repeat and order of frames: each trade, fill and payment is said at most once."""
    _, said, _ = play(script)
    trades = [(one.coin, one.exch_ns, one.tid) for one in said if isinstance(one, Trade)]
    fills = [(one.coin, one.exch_ns, one.tid, one.oid) for one in said if isinstance(one, Fill)]
    payments = [(one.coin, one.exch_ns) for one in said if isinstance(one, FundingPayment)]
    for facts in (trades, fills, payments):
        assert len(facts) == len(set(facts))


@given(steps)
@settings(max_examples=150)
def test_books_go_forward(script: list[int | str]) -> None:
    """A coin's books never go back in the venue's time, over any number of connections."""
    _, said, _ = play(script)
    times = [one.exch_ns for one in said if isinstance(one, BookUpdate)]
    assert times == sorted(times)


@given(steps)
@settings(max_examples=150)
def test_up_is_proven(script: list[int | str]) -> None:
    """UP only with every subscription confirmed, a book and the account, all since the last cut."""
    _, _, seen = play(script)
    for state, proofs, has_account in seen:
        if state is FeedState.UP:
            assert proofs == {f"ack {number}" for number in range(6)} | {"book"}
            assert has_account


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40))
@settings(max_examples=100)
def test_silence_is_always_found(waits_ms: list[int]) -> None:
    """However pongs and looks fall, the feed is not UP at any look later than the deadline after the last book."""
    session = Session(
        scene.settings(book_silence_ms=500, link_silence_ms=10**6, user_address=None), scene.universe(), T0
    )
    session.connected(T0)
    for frame in [*scene.acks(), scene.book()]:
        session.received(frame, T0)
    assert session.state is FeedState.UP
    now = T0
    for wait_ms in waits_ms:
        now = Ns(now + wait_ms * MS)
        session.received(b'{"channel":"pong"}', now)
        session.due(now)
        assert (session.state is FeedState.UP) == (now - T0 <= 500 * MS)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_decoder(frame: bytes) -> None:
    """Any bytes give an answer."""
    assert Decoder(scene.universe()).decode(frame, T0).channel


@given(st.sampled_from(range(7)), st.data())
def test_no_damage_to_a_frame_crashes_the_decoder(kind: int, data: st.DataObject) -> None:
    """Real frames with a piece replaced give an answer."""
    frame = public_frame(kind + 14)
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, len(frame)))
    filling = data.draw(
        st.one_of(st.binary(max_size=20), st.sampled_from([b"null", b"[]", b"{}", b'""', b"-1", b"1e999"]))
    )
    assert Decoder(scene.universe()).decode(frame[:start] + filling + frame[end:], T0).channel


@given(st.integers(-(2**62) + 1, 2**62 - 1), st.integers(0, 8))
def test_exact_reads_what_is_written(value: int, decimals: int) -> None:
    """Every number of the unit survives its text, and rounding leaves it alone."""
    text = str_from_scaled(value, decimals)
    assert exact(text, decimals) == near(text, decimals) == value


@given(st.integers(-(10**15), 10**15), st.integers(0, 8), st.integers(1, 8))
def test_near_is_within_half_a_unit(value: int, decimals: int, finer: int) -> None:
    """Rounding moves a number by at most half a unit; exact refuses what does not fit."""
    text = str_from_scaled(value, decimals + finer)
    scale = 10**finer
    assert abs(near(text, decimals) * scale - value) * 2 <= scale
    try:
        assert exact(text, decimals) * scale == value
    except UnitError:
        assert value % scale
