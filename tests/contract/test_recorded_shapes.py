"""Every recorded answer that the venue supports has an answer here of the same shape, types and spelling of numbers.

What differs is in one table with its reason; a recorded question that is not answered here is in another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest

from shared.venue.door.cors import EXPOSED
from shared.venue.door.info import TYPES
from tests.contract.json_shapes import differences
from tests.contract.recorded_scene import Scene
from tests.contract.recordings import FOLDER, MISSING, Recorded, recorded

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=MISSING)

MAPS: Final = {"allMids": ("",)}
"""Objects whose keys are names of coins."""

UNANSWERED: Final[dict[tuple[str, str], str]] = {
    ("portfolio", ""): "what accounts were worth in the past is not kept",
    ("userNonFundingLedgerUpdates", ""): "the ledger is not told here yet",
    ("perpDeployAuctionStatus", ""): "nobody deploys dexs here",
    ("perpDexLimits", "xyz"): "the scene has no deployed dex",
    ("perpDexStatus", "xyz"): "the scene has no deployed dex",
    ("metaAndAssetCtxs", "xyz"): "the scene has no deployed dex",
}
"""(type, dex) of recorded questions that get no answer like the venue's here, and why."""

NEWER: Final = "the recording is older than the field"
GONE: Final = "the recording is of 2023, the field is gone"
OURS: Final = "the user of the scene has a client id or a trigger order, the recorded one had none"
EMPTY: Final = "nobody can have any here"
NO_DEX: Final = "the scene has no deployed dex"
_NEW_FILL: Final = {f"[].{key}: extra": NEWER for key in ("tid", "feeToken", "twapId")} | {"[].cloid: extra": OURS}

DIFFERENCES: Final[dict[str, dict[str, str]]] = {
    "clearinghouseState": {
        ".assetPositions[].position.cumFunding: extra": NEWER,
        ".assetPositions[].position.maxLeverage: extra": NEWER,
        ".assetPositions[].position.maxTradeSzs: missing": GONE,
        ".crossMaintenanceMarginUsed: extra": NEWER,
        ".time: extra": NEWER,
    },
    "delegatorHistory": {"[]: nothing to compare": EMPTY},
    "frontendOpenOrders": {"[].children[].cloid: extra": NEWER, "[].cloid: extra": NEWER},
    "historicalOrders": {
        "[].order.cloid: cloid instead of null": OURS,
        "[].order.tif: null instead of text": OURS,
    },
    "meta": {
        ".collateralToken: extra": NEWER,
        ".marginTables: extra": NEWER,
        ".universe[].marginTableId: extra": NEWER,
    },
    "metaAndAssetCtxs": {"[0].collateralToken: extra": NEWER},
    "openOrders": {"[].cloid: extra": OURS, "[].origSz: extra": NEWER, "[].reduceOnly: extra": OURS},
    "orderStatus": {".order.order.cloid: cloid instead of null": OURS},
    "perpDexs": {": 1 places instead of 5": NO_DEX},
    "userFills": _NEW_FILL,
    "userFillsByTime": _NEW_FILL,
    "userFunding": {
        "[].delta.nSamples: null instead of int": "the recording is of 2023, when funding was sampled; null today"
    },
    "userRateLimit": {".nRequestsSurplus: extra": NEWER},
    "userVaultEquities": {"[]: nothing to compare": EMPTY},
}
"""By type: the differences that are allowed, each with its reason."""


@cache
def _scene() -> Scene:
    return Scene()


def _questions() -> Iterator[Recorded]:
    """Each distinct recorded question once in each file."""
    seen = set()
    for one in recorded("/info"):
        key = one.file, json.dumps(one.request, sort_keys=True), type(one.reply), str(one.reply)[:30]
        if key not in seen:
            seen.add(key)
            yield one


QUESTIONS: Final = list(_questions())


def _is_unanswered(one: Recorded) -> bool:
    return (one.kind, one.request.get("dex") or "") in UNANSWERED


@pytest.mark.parametrize(
    "one", [one for one in QUESTIONS if not _is_unanswered(one)], ids=lambda one: f"{one.file}-{one.kind}"
)
def test_the_answer_looks_like_the_recorded_one(one: Recorded) -> None:
    """The same question to this door is answered with the same keys, kinds and spellings, but for the table's rows."""
    scene = _scene()
    finds_order = isinstance(one.reply, dict) and one.reply.get("status") == "order"
    ours = scene.ask(scene.translated(one.request, finds_order=finds_order))
    found = set(differences([one.reply], [ours], maps=MAPS.get(one.kind, ())))
    assert found <= set(DIFFERENCES.get(one.kind, {})), "\n" + "\n".join(sorted(found))


def test_every_recorded_type_is_answered_or_said_not_to_be() -> None:
    """No recorded type is forgotten."""
    asked = {one.kind for one in QUESTIONS}
    assert asked <= set(TYPES) | {kind for kind, _ in UNANSWERED}


def test_the_recorded_headers_are_those_that_the_server_adds() -> None:
    """Every recorded reply let any origin read it, and varied with the same three headers."""
    added = {name.decode(): value.decode() for name, value in EXPOSED}
    for one in recorded("/info"):
        assert {name: one.headers[name] for name in added} == added
        assert one.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ({"px": "1.0"}, {"px": "1.5"}, set()),
        ({"px": "1.0"}, {"px": "1"}, {".px: whole instead of decimal"}),
        ({"px": "1.0"}, {"px": "1.50"}, {".px: text instead of decimal"}),
        ({"px": "1.0"}, {"px": 1.0}, {".px: float instead of decimal"}),
        ({"b": 1, "a": 1}, {"a": 1, "b": 1}, {": keys in another order"}),
        ([{"a": 1}, {"a": 1, "b": 1}], [{"a": 1}], set()),
        ([{"a": 1}, {"a": 1, "b": 1}], [{"b": 1}], {"[].a: missing"}),
        ([[1, "x"]], [["x", 1]], {"[][0]: text instead of int", "[][1]: int instead of text"}),
        ([1], [], {"[]: nothing to compare"}),
        ([], [{"a": 1}], set()),
        ({"a": None}, {"a": 5, "c": 1}, {".a: int instead of null", ".c: extra"}),
    ],
)
def test_the_comparison_sees_what_it_should(theirs: Any, ours: Any, expected: set[str]) -> None:
    """Kinds, spellings, missing and added keys, and another order are noticed; other values are not."""
    assert set(differences([theirs], [ours])) == expected
