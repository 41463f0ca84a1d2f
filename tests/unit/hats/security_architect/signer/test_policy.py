"""The signer's policy denies what it does not name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest

from hats.security_architect.actions import read_action
from hats.security_architect.signer.policy import AssetRule, Policy, refusal
from hats.security_architect.signer.typed_data import Network
from shared.errors import DataError
from shared.units import USD

NOW_MS: Final = 1_700_000_000_000
POLICY: Final = Policy(
    network=Network.TESTNET, assets=(AssetRule(0, "1.5"), AssetRule(3)), max_notional_usd=10_000 * USD
)
CLOID: Final = "0x4a750000000000010001000000000001"


def order(**changes: Any) -> dict[str, Any]:
    """One order entry as the venue writes it."""
    entry = {"a": 0, "b": True, "p": "50000", "s": "0.2", "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": CLOID}
    return {**entry, **changes}


def orders(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An order action."""
    return {"type": "order", "orders": list(entries), "grouping": "na", **more}


def judged(action: Any, nonce: int = NOW_MS, expires_after_ms: int = NOW_MS + 10_000) -> str | None:
    """Why it is refused, by schema or by policy; None if it is not."""
    try:
        read = read_action(msgspec.json.encode(action))
    except DataError as error:
        return str(error)
    return refusal(POLICY, read, nonce, expires_after_ms, NOW_MS)


@pytest.mark.parametrize(
    "action",
    [
        orders(order()),
        orders(order(a=3, p="0.5", s="20000")),
        orders(order(r=True, s="900")),
        {"type": "batchModify", "modifies": [{"oid": CLOID, "order": order()}]},
        {"type": "batchModify", "modifies": [{"oid": 77, "order": order()}]},
        {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]},
        {"type": "cancel", "cancels": [{"a": 3, "o": 12}]},
        {"type": "noop"},
        {"type": "scheduleCancel"},
        {"type": "scheduleCancel", "time": NOW_MS + 6_000},
    ],
)
def test_allowed(action: Any) -> None:
    """What the house needs is allowed."""
    assert judged(action) is None


