"""The snapshot of an exchange: whole, exact, the same in every process, and refused where it can't be all of that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import OrderedDict, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import SnapshotError
from shared.order import Side
from shared.position import Position
from shared.rules.fees import PERP_SCHEDULE
from shared.units import MINUTE, SECOND, Ns
from shared.venue.core.commands import Command, PassTime, PlaceOrders, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.snapshot import restored, snapshot_of
from tests.unit.shared.venue.core.floor import Floor, spec

_SCRIPT: Final = """
from tests.unit.shared.venue.core.floor import Floor
floor = Floor()
floor.buy("a", "99", "5", cloid="0x1")
floor.sell("b", "99", "2")
from shared.venue.core.snapshot import snapshot_of
print(floor.exchange.digest(), snapshot_of({"a", "b", "c", "d", "e"}).hex())
"""


class Stranger:
    """A class that is not the exchange's."""


def again(thing: Any) -> Any:
    """The thing after a way through bytes."""
    return restored(snapshot_of(thing))


def busy() -> Floor:
    """A floor with positions, resting orders of every kind, a client id and an hour of funding behind it."""
    floor = Floor()
    floor.buy("a", "99", "5", cloid="0x1")
    floor.sell("b", "99", "2")
    floor.sell("a", "101", "1", reduce_only=True)
    floor.sell("c", "102", "3", Tif.ALO)
    floor.buy("b", "98", "1")
    floor.leverage("c", 3)
    floor.do(PassTime(), 61 * MINUTE)
    return floor


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.sampled_from((Side.BUY, Tif.IOC)),
)
names = st.one_of(
    *(
        st.lists(kind, max_size=3, unique=True)
        for kind in (st.integers(), st.text(max_size=3), st.binary(max_size=3), st.sampled_from((Side.BUY, Side.SELL)))
    )
)
"""Keys and members of one kind: of what is equal across kinds (1, true, 1.0) it would be left to hashes which stays."""


