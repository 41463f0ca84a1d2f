"""What the watchdog does with a venue that answers in parts, refuses its key, or a disk that takes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from orchestrator.watchdog.guard import Aim
from orchestrator.watchdog.hands import Hands
from shared.errors import JournalError, VenueProtocolError
from tests.unit.orchestrator.watchdog.scripted_venue import ScriptedVenue, scripted_venue

USER = "0x" + "a" * 40
BROKEN = 500


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    """A resting order and a position in BTC."""
    with scripted_venue() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[NonceStore]:
    """The nonces of the watchdog's key."""
    made = NonceStore(tmp_path / "nonces.sqlite", _key().address)
    yield made
    made.close()


@pytest.fixture
def hands(venue: ScriptedVenue, store: NonceStore) -> Iterator[Hands]:
    """A line to it."""
    made = Hands(venue.url, USER, _key(), store, lambda _event, _fields: None)
    yield made
    made.close()


def _key() -> AgentKey:
    return AgentKey(b"\x07" * 32, Network.TESTNET)


@pytest.mark.parametrize(
    ("broken", "done"),
    [("twapHistory", ["cancel", "order"]), ("clearinghouseState", ["cancel"]), ("frontendOpenOrders", ["order"])],
)
def test_a_question_that_fails_does_not_keep_the_rest_open(
    venue: ScriptedVenue, hands: Hands, broken: str, done: list[str]
) -> None:
    """What could be read is acted upon; that something could not be is still an error, never "nothing is open"."""
    venue.answers[broken] = BROKEN
    with pytest.raises(VenueProtocolError, match="HTTP 500"):
        hands.enforce(Aim.FLATTEN)
    assert venue.kinds() == done


def test_a_coin_that_was_listed_since_is_closed_too(venue: ScriptedVenue, hands: Hands) -> None:
    """The list of coins is as old as the watchdog; what is not on it is looked up, and cancels go out meanwhile."""
    hands.enforce(Aim.CANCEL)
    venue.answers["clearinghouseState"]["assetPositions"].append({"position": {"coin": "NEW", "szi": "3"}})
    venue.actions.clear()
    with pytest.raises(VenueProtocolError, match="NEW"):
        hands.enforce(Aim.FLATTEN)
    assert venue.kinds() == ["cancel"]
    venue.answers["meta"]["universe"].append({"name": "NEW", "szDecimals": 0, "maxLeverage": 3})
    venue.answers["allMids"]["NEW"] = "2"
    assert hands.enforce(Aim.FLATTEN) == (1, 2, "")
    assert [order["a"] for order in venue.actions[-1]["orders"]] == [0, 1]
    venue.answers["meta"] = venue.answers["twapHistory"] = BROKEN
    assert hands.enforce(Aim.FLATTEN) == (1, 2, ""), "and the list is kept"


def test_a_refused_key_is_told(venue: ScriptedVenue, hands: Hands) -> None:
    """Every action is refused: the look itself went well, and says in the venue's words why nothing came of it."""
    refusal = "User or API Wallet 0x1 does not exist."
    venue.answers["exchange"] = {"status": "err", "response": refusal}
    assert hands.enforce(Aim.FLATTEN) == (1, 1, refusal)
    venue.answers["exchange"] = {"status": "ok"}
    assert hands.enforce(Aim.FLATTEN) == (1, 1, "")


def test_the_history_of_twaps_is_not_asked_for_at_every_look(venue: ScriptedVenue, hands: Hands) -> None:
    """It costs the venue's weight by its length; one that is at work is followed closely all the same."""
    for _ in range(5):
        hands.enforce(Aim.FLATTEN)
    assert venue.asked.count("twapHistory") == 1
    assert venue.asked.count("frontendOpenOrders") == 5


def test_a_new_act_looks_for_twaps_at_once(venue: ScriptedVenue, hands: Hands) -> None:
    """One may have begun since the last act ended."""
    for act in (1, 1, 2, 2):
        hands.enforce(Aim.FLATTEN, act)
    assert venue.asked.count("twapHistory") == 2


