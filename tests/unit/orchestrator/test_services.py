"""The operator's word at the hub's door: what loosens is signed, or nobody hears it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.accounts import operator_key
from orchestrator.gauges import Gauges
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.services import services_of
from orchestrator.settings import Settings
from orchestrator.status import status_of
from shared.codec import encode
from shared.errors import NotAllowedError
from shared.messages.control import JobEnded, KillLevel, KillOrdered, ResumeOrdered
from shared.messages.risk import AlertAcknowledged, TradingState
from shared.metrics import Metrics
from shared.operator_word import ack_words, resume_words
from shared.units import Ns


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Rehearsal]:
    """Nine Hats that trade on the stage."""
    made = rehearse(Settings(), tmp_path / "journal.sqlite", seed=7)
    made.run_for(5)
    yield made
    made.close()


def test_nobody_lets_go_of_a_kill_for_an_unsigned_resume(desk: Rehearsal, tmp_path: Path) -> None:
    """It is refused and not journaled; else the desk was armed again and its flattening given up before it failed."""
    public = operator_key.make(tmp_path / "operator.key")
    say, heart = services_of(public)["say"], desk.heart
    say(heart, desk.stage.clock.now(), encode(KillOrdered(KillLevel.FLATTEN, "test")))
    desk.run_for(1)
    last_seq = heart.sequencer.record.last_seq
    with pytest.raises(NotAllowedError, match="not signed"):
        say(heart, desk.stage.clock.now(), encode(ResumeOrdered("let me")))
    assert heart.sequencer.record.last_seq == last_seq
    desk.run_for(10)
    status = status_of(heart, desk.stage.clock.now())
    assert (status.is_armed, status.trading_state) == (False, TradingState.HALTED)

    now = Ns(desk.stage.clock.now())
    signature = operator_key.sign(tmp_path / "operator.key", resume_words(heart.supervisor.run, "looked at it", now))
    order = encode(ResumeOrdered("looked at it", now, signature))
    say(heart, now, order)
    desk.run_for(1)
    assert status_of(heart, now).is_armed
    with pytest.raises(NotAllowedError, match="used before"):
        say(heart, now, order)


def test_a_signed_word_is_used_up_for_the_hub_that_comes_after_too(desk: Rehearsal, tmp_path: Path) -> None:
    """What was signed last lies in the journal, with the word: whoever folds it refuses the same word again."""
    public = operator_key.make(tmp_path / "operator.key")
    heart, now = desk.heart, Ns(desk.stage.clock.now())
    words = ack_words(heart.supervisor.run, "in_doubt", "on it", now)
    order = encode(AlertAcknowledged("in_doubt", "on it", now, operator_key.sign(tmp_path / "operator.key", words)))
    with pytest.raises(NotAllowedError, match="not acknowledged: it is not signed"):
        services_of(public)["say"](heart, now, encode(AlertAcknowledged("in_doubt", "on it")))
    services_of(public)["say"](heart, now, order)
    with pytest.raises(NotAllowedError, match="used before"):
        services_of(public)["say"](heart, now, order)


def test_without_a_key_whoever_is_on_the_line_may(desk: Rehearsal) -> None:
    """As the settings say."""
    seq = services_of("")["say"](desk.heart, desk.stage.clock.now(), encode(ResumeOrdered("looked at it")))
    assert int(seq) == desk.heart.sequencer.record.last_seq


def test_a_job_that_fails_is_journaled_and_shown_until_it_succeeds(desk: Rehearsal) -> None:
    """What will be tried again is no alarm yet; what failed at every attempt is, in the status and in the metrics."""
    say, heart, metrics = services_of("")["say"], desk.heart, Metrics()
    gauges = Gauges(metrics)

    def shown(ended: JobEnded) -> tuple[dict[str, str], object]:
        now = desk.stage.clock.now()
        seq = json.loads(say(heart, now, encode(ended)))
        assert heart.sequencer.record.last_seq >= seq
        gauges.beat(heart, now, {})
        return status_of(heart, now).failing_jobs, metrics.registry.get_sample_value("hats_jobs_failing")

    assert shown(JobEnded("check_audit", 1, 1, "WorkerCrashedError", is_final=False)) == ({}, 0)
    failed = shown(JobEnded("check_audit", 1, 2, "DataError: line 3", is_final=True))
    assert failed == ({"check_audit": "DataError: line 3"}, 1)
    assert shown(JobEnded("scan_run", 1, 1, "", is_final=True)) == failed
    assert shown(JobEnded("check_audit", 2, 1, "", is_final=True)) == ({}, 0)