def held(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Every container of up to three things."""
    some = st.lists(inner, max_size=3)
    keyed = names.flatmap(
        lambda keys: st.tuples(*(inner for _ in keys)).map(lambda of: dict(zip(keys, of, strict=True)))
    )
    return st.one_of(
        some,
        some.map(tuple),
        some.map(lambda items: deque(items, maxlen=5)),
        keyed,
        keyed.map(OrderedDict),
        names.map(set),
        names.map(frozenset),
    )


things = st.one_of(plain, held(plain), held(held(plain)))


@given(thing=things)
@settings(max_examples=150, derandomize=True, database=None)
def test_whatever_state_is_made_of_comes_back_with_its_types(thing: Any) -> None:
    """Same content, same types throughout, and the same bytes the second time."""
    found = again(thing)
    assert (found, repr(type(found))) == (thing, repr(type(thing)))
    assert snapshot_of(found) == snapshot_of(thing)


def test_keys_and_members_of_many_kinds_come_back() -> None:
    """None, numbers, texts, bytes and enum members beside each other."""
    mixed = {None, 1, "1", b"1", Decimal("1.5"), Fraction(1, 3), Side.BUY, Tif.IOC}
    assert again([mixed, frozenset(mixed), dict.fromkeys(mixed, 0)]) == [mixed, mixed, dict.fromkeys(mixed, 0)]


def test_numbers_keep_their_type_and_size() -> None:
    """Beyond 64 bits, true beside one, a decimal's trailing zeros, exact fractions, a deque's bound."""
    thing = [2**63, -(2**63) - 1, 2**200, True, 1, Decimal("1.50"), Fraction(2**70, 3), deque([1], maxlen=3)]
    found = again(thing)
    assert [repr(one) for one in found] == [repr(one) for one in thing]


def test_what_is_shared_stays_shared_and_cycles_close() -> None:
    """One mutable object in two places is one afterwards; a list inside itself too."""
    position = Position(3, 4)
    ring: list[Any] = [position, {"again": position}]
    ring.append((ring,))
    found = again(ring)
    assert found[0] is found[1]["again"]
    assert found[2][0] is found
    assert found[0] == position


def test_values_are_told_apart_by_content_alone() -> None:
    """Whether two equal frozen values are one object or two can't be seen in the bytes."""
    copied = msgspec.msgpack.decode(msgspec.msgpack.encode(PERP_SCHEDULE), type=type(PERP_SCHEDULE))
    assert copied is not PERP_SCHEDULE
    assert snapshot_of([PERP_SCHEDULE, copied]) == snapshot_of([PERP_SCHEDULE, PERP_SCHEDULE])
    assert again([(1, True), (True, 1)]) == [(1, True), (True, 1)]
    assert snapshot_of([(1, 1), (True, True)]) != snapshot_of([(1, 1), (1, 1)])


@pytest.mark.parametrize("held", [Stranger(), 1.5, lambda: 1, iter(()), object(), Stranger, bytearray(b"x")])
def test_what_no_snapshot_may_hold_is_named(held: object) -> None:
    """A class that is not the exchange's is refused by its name, wherever it hides."""
    kind = type(held)
    with pytest.raises(SnapshotError, match=f"{kind.__module__}.{kind.__qualname__}"):
        snapshot_of({"deep": [(held,)]})


def test_a_set_without_an_order_is_refused() -> None:
    """Members that have no order of their own would be written in that of their addresses."""
    with pytest.raises(SnapshotError, match="set of tuple"):
        snapshot_of({(1, 2), (3, 4)})


def test_one_order_in_book_account_and_history_is_one_order_again() -> None:
    """A cancel by client id, after a restore, finds the order that rests on the book."""
    floor = busy()
    floor.exchange = Exchange.restore(floor.exchange.snapshot())
    before = floor.exchange.book_levels(4)[0]
    floor.cancel("a", "0x1")
    after = floor.exchange.book_levels(4)[0]
    assert before != after
    assert floor.exchange.order_by_cloid("a", "0x1").status == "canceled"  # type: ignore[union-attr]


commands = st.one_of(
    st.builds(
        PlaceOrders,
        user=st.sampled_from("abc"),
        orders=st.builds(
            spec,
            is_buy=st.booleans(),
            px=st.sampled_from(("97", "99", "100", "101", "103")),
            sz=st.sampled_from(("0.5", "2", "40")),
            tif=st.sampled_from(tuple(Tif)),
            reduce_only=st.booleans(),
        ).map(lambda one: (one,)),
    ),
    st.just(PassTime()),
)
steps = st.lists(st.tuples(commands, st.sampled_from((0, SECOND, 7 * SECOND, 40 * MINUTE))), max_size=15)


@given(before=steps, after=steps)
@settings(max_examples=60)
def test_a_restored_exchange_goes_on_as_the_first_would(
    before: list[tuple[Command, int]], after: list[tuple[Command, int]]
) -> None:
    """Same outcomes, same state, to the byte; and a replay's snapshot is the first's."""
    floor, replay = Floor(), Floor()
    for command, span in before:
        floor.do(command, span)
        replay.do(command, span)
    assert replay.exchange.snapshot() == floor.exchange.snapshot()
    other = Exchange.restore(floor.exchange.snapshot())
    for command, span in after:
        expected = floor.do(command, span)
        assert other.apply(command, Ns(floor.now)) == expected
    assert other.digest() == floor.exchange.digest()
    assert other.snapshot() == floor.exchange.snapshot()


def test_bytes_that_are_no_snapshot_are_refused() -> None:
    """Noise, another version, a strange class, other fields, or a part that is missing: one typed error each."""
    good = msgspec.msgpack.decode(busy().exchange.snapshot())
    version, shapes, values, objects, root = good
    strange = [["os:system", []], *shapes[1:]]
    unknown = [["shared.venue.core.order:Ghost", []], *shapes[1:]]
    fewer = [[name, fields[:-1]] for name, fields in shapes]
    for bad in (
        [9, shapes, values, objects, root],
        [version, strange, values, objects, root],
        [version, unknown, values, objects, root],
        [version, fewer, values, objects, root],
        [version, shapes, values, objects[:-1], root],
        [version, shapes, values, objects, [1, 0]],
        [version, shapes],
        7,
    ):
        with pytest.raises(SnapshotError):
            Exchange.restore(msgspec.msgpack.encode(bad))
    with pytest.raises(SnapshotError):
        Exchange.restore(b"\xc1 noise")


def test_the_bytes_are_the_same_in_every_process() -> None:
    """Nothing depends on how this process hashes its strings."""
    said = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        said.add(run.stdout)
    assert len(said) == 1
