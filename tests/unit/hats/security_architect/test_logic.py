"""The Security Architect signs what was approved, once, and keeps the record."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from hats.security_architect import SecurityArchitect, Settings, measures
from hats.security_architect.actions import OVER_CAP, Signature, post_body
from hats.security_architect.audit import Head, follow
from orchestrator.routes import check
from shared.hat import restore, snapshot
from shared.ids import Cloid, Role, StrategyId, cloid_for
from shared.messages import AnyMessage
from shared.messages.control import (
    AuditRecord,
    KillLevel,
    KillOrdered,
    Measured,
    ResumeOrdered,
    Started,
    Woke,
)
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    AnswerKind,
    CancelOrder,
    FenceOrder,
    Fill,
    FillBooked,
    OrderChanged,
    SignatureRefused,
    SignedAction,
    SignRequest,
    SubmitOrder,
)
from shared.messages.risk import OrderApproved, TradingState, TradingStateChanged
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side, Tif
from shared.units import MS, SECOND, Ns, Px, Sz, Usd

NOW: Final = Ns(1_700_000_000 * SECOND)
NOW_MS: Final = NOW // MS


def approval(number: int = 1, **changes: Any) -> OrderApproved:
    """Approval `number`, for the buy of 0.0002 BTC, good for two seconds."""
    intent = OrderIntent(
        cloid_for(1, 1, number),
        StrategyId("mm"),
        "BTC",
        Side.BUY,
        Px(500_000),
        Sz(20),
        Tif.ALO,
        False,
        None,
        NOW,
        "quote",
    )
    return OrderApproved(msgspec.structs.replace(intent, **changes), number, Ns(NOW + 2 * SECOND))


def order(approved: OrderApproved, **changes: Any) -> SubmitOrder:
    """The order that the approval allows, with changes."""
    intent = approved.intent
    fitting = SubmitOrder(
        intent.cloid, approved.approval_id, intent.coin, 0, 5, intent.side, intent.px, intent.sz, intent.tif,
        intent.reduce_only, intent.replaces, Ns(NOW + 10 * SECOND),
    )  # fmt: skip
    return msgspec.structs.replace(fitting, **changes)


def told(*messages: AnyMessage) -> SecurityArchitect:
    """A Security Architect that heard these at NOW."""
    hat = SecurityArchitect(Settings())
    for message in messages:
        hat.handle(message, NOW)
    list(hat.settle(NOW))
    return hat


def answer(hat: SecurityArchitect, message: AnyMessage, now: int = NOW) -> AnyMessage:
    """The first thing it says of a message that comes alone."""
    return [*hat.handle(message, Ns(now)), *(each for _, each in hat.settle(Ns(now)))][0]


def signed(request: SignRequest, sign_ns: int = 40_000) -> SignedAction:
    """A signer's answer (the Hat does not look at the signature)."""
    body = post_body(request.action, request.nonce, request.expires_after_ms, Signature(1, 2, 27))
    return SignedAction(request.kind, request.cloid, request.nonce, request.expires_after_ms, body, sign_ns)


def samples(hat: SecurityArchitect, now: int = NOW) -> dict[str, list[float]]:
    """What it reports at its measures timer."""
    said = hat.handle(Woke(Role.SECURITY_ARCHITECT, "measures", Ns(now)), Ns(now))
    return {message.measure: list(message.samples) for message in said if isinstance(message, Measured)}


def test_hears_what_is_routed_to_it() -> None:
    """Route table and Hat agree."""
    check([SecurityArchitect(Settings())], [])


def test_an_approved_order_is_sent_to_the_signer() -> None:
    """The request carries the order's action, the time as nonce and the deadline in ms."""
    approved = approval()
    request = answer(told(approved), order(approved))
    assert isinstance(request, SignRequest)
    assert (request.kind, request.cloid, request.nonce) == (ActionKind.ORDER, approved.intent.cloid, NOW_MS)
    assert request.expires_after_ms == NOW_MS + 10_000
    assert b'"p":"50000","s":"0.0002"' in request.action


