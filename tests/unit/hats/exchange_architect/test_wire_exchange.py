"""Answers to actions prove what they prove and nothing more."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml

from hats.exchange_architect.errors import PREFIXES, Refusal, refusal_of
from hats.exchange_architect.wire_exchange import Proof, asset_of, is_reduce_only, proofs_of, told
from shared.errors import VenueProtocolError
from shared.ids import Cloid
from shared.messages.market import BadData, BadKind
from shared.messages.order import ActionAnswered, ActionKind, AnswerKind, PostAction
from shared.units import Ns
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import err, ok

CASSETTES = Path(__file__).parents[5] / "shared/data/hyperliquid/go_hyperliquid_testdata"
MISSING = "Order was never placed, already canceled, or filled. asset=1"


def proof(body: bytes, kind: ActionKind = ActionKind.ORDER, status: int = 200, resent: bool = False) -> Proof:
    """What an answer proves about the scene's order."""
    (only,) = proofs_of(scene.post(kind), status, body, scene.universe(), resent)
    return only


def test_good_answers() -> None:
    """resting, filled, success, waiting and the plain default of a modify are proofs."""
    assert proof(ok("order", {"resting": {"oid": 77, "cloid": scene.CLOID}})) == Proof(AnswerKind.RESTING, 77)
    filled = {"filled": {"totalSz": "0.0025", "avgPx": "1891.4", "oid": 78}}
    assert proof(ok("order", filled)) == Proof(AnswerKind.FILLED, 78, 25)  # type: ignore[arg-type]
    assert proof(ok("order", "waitingForTrigger")).answer is AnswerKind.RESTING
    assert proof(ok("cancel", "success"), ActionKind.CANCEL).answer is AnswerKind.CANCELLED
    default = b'{"status":"ok","response":{"type":"default"}}'
    assert proof(default, ActionKind.MODIFY).answer is AnswerKind.RESTING
    assert proof(default, ActionKind.FENCE).answer is AnswerKind.FENCED
    assert proof(default, ActionKind.ORDER).answer is AnswerKind.NO_ANSWER


def test_an_error_in_the_entry_is_a_refusal_word_for_word() -> None:
    """Known or not, an entry's error means that this entry did not happen."""
    for text in (MISSING, "Something the venue never wrote before asset=1"):
        found = proof(ok("order", {"error": text}))
        assert (found.answer, found.error) == (AnswerKind.REFUSED, text)


def test_a_used_nonce_proves_the_first_copy() -> None:
    """NONCE_USED, whether or not we know of having sent it twice."""
    text = "Invalid nonce: duplicate nonce 1791399877207"
    for resent in (False, True):
        assert proof(err(text), resent=resent) == Proof(AnswerKind.NONCE_USED, error=text)


def test_a_documented_refusal_of_the_action_is_one() -> None:
    """Documented whole-action errors prove that nothing was admitted; undocumented ones prove nothing."""
    text = "User or API Wallet 0x281abb829ea0b0291ceaa3b14b5b5d893070e8d5 does not exist."
    assert proof(err(text)).answer is AnswerKind.REFUSED
    assert proof(err("L1 error: " + text)).answer is AnswerKind.REFUSED
    assert proof(err("The moon is in the wrong house")).answer is AnswerKind.NO_ANSWER


def test_a_refusal_of_the_second_copy_proves_nothing_of_the_first() -> None:
    """After a resend, only an admitted answer or a used nonce is a proof."""
    text = "Too many cumulative requests sent (97460 > 97456) for cumulative volume traded $87457.46."
    assert proof(err(text), resent=True).answer is AnswerKind.NO_ANSWER
    assert proof(b"", status=422, resent=True).answer is AnswerKind.NO_ANSWER
    assert proof(ok("order", {"error": MISSING}), resent=True).answer is AnswerKind.REFUSED


@pytest.mark.parametrize("status", [400, 415, 422])
def test_what_was_never_parsed_was_refused(status: int) -> None:
    """The venue's JSON layer refuses before anything is admitted."""
    assert proof(b"Failed to parse the request body as JSON", status=status).answer is AnswerKind.REFUSED


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503, 504])
def test_other_statuses_prove_nothing(status: int) -> None:
    """A proxy may have answered after the venue accepted."""
    assert proof(b"null", status=status).answer is AnswerKind.NO_ANSWER


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"<html>", b'{"status":"ok"}', b'{"status":"maybe","response":"x"}', b'{"status":"ok","response":1}',
     ok("order"), ok("order", "success"), ok("order", {"resting": {"oid": 1}}, {"resting": {"oid": 2}}),
     ok("order", {}), ok("order", {"filled": {"oid": 1, "totalSz": "0.00001", "avgPx": "1"}})],
)  # fmt: skip
def test_unreadable_answers_prove_nothing(body: bytes) -> None:
    """Anything undocumented leaves the fate open, and says what came."""
    unread = proof(body)
    assert unread.answer is AnswerKind.NO_ANSWER
    assert unread.error


