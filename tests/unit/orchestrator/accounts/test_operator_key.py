"""The operator's key: made once, private, and its signature is what the Risk Officer asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.accounts.operator_key import make, sign
from shared.errors import ConfigError
from shared.messages.control import KillLevel, KillOrdered, ResumeOrdered
from shared.messages.risk import TradingState, TradingStateChanged
from shared.operator_word import fault_in, resume_words
from shared.units import MINUTE, Ns
from tests.unit.hats.risk_oversight_officer.scene import NOW, RUN, officer, say


def test_made_once_and_private(tmp_path: Path) -> None:
    """0600, never overwritten, and refused when others may read it or it is no key."""
    path = tmp_path / "operator.key"
    assert len(make(path)) == 66
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError):
        make(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        sign(path, b"x")
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(ConfigError):
        sign(path, b"x")


def test_only_the_signed_word_loosens(tmp_path: Path) -> None:
    """Unsigned, another's, for another run, another reason, old or used before: trading stays halted and says why."""
    key, other = tmp_path / "a.key", tmp_path / "b.key"
    public, _ = make(key), make(other)
    hat = officer(operator_public_key=public)

    def order(by: Path, run: int = RUN, said: str = "looked", ns: int = NOW) -> ResumeOrdered:
        return ResumeOrdered("looked", Ns(ns), sign(by, resume_words(run, said, ns)))

    good = order(key)
    say(hat, KillOrdered(KillLevel.PAUSE, "test"))
    for bad in (
        ResumeOrdered("looked"),
        order(other),
        order(key, run=RUN + 1),
        order(key, said="another"),
        order(key, ns=NOW - MINUTE - 1),
        ResumeOrdered("looked", NOW, "zz"),
        ResumeOrdered("looked", NOW, "00"),
    ):
        (said,) = say(hat, bad)
        assert isinstance(said, TradingStateChanged)
        assert said.state is TradingState.HALTED
        assert "not resumed" in said.reason
    (said,) = say(hat, good)
    assert isinstance(said, TradingStateChanged)
    assert said.state is TradingState.ACTIVE
    say(hat, KillOrdered(KillLevel.PAUSE, "again"))
    (said,) = say(hat, good)
    assert isinstance(said, TradingStateChanged)
    assert "used before" in said.reason


def test_without_a_public_key_no_signature_is_asked() -> None:
    """A demo has no operator's key."""
    assert fault_in(ResumeOrdered("go"), "", RUN, 0, NOW) is None