def test_a_fence_is_a_noop_under_the_orders_nonce() -> None:
    """Same nonce, no expiry, in any trading state; of an order that was never to be signed there is no nonce."""
    approved = approval()
    hat, cloid = told(approved), approved.intent.cloid
    request = answer(hat, order(approved))
    assert isinstance(request, SignRequest)
    assert isinstance(answer(hat, FenceOrder(cloid)), SignatureRefused)
    hat.handle(signed(request), NOW)
    hat.handle(KillOrdered(KillLevel.FLATTEN, "x"), NOW)
    noop = SignRequest(ActionKind.FENCE, cloid, NOW_MS, 0, b'{"type":"noop"}')
    assert answer(hat, FenceOrder(cloid)) == noop
    assert isinstance(answer(SecurityArchitect(Settings()), FenceOrder(cloid)), SignatureRefused)


def test_nonces_only_rise() -> None:
    """Nonces follow the clock, step by one within a millisecond, and never go back with it."""
    approvals = [approval(n) for n in range(1, 5)]
    hat = told(*approvals)
    times = (NOW, NOW, NOW - 3600 * SECOND, NOW + 5 * MS)
    nonces = []
    for approved, now in zip(approvals, times, strict=True):
        request = answer(hat, order(approved, expires_ns=Ns(now + SECOND)), now)
        assert isinstance(request, SignRequest)
        nonces.append(request.nonce)
    assert nonces == [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 5]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sz": Sz(21)}, "differs in sz (21 for 20)"),
        ({"px": Px(500_010)}, "px"),
        ({"side": Side.SELL}, "side"),
        ({"coin": "ETH"}, "coin"),
        ({"tif": Tif.GTC}, "tif"),
        ({"reduce_only": True}, "reduce_only"),
        ({"replaces": cloid_for(1, 1, 9)}, "replaces"),
        ({"cloid": cloid_for(1, 1, 2)}, "cloid"),
        ({"approval_id": 2}, "no approval 2"),
        ({"expires_ns": NOW}, "deadline passed"),
        ({"expires_ns": Ns(NOW + 31 * SECOND)}, "at most 30000"),
    ],
)
def test_an_order_unlike_its_approval_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Any difference is refused with its name, and the approval stays good for the right order."""
    approved = approval()
    hat = told(approved)
    refused = answer(hat, order(approved, **changes))
    assert isinstance(refused, SignatureRefused)
    assert reason in refused.reason
    assert isinstance(answer(hat, order(approved)), SignRequest)


def test_an_approval_is_good_once_and_in_time() -> None:
    """A second order on one approval, or one that comes late, is refused."""
    approved = approval()
    hat = told(approved, order(approved))
    refused = answer(hat, order(approved))
    assert isinstance(refused, SignatureRefused)
    assert refused.reason == "approval 1 is spent"
    hat.handle(approved, NOW)
    assert isinstance(answer(hat, order(approved)), SignatureRefused), "hearing it again must not revive it"
    late = answer(told(approved), order(approved), NOW + 2 * SECOND)
    assert isinstance(late, SignatureRefused)
    assert "expired" in late.reason


def test_a_coin_keeps_its_asset() -> None:
    """An order for another asset than the coin had before is refused."""
    first, second = approval(1), approval(2)
    hat = told(first, second, order(first))
    refused = answer(hat, order(second, asset=1))
    assert isinstance(refused, SignatureRefused)
    assert "BTC was asset" in refused.reason


@pytest.mark.parametrize(
    ("stop", "go"),
    [
        (KillOrdered(KillLevel.PAUSE, "x"), ResumeOrdered("y")),
        (KillOrdered(KillLevel.FLATTEN, "x"), ResumeOrdered("y")),
        (
            TradingStateChanged(TradingState.REDUCING, "x"),
            TradingStateChanged(TradingState.ACTIVE, "y"),
        ),
        (TradingStateChanged(TradingState.HALTED, "x"), TradingStateChanged(TradingState.ACTIVE, "y")),
    ],
)
def test_after_a_stop_only_reducing_orders(stop: AnyMessage, go: AnyMessage) -> None:
    """A stop refuses what may add even if it was approved before, and after it, too; reducing and cancelling go on."""
    adding, reducing = approval(1), approval(2, reduce_only=True)
    hat = told(adding, reducing, stop)
    assert isinstance(answer(hat, order(adding)), SignatureRefused)
    assert isinstance(answer(hat, order(reducing)), SignRequest)
    cancel = CancelOrder(adding.intent.cloid, "BTC", 0, Ns(NOW + SECOND))
    assert isinstance(answer(hat, cancel), SignRequest)
    hat.handle(go, NOW)
    refused = answer(hat, order(adding))
    assert isinstance(refused, SignatureRefused)
    assert refused.reason == "approval 1 is spent"
    afterwards = approval(3)
    hat.handle(afterwards, NOW)
    assert isinstance(answer(hat, order(afterwards)), SignRequest)


def test_a_resume_does_not_loosen_the_risk_officers_state() -> None:
    """The kill switch and the trading state are two locks."""
    adding = approval()
    hat = told(
        adding, TradingStateChanged(TradingState.HALTED, "x"), KillOrdered(KillLevel.PAUSE, "x"), ResumeOrdered("y")
    )
    assert isinstance(answer(hat, order(adding)), SignatureRefused)


def test_cancels_are_checked_for_form_and_deadline() -> None:
    """A cancel needs no approval, but a cloid and a deadline ahead."""
    for cancel in (
        CancelOrder(Cloid("0x1"), "BTC", 0, Ns(NOW + SECOND)),
        CancelOrder(cloid_for(1, 1, 1), "BTC", 0, NOW),
    ):
        assert isinstance(answer(told(), cancel), SignatureRefused)


def fill() -> FillBooked:
    """A fill of the first order."""
    one = Fill("BTC", Side.BUY, Px(500_000), Sz(20), 7, cloid_for(1, 1, 1), 3, False, Usd(10), Usd(0), 0, NOW, NOW)
    return FillBooked(one, StrategyId("mm"))


def changed(state: OrderState) -> OrderChanged:
    """The first order in another state."""
    return OrderChanged(
        cloid_for(1, 1, 1), StrategyId("mm"), "BTC", Side.BUY, Px(500_000), Sz(20), Sz(0), False, state, "because"
    )


def answered(kind: AnswerKind, error: str = "") -> ActionAnswered:
    """The venue's answer."""
    return ActionAnswered(ActionKind.ORDER, cloid_for(1, 1, 1), NOW_MS, kind, 7, Sz(0), error, NOW)