def test_twaps_at_work_are_followed(venue: ScriptedVenue, hands: Hands) -> None:
    """Each look until they are gone."""
    venue.answers["twapHistory"] = [
        {"time": 1, "state": {"coin": "BTC"}, "status": {"status": "activated"}, "twapId": 3}
    ]
    for _ in range(3):
        assert hands.enforce(Aim.CANCEL)[0] == 2
    assert venue.kinds() == ["twapCancel", "cancel"] * 3


def test_a_full_disk_does_not_stop_it(venue: ScriptedVenue, hands: Hands, store: NonceStore) -> None:
    """It acts because the desk could not write either."""
    store._file.execute("PRAGMA query_only = ON")
    assert hands.enforce(Aim.FLATTEN) == (1, 1, "")
    assert venue.kinds() == ["cancel", "order"]


def test_one_whose_folder_was_taken_away_acts_no_more(
    venue: ScriptedVenue, hands: Hands, store: NonceStore, tmp_path: Path
) -> None:
    """A restored desk may trade the account by now."""
    (tmp_path / "nonces.sqlite").unlink()
    with pytest.raises(JournalError, match="fenced"):
        hands.enforce(Aim.FLATTEN)
    assert not venue.kinds()


def test_a_scheduled_cancel_is_taken_back_by_name(venue: ScriptedVenue, hands: Hands) -> None:
    """Without a time; a refusal is an error, so that it is asked again."""
    assert hands.schedule(15_000) is None
    hands.unschedule()
    assert venue.actions[-1] == {"type": "scheduleCancel"}
    venue.answers["exchange"] = {"status": "err", "response": "no"}
    assert hands.schedule(15_000) == "no"
    with pytest.raises(VenueProtocolError, match="no"):
        hands.unschedule()


def test_what_rests_in_spot_pairs_is_cancelled_too(venue: ScriptedVenue, hands: Hands) -> None:
    """Their ids follow from their names; orders and TWAPs, and in no action with what the desk trades."""
    spot = [{"coin": coin, "oid": oid, "side": "A", "sz": "1"} for coin, oid in (("@107", 8), ("PURR/USDC", 9))]
    venue.answers["frontendOpenOrders"] += spot
    venue.answers["twapHistory"] = [
        {"time": 1, "state": {"coin": "@107"}, "status": {"status": "activated"}, "twapId": 3}
    ]
    assert hands.enforce(Aim.CANCEL) == (4, 0, "")
    assert venue.kinds() == ["twapCancel", "cancel", "cancel"]
    assert venue.actions[0]["a"] == 10_107
    perps, pairs = ([(entry["a"], entry["o"]) for entry in action["cancels"]] for action in venue.actions[1:])
    assert (perps, pairs) == ([(0, 7)], [(10_107, 8), (10_000, 9)])


def test_what_nobody_can_name_is_told_and_waited_for_by_nobody(venue: ScriptedVenue, hands: Hands) -> None:
    """Neither a perp nor a spot pair: it is not counted as open, lest the end never come; the rest is cancelled.

    One that was listed since our list was read is looked up at once, and counts as open while the list can't be read.
    """
    venue.answers["clearinghouseState"] = {"assetPositions": []}
    assert hands.enforce(Aim.FLATTEN) == (1, 0, "")
    venue.answers["frontendOpenOrders"] = [
        {"coin": coin, "oid": oid, "side": "B", "sz": "1"} for coin, oid in (("NEW", 8), ("#20", 9), ("BTC", 7))
    ]
    meta, venue.answers["meta"] = venue.answers["meta"], 500
    assert hands.enforce(Aim.FLATTEN) == (3, 0, "orders stay whose asset is not known: #20, NEW")
    meta["universe"].append({"name": "NEW", "szDecimals": 0, "maxLeverage": 3})
    venue.answers["meta"] = meta
    assert hands.enforce(Aim.FLATTEN) == (2, 0, "orders stay whose asset is not known: #20")
    assert [entry["o"] for entry in venue.actions[-1]["cancels"]] == [8, 7]
    venue.asked.clear()
    assert hands.enforce(Aim.FLATTEN) == (2, 0, "orders stay whose asset is not known: #20")
    assert "meta" not in venue.asked, "what a fresh list lacks is not looked up at each look"
