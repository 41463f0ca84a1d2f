"""Faults strike when, where and as often as they were told to, and the same seed strikes the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigError
from shared.units import MS, SECOND, Ns
from shared.venue.faults.catalogue import (
    KINDS,
    BadGateway,
    CutSockets,
    DelayAnswer,
    DropRequest,
    Duplicate,
    HaltTrading,
    LoseAnswer,
    TooManyRequests,
)
from shared.venue.faults.engine import NEVER, Faults
from shared.venue.faults.fate import UNTOUCHED, Fate, fate_of
from shared.venue.faults.script import read_fault, read_script

NOW = Ns(1_700_000_000 * SECOND)


def at(ms: int) -> Ns:
    """`ms` after the faults were armed."""
    return Ns(NOW + ms * MS)


def fate(faults: Faults, ms: int = 0, transport: str = "http", path: str = "/exchange", asked: str = "order") -> Fate:
    """Fate of an order request unless told otherwise."""
    return fate_of(faults, transport, path, asked, at(ms))


def test_without_faults_nothing_is_touched() -> None:
    """An idle engine says so and keeps no record."""
    faults = Faults()
    assert fate(faults) is UNTOUCHED
    assert faults.next_ns() == NEVER
    assert not faults.strikes


def test_a_fault_keeps_its_window_and_its_number_of_strikes() -> None:
    """Not before its time, not after it, not more often than `most`; each strike is on record."""
    faults = Faults()
    faults.arm(LoseAnswer(at_ms=100, for_ms=50, most=2), NOW)
    assert [fate(faults, ms).ending for ms in (99, 100, 149, 149)] == ["answer", "hang", "hang", "answer"]
    assert [(strike.time_ms - NOW // MS, strike.kind) for strike in faults.strikes] == [
        (100, "lose_answer"),
        (149, "lose_answer"),
    ]
    assert fate(faults, 150) == UNTOUCHED


@pytest.mark.parametrize(
    ("asked", "is_struck"),
    [
        ({"transport": "http", "path": "/exchange", "asked": "order"}, True),
        ({"transport": "ws", "path": "/exchange", "asked": "order"}, False),
        ({"transport": "http", "path": "/info", "asked": "order"}, False),
        ({"transport": "http", "path": "/exchange", "asked": "cancel"}, False),
    ],
)
def test_a_fault_strikes_what_it_names(asked: dict[str, str], is_struck: bool) -> None:
    """Transport, path and type must all fit."""
    faults = Faults()
    faults.arm(DropRequest(transport="http", asked="order"), NOW)
    assert (fate(faults, **asked).times == 0) is is_struck  # type: ignore[arg-type]


def test_each_request_fault_has_its_own_fate() -> None:
    """Done and not answered, answered and not done, done twice, done late: all are different."""
    fates = []
    for fault in (
        BadGateway(is_done=False),
        BadGateway(status=504),
        Duplicate(),
        DelayAnswer(delay_ms=20),
        TooManyRequests(),
    ):
        faults = Faults()
        faults.arm(fault, NOW)
        fates.append(fate(faults))
    assert [one.times for one in fates] == [0, 1, 2, 1, 0]
    assert [one.answer[0] if one.answer else None for one in fates] == [502, 504, None, None, 429]
    assert fates[3].delay_ns == 20 * MS
    assert fates[4].answer == (429, "application/json", b"null")


@given(st.integers(0, 2**32), st.floats(0.05, 0.95))
def test_the_same_seed_strikes_the_same(seed: int, share: float) -> None:
    """Two engines with one seed agree on every request; certain faults take no chance from the others."""
    stories = []
    for with_certain in (False, True):
        faults = Faults(seed)
        if with_certain:
            faults.arm(TooManyRequests(transport="ws"), NOW)
        faults.arm(LoseAnswer(share=share), NOW)
        stories.append([fate(faults, ms).ending for ms in range(50)])
        if with_certain:
            assert fate(faults, transport="ws").times == 0
    assert stories[0] == stories[1]


def test_cleared_faults_are_gone() -> None:
    """One by its number, or all of them."""
    faults = Faults()
    first = faults.arm(LoseAnswer(), NOW)
    faults.arm(Duplicate(), NOW)
    assert faults.clear(first) == 1
    assert fate(faults).times == 2
    assert (faults.clear(99), faults.clear(), faults.clear()) == (0, 1, 0)
    assert fate(faults) is UNTOUCHED


def test_sockets_are_cut_on_a_grid() -> None:
    """Every connection once a period, and the engine says when the next one is due."""
    faults = Faults()
    faults.arm(CutSockets(every_ms=500, for_ms=1_000, is_mid_frame=True), NOW)
    assert faults.next_ns() == NOW
    assert [number for number, _ in faults.cuts(at(0), [1, 2])] == [1, 2]
    assert faults.cuts(at(499), [1, 2]) == []
    assert len(faults.cuts(at(500), [3])) == 1
    assert faults.next_ns() == NEVER
    assert faults.cuts(at(1_000), [3]) == []


def test_a_deed_is_done_once_and_ended_once() -> None:
    """A halt comes when due, and is handed back when its time is over."""
    faults = Faults()
    faults.arm(HaltTrading(coin="BTC", at_ms=10, for_ms=20), NOW)
    assert not list(faults.due_deeds(at(9)))
    (deed,) = faults.due_deeds(at(10))
    faults.record(deed, at(10), "BTC")
    assert not list(faults.due_deeds(at(11)))
    assert not list(faults.ended_deeds(at(29)))
    assert len(list(faults.ended_deeds(at(30)))) == 1
    assert not faults.armed


def test_a_script_is_read_strictly() -> None:
    """Known kinds with known keys; anything else is named."""
    script = read_script('seed = 5\n[[faults]]\nkind = "lose_answer"\nshare = 0.3\nat_ms = 10\n')
    assert (script.seed, script.faults) == (5, (LoseAnswer(share=0.3, at_ms=10),))
    for text in ("seed = ", '[[faults]]\nkind = "rain"\n', '[[faults]]\nkind = "halt"\n', "sed = 5", "faults = 3"):
        with pytest.raises(ConfigError, match="fault script"):
            read_script(text)
    assert read_fault(b'{"kind":"halt","coin":"BTC"}') == HaltTrading(coin="BTC")
    with pytest.raises(ConfigError, match="share"):
        read_fault(b'{"kind":"duplicate","share":1.5}')


def test_kinds_have_names_of_their_own() -> None:
    """Every kind is spelled differently."""
    tags = [kind.__struct_config__.tag for kind in KINDS]
    assert len(set(tags)) == len(tags) == 21
