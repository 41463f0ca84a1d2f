"""Actions are written in the venue's signing order, and bodies as the venue reads them."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.security_architect.actions import (
    Action,
    Signature,
    kind_of,
    post_body,
    read_action,
    to_json,
)
from hats.security_architect.packing import Pack, Piece, action_of
from shared.ids import Cloid, is_cloid
from shared.messages.order import ActionKind, CancelOrder, SubmitOrder
from shared.order import Side, Tif
from shared.units import Ns, Px, Sz

OURS: Final = Cloid("0x4a750000000000010001000000000002")
OLD: Final = Cloid("0x4a750000000000010001000000000001")


def submit(replaces: Cloid | None = None, px: int = 500_000, sz: int = 20) -> SubmitOrder:
    """An order to buy BTC (asset 0, five size decimals, so prices in tenths)."""
    return SubmitOrder(OURS, 1, "BTC", 0, 5, Side.BUY, Px(px), Sz(sz), Tif.ALO, False, replaces, Ns(10**18))


def alone(asked: SubmitOrder | CancelOrder) -> Action:
    """The action of what is asked for alone."""
    return action_of(Pack((Piece(0, asked),)))


def test_order_as_the_venue_signs_it() -> None:
    """An order is one entry with keys a b p s r t c, grouping last."""
    assert to_json(alone(submit())) == (
        b'{"type":"order","orders":[{"a":0,"b":true,"p":"50000","s":"0.0002","r":false,"t":{"limit":{"tif":"Alo"}},'
        b'"c":"0x4a750000000000010001000000000002"}],"grouping":"na"}'
    )
    assert kind_of(submit()) is ActionKind.ORDER


def test_replacement_is_a_batch_of_one() -> None:
    """An order that replaces another names that one's cloid as target."""
    assert to_json(alone(submit(OLD))) == (
        b'{"type":"batchModify","modifies":[{"oid":"0x4a750000000000010001000000000001","order":{"a":0,"b":true,'
        b'"p":"50000","s":"0.0002","r":false,"t":{"limit":{"tif":"Alo"}},"c":"0x4a750000000000010001000000000002"}}]}'
    )
    assert kind_of(submit(OLD)) is ActionKind.MODIFY


def test_cancel() -> None:
    """A cancel names asset and cloid."""
    assert to_json(alone(CancelOrder(OLD, "ETH", 1, Ns(5)))) == (
        b'{"type":"cancelByCloid","cancels":[{"asset":1,"cloid":"0x4a750000000000010001000000000001"}]}'
    )


@given(px=st.integers(1, 10**12), sz=st.integers(1, 10**12), replaces=st.sampled_from([None, OLD]))
def test_what_we_write_is_in_its_one_form(px: int, sz: int, replaces: Cloid | None) -> None:
    """Every action that we write reads back equal and has no idle zeros."""
    action = alone(submit(replaces, px, sz))
    assert read_action(to_json(action)) == action
    assert b'.0"' not in to_json(action)


@pytest.mark.parametrize(("expires", "shown"), [(0, None), (1_700_000_000_001, 1_700_000_000_001)])
def test_body(expires: int, shown: int | None) -> None:
    """The body holds the action byte for byte and the five fields of the venue's envelope, in its order."""
    body = post_body(b'{"type":"noop"}', 7, expires, Signature(0x0AB, 0xCD, 28))
    assert body.startswith(b'{"action":{"type":"noop"},"nonce":7,"signature":{"r":"0xab","s":"0xcd","v":28}')
    read = msgspec.json.decode(body)
    assert list(read) == ["action", "nonce", "signature", "vaultAddress", "expiresAfter"]
    assert read["vaultAddress"] is None
    assert read["expiresAfter"] == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [(OURS, True), (OURS.upper(), False), (OURS[:-1], False), ("0x" + "g" * 32, False), ("", False)],
)
def test_cloid(text: str, expected: bool) -> None:
    """A cloid is 0x and 32 lower-case hex digits."""
    assert is_cloid(text) is expected