def test_everything_that_counts_is_on_record() -> None:
    """Approval, signature, refusal, answer, fill, end, kill and resume each make one record; the chain is whole."""
    approved = approval()
    hat = told()
    head = Head()
    events: list[str] = []
    request = SignRequest(ActionKind.ORDER, approved.intent.cloid, NOW_MS, NOW_MS + 1, b"{}")
    for message in (
        Started(Role.SECURITY_ARCHITECT, 9, NOW), approved, order(approved), signed(request),
        SignatureRefused(ActionKind.ORDER, approved.intent.cloid, "no"), answered(AnswerKind.RESTING),
        changed(OrderState.RESTING), fill(), changed(OrderState.FILLED), TradingStateChanged(TradingState.HALTED, "x"),
        KillOrdered(KillLevel.PAUSE, "x"), ResumeOrdered("y"),
    ):  # fmt: skip
        for said in hat.handle(message, NOW):
            if isinstance(said, AuditRecord):
                head = follow(head, said)
                events.append(msgspec.json.decode(said.body)["event"])
    assert events == [
        "started", "approval", "signature", "refusal", "answer", "fill", "order_ended", "trading_state", "kill",
        "resume",
    ]  # fmt: skip
    assert head == hat.state.head


def test_a_sound_minute_measures_well() -> None:
    """Signed in time, in order, taken by the venue: every sample is the good one."""
    approved = approval()
    hat = told(approved)
    request = answer(hat, order(approved))
    assert isinstance(request, SignRequest)
    hat.handle(signed(request), NOW)
    hat.handle(answered(AnswerKind.RESTING), NOW)
    hat.handle(answered(AnswerKind.REFUSED, "Order must have minimum value of $10. asset=0"), NOW)
    assert samples(hat) == {
        measures.SIGN_LATENCY: [40.0],
        measures.WRONG_REFUSALS: [0.0],
        measures.REFUSED_SHARE: [0.0],
        measures.NONCES_UNIQUE: [1.0],
        measures.SIGNATURES_TAKEN: [1.0, 1.0],
        measures.CHAIN_INTACT: [1.0],
        measures.UNSIGNED_AGE: [0.0],
        measures.APPROVALS_UNSPENT: [0.0],
    }
    assert set(samples(hat)) <= {measure.name for measure in measures.MEASURES}


