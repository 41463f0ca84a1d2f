"""Whoever changes the audit log is found, even if they stamp the chain anew and forge the head."""

from __future__ import annotations

import msgspec
import pytest

from hats.security_architect import audit
from hats.security_architect.checkpoints import CheckpointKey, Expected, is_genuine, peaks_of
from shared.errors import DataError
from tests.security.attack_audit import CHANGES, KEY, LOG, Target, campaign

TARGET = Target(records=60, every=20)


def test_every_attack_is_found() -> None:
    """The short form of the campaign that this module's command runs at length."""
    tried, missed = campaign(700, seed=5)
    assert set(tried) == set(CHANGES)
    assert missed.total() == 0


def test_without_checkpoints_a_restamped_chain_is_sound() -> None:
    """Why checkpoints are needed at all: the chain and its head say nothing against a forger."""
    target = Target(records=10, every=5)
    forged = Target(records=7, every=5)
    assert audit.verify(forged.lines, forged.head).is_sound
    assert target.is_found(forged.lines, forged.head)


def test_a_checkpoint_of_another_key_is_a_fault() -> None:
    """A forger's own checkpoints do not help: beside ours they disagree, and alone they are not trusted."""
    forger, forged = CheckpointKey(b"\x08" * 32), Target(records=60, every=60)
    theirs = [forger.sign(LOG, peaks_of(forged.checkpoints[-1]), 1)]
    assert not audit.verify(forged.lines, forged.head, Expected([*theirs, *TARGET.checkpoints], LOG)).is_sound
    alone = Expected(theirs, LOG, [KEY.public_key])
    assert "not trusted" in audit.verify(forged.lines, forged.head, alone).fault


@pytest.mark.parametrize("field", ["log", "size", "root", "ns", "signature"])
def test_a_checkpoint_with_one_other_field_is_not_genuine(field: str) -> None:
    """The signature covers everything that is said."""
    genuine = TARGET.checkpoints[0]
    other = {"log": "other", "size": 21, "root": "00" * 32, "ns": 1, "signature": "00" * 64}[field]
    changed = msgspec.structs.replace(genuine, **{field: other})
    assert is_genuine(genuine)
    assert not is_genuine(changed)
    assert not audit.verify(TARGET.lines, TARGET.head, Expected([changed], LOG)).is_sound


def test_peaks_that_do_not_give_the_root_are_refused() -> None:
    """They are not signed, so they are checked."""
    with pytest.raises(DataError, match="don't give its root"):
        peaks_of(msgspec.structs.replace(TARGET.checkpoints[0], peaks=("00" * 32,)))


def test_a_sound_log_says_how_much_is_signed() -> None:
    """Records that came after the last checkpoint are sound, and said to be unsigned."""
    found = audit.verify(TARGET.lines, TARGET.head, Expected(TARGET.checkpoints[:2], LOG))
    assert (found.records, found.signed, found.root) == (60, 40, TARGET.checkpoints[-1].root)
