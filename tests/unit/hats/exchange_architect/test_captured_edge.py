"""The door with a log behind it: what was heard is in the log, and a log that fails stops nothing but entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hats.exchange_architect.captured_edge import CapturedEdge
from shared.clock import WallClock
from shared.messages.market import BookUpdate, CaptureState, CaptureStatus, FeedState, FeedStatus
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import read, segments, verify_log
from shared.warehouse.capture.records import Direction, Frame
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.loopback import Collector
from tests.unit.hats.exchange_architect.small_venue import SmallVenue


def heard_until_up(edge: CapturedEdge) -> Collector:
    """What the edge says until its feed is up; it is stopped then."""
    heard = Collector()
    edge.start(heard)
    try:
        heard.wait_until(lambda said: any(isinstance(one, FeedStatus) and one.state is FeedState.UP for one in said))
    finally:
        edge.stop()
    return heard


def edge_of(venue: SmallVenue, run_dir: Path, **capture: Any) -> CapturedEdge:
    """An edge of this venue that captures into the run's folder."""
    settings = scene.settings(base_url=venue.url, tick_ms=5, backoff_first_ms=5)
    wanted = settings.capture.model_copy(update={"low_water_bytes": 0} | capture)
    return CapturedEdge(settings.model_copy(update={"capture": wanted}), WallClock(), run_dir, 1)


@pytest.fixture
def venue() -> Any:
    """A venue that behaves."""
    made = SmallVenue()
    yield made
    made.close()


def test_a_run_leaves_its_frames(venue: SmallVenue, tmp_path: Path) -> None:
    """The status comes first; both ways are in the run's folder, sealed, whole and complete."""
    heard = heard_until_up(edge_of(venue, tmp_path))
    first = heard.said[0][0]
    assert isinstance(first, CaptureStatus)
    assert first.state is CaptureState.ON
    log = tmp_path / "capture"
    report = verify_log(log)
    assert report.is_whole
    assert report.is_complete
    assert report.accounts[0].frames == report.accounts[0].captured
    frames = [record for path in segments(log) for record in read(path) if isinstance(record, Frame)]
    assert any(frame.direction is Direction.OUT and b"subscribe" in frame.data for frame in frames)
    assert any(frame.direction is Direction.IN and b'"l2Book"' in frame.data for frame in frames)


def test_without_a_log_the_desk_hears_that(venue: SmallVenue, tmp_path: Path) -> None:
    """A log that is in another's hands is DEAD, said before anything else, and the feed comes up all the same."""
    other = CaptureLog(tmp_path / "capture", 1, 0)
    heard = heard_until_up(edge_of(venue, tmp_path))
    assert next(one.state for one in heard.of(CaptureStatus)) is CaptureState.DEAD
    assert heard.of(BookUpdate)
    other.close(0)


def test_a_log_that_nobody_wants_is_off(venue: SmallVenue, tmp_path: Path) -> None:
    """Switched off, there is no folder, and that is said."""
    heard = heard_until_up(edge_of(venue, tmp_path, enabled=False))
    assert [one.state for one in heard.of(CaptureStatus)] == [CaptureState.OFF]
    assert not (tmp_path / "capture").exists()


def test_it_lies_where_the_settings_say(venue: SmallVenue, tmp_path: Path) -> None:
    """A folder of its own choice, on another disk perhaps."""
    heard_until_up(edge_of(venue, tmp_path, dir=tmp_path / "elsewhere"))
    assert verify_log(tmp_path / "elsewhere").is_complete