def test_a_resting_cancel_is_nonsense() -> None:
    """An order's answer to a cancel proves nothing."""
    assert proof(ok("order", {"resting": {"oid": 1}}), ActionKind.CANCEL).answer is AnswerKind.NO_ANSWER


def test_fill_of_an_unlisted_asset_stays_open() -> None:
    """Without the coin's units a filled size can't be told, so the fate is asked for."""
    body = b'{"action":{"type":"order","orders":[{"a":99}]},"nonce":1}'
    answer = ok("order", {"filled": {"totalSz": "1.0", "avgPx": "1", "oid": 1}})
    (only,) = proofs_of(scene.post(body=body), 200, answer, scene.universe())
    assert only.answer is AnswerKind.NO_ANSWER


def test_every_documented_text_is_classified() -> None:
    """Each row of the table finds itself, so no row hides behind an earlier one; unknown texts are called that."""
    for text, refusal in PREFIXES:
        assert refusal_of(text) is refusal
    assert refusal_of("Post only order would have immediately matched, bbo was 84350@84361. asset=3") is (
        Refusal.POST_ONLY
    )
    assert refusal_of("") is Refusal.UNDOCUMENTED


def test_reduce_only_is_read_from_the_body() -> None:
    """Orders and modifies that only reduce are told apart; a cancel has no orders."""
    assert not is_reduce_only(scene.post().body)
    assert is_reduce_only(b'{"action":{"type":"order","orders":[{"a":1,"r":true}]}}')
    assert is_reduce_only(b'{"action":{"type":"batchModify","modifies":[{"oid":1,"order":{"a":1,"r":true}}]}}')
    assert not is_reduce_only(b'{"action":{"type":"cancelByCloid","cancels":[]}}')


@pytest.mark.skipif(not CASSETTES.exists(), reason="the recorded answers are not on this machine")
def test_recorded_answers_are_proofs() -> None:
    """Every recorded /exchange answer to an order or cancel proves something."""
    read = 0
    for path in sorted([*CASSETTES.glob("Orders_*.yaml"), *CASSETTES.glob("Cancel*.yaml")]):
        for one in yaml.safe_load(path.read_text())["interactions"]:
            action = json.loads(one["request"]["body"]).get("action")
            if action is None:
                continue
            kind = ActionKind.ORDER if action["type"] == "order" else ActionKind.CANCEL
            answer = proof(one["response"]["body"].encode(), kind)
            assert answer.answer in (AnswerKind.RESTING, AnswerKind.REFUSED, AnswerKind.CANCELLED), path.name
            read += 1
    assert read >= 10


def test_asset_of_needs_an_order() -> None:
    """A body without orders has no asset."""
    with pytest.raises(VenueProtocolError):
        asset_of(b'{"action":{"type":"noop"}}')


def test_words_in_no_table_raise_an_alarm_and_prove_no_more_than_they_must() -> None:
    """1,000 texts that nobody documented: of an entry a refusal, of an action no proof; each is told."""
    draw = random.Random(1)
    for number in range(1_000):
        text = f"{number} " + "".join(draw.choice("abc ÄÖ%{}\\") for _ in range(draw.randint(0, 200)))
        for body, kind in ((err(text), AnswerKind.NO_ANSWER), (ok("order", {"error": text}), AnswerKind.REFUSED)):
            found = proof(body)
            assert (found.answer, found.error) == (kind, text)
            answer, alarm = told(scene.post(), (found,), Ns(5))
            assert isinstance(answer, ActionAnswered)
            assert isinstance(alarm, BadData)
            assert alarm.kind is BadKind.UNDOCUMENTED
    assert len(told(scene.post(), (proof(err("Insufficient margin to place order. asset=3")),), Ns(5))) == 1


def batch_proofs(statuses: list[object], kind: ActionKind = ActionKind.ORDER) -> list[tuple[AnswerKind, int, str]]:
    """What an answer proves of each entry of a batch of three."""
    entries = [{"a": asset, "b": True, "p": "1", "s": "1", "r": False} for asset in (1, 0, 1)]
    body = json.dumps({"action": {"type": "order", "orders": entries}, "nonce": 7}).encode()
    action = PostAction(kind, CLOIDS[0], 7, body, mates=CLOIDS[1:])
    reply = json.dumps({"status": "ok", "response": {"type": "order", "data": {"statuses": statuses}}}).encode()
    proofs = proofs_of(action, 200, reply, scene.universe())
    answers = told(action, proofs, Ns(5))
    assert [answer.cloid for answer in answers if isinstance(answer, ActionAnswered)] == list(CLOIDS)
    return [(proof.answer, proof.oid or proof.filled_sz, proof.error) for proof in proofs]