def test_lost_approvals_show() -> None:
    """When approvals do not arrive, orders are refused and the share of refusals says so."""
    assert samples(told(order(approval())))[measures.REFUSED_SHARE] == [1.0]


def test_orders_that_never_come_show() -> None:
    """Approvals that end unused are counted when their time is over."""
    hat = told(approval())
    assert measures.APPROVALS_UNSPENT not in samples(hat)
    assert samples(hat, NOW + 2 * SECOND)[measures.APPROVALS_UNSPENT] == [1.0]


def test_a_silent_or_refusing_signer_shows() -> None:
    """No answer, or the signer's refusal of what was approved, is a wrong refusal; our own refusals are not."""
    first, second = approval(1), approval(2)
    hat = told(first, second, order(first))
    hat.handle(SignatureRefused(ActionKind.ORDER, first.intent.cloid, "approval 1 is spent"), NOW)
    assert measures.WRONG_REFUSALS not in samples(hat)
    hat.handle(SignatureRefused(ActionKind.ORDER, first.intent.cloid, "signer unreachable: gone"), NOW)
    assert samples(hat)[measures.WRONG_REFUSALS] == [1.0]
    answer(hat, order(second))
    assert samples(hat, NOW + 3 * SECOND)[measures.WRONG_REFUSALS] == [1.0]


def test_disputed_signatures_show() -> None:
    """The venue's "does not exist" and nonce errors count against the signature; a silent venue does not."""
    hat = told(
        answered(AnswerKind.REFUSED, "User or API Wallet 0x1 does not exist."),
        answered(AnswerKind.REFUSED, "Invalid nonce: nonce too low 1 < 2"),
        answered(AnswerKind.NO_ANSWER),
    )
    assert samples(hat)[measures.SIGNATURES_TAKEN] == [0.0, 0.0]


def test_strange_nonces_show() -> None:
    """A signature for a nonce that was never asked for counts against uniqueness; a repeated one does not."""
    approved = approval()
    hat = told(approved)
    request = answer(hat, order(approved))
    assert isinstance(request, SignRequest)
    hat.handle(signed(request), NOW)
    hat.handle(signed(request), NOW)
    hat.handle(signed(msgspec.structs.replace(request, nonce=request.nonce + 50)), NOW)
    assert samples(hat)[measures.NONCES_UNIQUE] == [1.0, 0.0]


def test_a_broken_chain_shows() -> None:
    """A record changed in memory is found at the next measure."""
    hat = told(approval(1), approval(2))
    hat.state.recent[0] = msgspec.structs.replace(hat.state.recent[0], body="{}")
    assert samples(hat)[measures.CHAIN_INTACT] == [0.0]


def test_memory_stays_bounded() -> None:
    """After many orders and their time, nothing is left but the window of records."""
    hat = told()
    for number in range(1, 700):
        approved = approval(number)
        hat.handle(approved, NOW)
        request = answer(hat, order(approved))
        assert isinstance(request, SignRequest)
        hat.handle(signed(request), NOW)
    samples(hat, NOW + 3 * SECOND)
    assert not hat.state.asked
    assert not hat.state.approvals.unspent
    assert not hat.state.approvals.spent
    assert len(hat.state.recent) < 512


def test_restored_it_goes_on_the_same() -> None:
    """A snapshot taken midway restores to a Hat that says the same things."""
    first, second = approval(1), approval(2)
    hat = told(Started(Role.SECURITY_ARCHITECT, 9, NOW), first, second, order(first), KillOrdered(KillLevel.PAUSE, "x"))
    twin = SecurityArchitect(Settings())
    restore(twin, snapshot(hat))
    assert twin.state == hat.state
    for message in (ResumeOrdered("y"), order(second), fill(), answered(AnswerKind.RESTING)):
        assert list(hat.handle(message, NOW)) == list(twin.handle(message, NOW))
    assert snapshot(hat) == snapshot(twin)


def test_the_signers_cap_is_no_wrong_refusal() -> None:
    """Whoever approved an order over the cap is at fault, not who refused it."""
    first = approval(1)
    hat = told(first, order(first))
    reason = f"signer policy: {OVER_CAP}: notional 30000 exceeds 25000"
    hat.handle(SignatureRefused(ActionKind.ORDER, first.intent.cloid, reason), NOW)
    assert samples(hat)[measures.WRONG_REFUSALS] == [0.0]