@pytest.mark.parametrize(
    "kind",
    [
        "withdraw3", "usdSend", "spotSend", "sendAsset", "usdClassTransfer", "vaultTransfer", "subAccountTransfer",
        "subAccountSpotTransfer", "approveAgent", "approveBuilderFee", "tokenDelegate", "cDeposit", "cWithdraw",
        "convertToMultiSigUser", "multiSig", "userDexAbstraction", "userSetAbstraction", "agentSetAbstraction",
        "agentEnableDexAbstraction", "agentSendAsset", "perpDeploy", "spotDeploy", "createVault", "updateLeverage",
        "updateIsolatedMargin", "twapOrder", "evmUserModify", "reserveRequestWeight", "setReferrer", "modify",
        "", "ORDER",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "shape",
    [
        lambda kind: {"type": kind},
        lambda kind: {"type": kind, "destination": "0x" + "1" * 40, "amount": "1", "time": NOW_MS},
        lambda kind: {"type": kind, **{k: v for k, v in orders(order()).items() if k != "type"}},
        lambda kind: {"destination": "0x1", "type": kind},
        lambda kind: {"type": "order", "inner": {"type": kind}, "orders": [order()], "grouping": "na"},
        lambda kind: {"type": [kind]},
        lambda kind: [{"type": kind}],
        lambda kind: kind,
        lambda kind: {"action": {"type": kind}},
        lambda kind: {"type": "noop", "then": kind},
    ],
)
def test_forbidden_in_every_shape(kind: str, shape: Callable[[str], Any]) -> None:
    """Money movers, approvals and everything else not named are refused, however they are dressed."""
    assert judged(shape(kind)) is not None


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (orders(order(), builder={"b": "0x" + "1" * 40, "f": 10}), "unknown field `builder`"),
        (orders(order(), grouping="normalTpsl"), "grouping"),
        (orders(order(t={"trigger": {"isMarket": True, "triggerPx": "1", "tpsl": "sl"}})), "trigger"),
        (orders(order(t={"limit": {"tif": "FrontendMarket"}})), "FrontendMarket"),
        (orders(order(a=1)), "asset 1 is not allowed"),
        (orders(order(s="0.20001")), "notional"),
        (orders(order(b=False, p="0.1", s="1.6")), "size 1.6 exceeds 1.5"),
        (orders(order(p="50000.0")), "idle zeros"),
        (orders(order(p="-50000")), "positive"),
        (orders(order(s="0")), "positive"),
        (orders(order(s="1e2")), "plain decimal"),
        (orders(order(s="NaN")), "plain decimal"),
        (orders(order(p="1" * 40)), "characters"),
        (orders(order(c="0x1")), "no cloid"),
        (orders(order(c=CLOID.upper())), "no cloid"),
        (orders({k: v for k, v in order().items() if k != "c"}), "missing required field `c`"),
        (orders(), "0 entries"),
        (orders(*[order()] * 21), "21 entries"),
        (orders(order(), order(a=9)), "asset 9"),
        ({"type": "batchModify", "modifies": [{"oid": "x", "order": order()}]}, "no cloid"),
        ({"type": "batchModify", "modifies": [{"oid": 7, "order": order(s="0.3")}]}, "notional"),
        ({"type": "batchModify", "modifies": [{"oid": 7, "order": order()}], "a": True}, "unknown field `a`"),
        ({"type": "cancelByCloid", "cancels": [{"asset": 2, "cloid": CLOID}]}, "asset 2"),
        ({"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": "me"}]}, "no cloid"),
        ({"type": "cancel", "cancels": [{"a": 0, "o": -1}]}, "cancel"),
        ({"type": "scheduleCancel", "time": NOW_MS - 1}, "past"),
    ],
)
def test_refused_with_its_reason(action: Any, reason: str) -> None:
    """Each breach is refused, and the reason names it."""
    assert reason in (judged(action) or "")


@pytest.mark.parametrize(
    ("nonce_ms", "expires_ms", "reason"),
    [
        (0, None, "must expire"),
        (0, 30_001, "ahead"),
        (0, 0, "expired"),
        (0, -5, "expired"),
        (86_400_001, 1_000, "nonce"),
        (-86_400_001, 1_000, "nonce"),
    ],
)
def test_time(nonce_ms: int, expires_ms: int | None, reason: str) -> None:
    """An order must expire within 30 s, and a nonce must lie where the venue would take it."""
    expires_after_ms = 0 if expires_ms is None else NOW_MS + expires_ms
    assert reason in (judged(orders(order()), NOW_MS + nonce_ms, expires_after_ms) or "")


def test_cancels_need_no_expiry() -> None:
    """A cancel without expiry is allowed; an expired one is not."""
    cancel = {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]}
    assert judged(cancel, expires_after_ms=0) is None
    assert judged(cancel, expires_after_ms=NOW_MS - 1) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 20_000, b'{"x":' + b"[" * 50_000, b"null", b"1e999",
        b'{"type":"noop" }', b' {"type":"noop"}', b'{"type":"noop","type":"usdSend"}',
        b'{"type":"usdSend","type":"noop"}', b'{"type":"\\u006eoop"}',
        b'{"type":"cancel","cancels":[{"o":1,"a":0}]}', b'{"cancels":[{"a":0,"o":1}],"type":"cancel"}',
        b'{"type":"cancel","cancels":[{"a":0.0,"o":1}]}',
        b'{"type":"cancel","cancels":[{"a":0,"o":99999999999999999999999999999999}]}',
    ],
    ids=lambda data: repr(data[:30]),
)  # fmt: skip
def test_one_way_to_write_it(data: bytes) -> None:
    """Broken, deep, doubled, reordered or differently spelled JSON is refused: one action, one text."""
    with pytest.raises(DataError):
        read_action(data)