CLOIDS = tuple(Cloid(f"0x4a75{number:028x}") for number in (1, 2, 3))


def test_each_entry_of_a_batch_has_its_own_answer() -> None:
    """Resting, refused, filled (in the lots of its own coin): none speaks for another."""
    error = "Insufficient margin to place order. asset=0"
    filled = {"filled": {"totalSz": "1", "avgPx": "1", "oid": 9}}
    assert batch_proofs([{"resting": {"oid": 8}}, {"error": error}, filled]) == [
        (AnswerKind.RESTING, 8, ""), (AnswerKind.REFUSED, 0, error), (AnswerKind.FILLED, 9, ""),
    ]  # fmt: skip


def test_one_documented_error_for_a_batch_refuses_all_of_it() -> None:
    """A fault of the payload is found before anything is done. Source: fact sheet 2.6."""
    error = "Order has invalid size."
    assert batch_proofs([{"error": error}]) == [(AnswerKind.REFUSED, 0, error)] * 3


@pytest.mark.parametrize("statuses", [
    [], [{"resting": {"oid": 8}}], ["waitingForFill"], [{"error": "words in no table"}],
    [{"resting": {"oid": 8}}, {"resting": {"oid": 9}}],
])  # fmt: skip
def test_an_answer_that_does_not_fit_the_batch_proves_nothing(statuses: list[object]) -> None:
    """Too few statuses, or one that need not speak for all: every entry is in doubt."""
    assert {answer for answer, _, _ in batch_proofs(statuses)} == {AnswerKind.NO_ANSWER}


def test_one_unreadable_status_leaves_only_its_entry_in_doubt() -> None:
    """The others were told what they were told."""
    answers = [answer for answer, _, _ in batch_proofs([{"resting": {"oid": 8}}, 17, {"resting": {"oid": 9}}])]
    assert answers == [AnswerKind.RESTING, AnswerKind.NO_ANSWER, AnswerKind.RESTING]


def test_a_refusal_of_the_whole_action_and_its_silence_are_of_every_entry() -> None:
    """Err, another HTTP status and a default answer."""
    action = PostAction(ActionKind.ORDER, CLOIDS[0], 7, b"{}", mates=CLOIDS[1:])
    used = proofs_of(action, 200, err("Invalid nonce: duplicate nonce"), scene.universe())
    assert [proof.answer for proof in used] == [AnswerKind.NONCE_USED] * 3
    assert len(proofs_of(action, 502, b"", scene.universe())) == 3
    fence = PostAction(ActionKind.FENCE, CLOIDS[0], 7, b"{}", mates=CLOIDS[1:])
    default = b'{"status":"ok","response":{"type":"default"}}'
    assert [p.answer for p in proofs_of(fence, 200, default, scene.universe())] == [AnswerKind.FENCED] * 3


@pytest.mark.parametrize(("kind", "status", "expected"), [
    (ActionKind.TWAP, {"running": {"twapId": 5}}, (AnswerKind.RESTING, 5)),
    (ActionKind.TWAP, {"error": "Invalid TWAP duration: 1 min(s)"}, (AnswerKind.REFUSED, 0)),
    (ActionKind.TWAP, "success", (AnswerKind.NO_ANSWER, 0)),
    (ActionKind.TWAP, {"resting": {"oid": 5}}, (AnswerKind.NO_ANSWER, 0)),
    (ActionKind.TWAP_CANCEL, "success", (AnswerKind.CANCELLED, 0)),
    (ActionKind.TWAP_CANCEL, {"running": {"twapId": 5}}, (AnswerKind.NO_ANSWER, 0)),
    (ActionKind.TWAP_CANCEL, {"error": "TWAP was never placed, already canceled, or filled."}, (AnswerKind.REFUSED, 0)),
])  # fmt: skip
def test_a_twaps_answer_is_one_status(kind: ActionKind, status: object, expected: tuple[AnswerKind, int]) -> None:
    """Running with its id, success, or an error; anything else proves nothing. Source: fact sheet 2.6."""
    reply = {"status": "ok", "response": {"type": "twapOrder", "data": {"status": status}}}
    found = proof(json.dumps(reply).encode(), kind)
    assert (found.answer, found.oid) == expected


def test_a_twap_that_only_reduces_is_told_apart() -> None:
    """So that it goes before what enters."""
    for reduce_only in (True, False):
        twap = {"a": 1, "b": True, "s": "1", "r": reduce_only, "m": 5, "t": False}
        body = json.dumps({"action": {"type": "twapOrder", "twap": twap}}).encode()
        assert is_reduce_only(body) is reduce_only
