"""The signer's campaigns in little: forbidden actions in every shape, and fuzz with a second opinion."""

from __future__ import annotations

from pathlib import Path

from tests.security.forbidden import FORBIDDEN, SHAPES, campaign
from tests.security.fuzz_signer import fuzz
from tests.security.signer_referee import Law


def test_forbidden_in_every_shape(tmp_path: Path) -> None:
    """At least 18 types in at least 10 shapes: each is refused by the process, which signs on."""
    result = campaign(tmp_path)
    assert result.types == len(FORBIDDEN) >= 18
    assert result.shapes == len(SHAPES) >= 10
    assert result.not_refused == []
    assert result.refused + result.hung_up == result.types * result.shapes
    assert result.allowed_signed == result.types


def test_fuzz(tmp_path: Path) -> None:
    """1,500 requests (the command fires 50,000): nothing outside the policy, no crash, no slow answer."""
    found = fuzz(tmp_path, requests=1_500, seed=1)
    assert found.breaches == ()
    assert found.is_good, found


def test_the_second_opinion_can_differ(tmp_path: Path) -> None:
    """Held against a stricter law than the signer was given, its signatures are found outside: the referee looks."""
    found = fuzz(tmp_path, requests=500, seed=2, law=Law({0: "0.1"}, 50, 5, 100))
    said = " ".join(found.breaches)
    for breach in ("an order over the cap", "cancel of another asset", "too many orders", "too much"):
        assert breach in said, found.breaches
    assert not found.is_good
