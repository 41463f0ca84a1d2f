"""A segment's bytes give back what was written, and every damage to them is seen, named and stepped over."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from shared.errors import DataError
from shared.warehouse.capture import blocks
from shared.warehouse.capture.blocks import HEADER_BYTES, Kind, Place, block, group_payload, records_of
from shared.warehouse.capture.records import AnyRecord, Frame, decode, encode
from shared.warehouse.capture.scan import Block, Damage, scan
from shared.warehouse.capture.verdict import Report, assess, contents
from tests.unit.shared.warehouse.capture.samples import story, write

STORY = story(110)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sealed segment of some ten groups."""
    directory = tmp_path_factory.mktemp("log")
    write(directory, STORY)
    return (directory / "00000001.hlog").read_bytes()


@pytest.fixture(scope="module")
def unsealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same, left open by a writer that was killed."""
    directory = tmp_path_factory.mktemp("log")
    write(directory, STORY, is_closed=False)
    return (directory / "00000001.hlog.open").read_bytes()


def numbered(data: bytes) -> dict[int, AnyRecord]:
    """The records that can be read, by number."""
    found: dict[int, AnyRecord] = {}
    for part in scan(data):
        if isinstance(part, Block) and part.header.kind is Kind.GROUP:
            found.update(enumerate(records_of(part.payload), part.header.first_record))
    return found


def lost(report: Report) -> set[int]:
    """The numbers that the report says are gone, with those a torn tail is known to have held."""
    damages = [*report.damages, *([report.torn] if report.torn else [])]
    return {n for damage in damages for n in range(damage.first_record, damage.last_record + 1)}


@pytest.mark.parametrize("record", story(4), ids=lambda record: type(record).__name__)
def test_a_record_is_one_text_of_bytes(record: AnyRecord) -> None:
    """Every kind of record comes back from its bytes as it was."""
    assert decode(encode(record)) == record


def test_a_sealed_segment_is_whole_and_says_what_was_said(sealed: bytes) -> None:
    """Without damage every record comes back in order and the report has no fault."""
    report = assess("00000001.hlog", sealed)
    assert report.is_whole, report
    assert [r for r in contents(sealed) if not isinstance(r, Damage)][1:] == STORY
    assert report.foot is not None
    assert (report.records, report.first_record, report.last_record) == (report.foot.records, 1, len(STORY) + 1)


def test_the_parts_of_a_scan_add_up(sealed: bytes) -> None:
    """No byte is left out, whatever is cut from the middle."""
    broken = sealed[:700] + sealed[1_500:]
    for data in (sealed, broken):
        at = 0
        for part in scan(data):
            assert part.offset == at
            at = part.end
        assert at == len(data)


def test_torn_at_each_of_the_last_4096_bytes(unsealed: bytes, record_property: Callable[[str, object], None]) -> None:
    """Cut anywhere, the tail recovers to the last whole group, and the report says how many bytes and which records."""
    everything = numbered(unsealed)
    assert len(unsealed) > 4_096 + 2_000
    ends = [part.end for part in scan(unsealed)]
    for length in range(len(unsealed) - 4_096, len(unsealed)):
        data = unsealed[:length]
        report = assess("00000001.hlog.open", data)
        end = max(end for end in ends if end <= length)
        assert report.whole_bytes == end
        assert not report.damages
        assert not report.faults
        whole = {n: record for n, record in everything.items() if n <= report.last_record}
        if end == length:
            assert report.torn is None
            continue
        assert report.torn is not None
        assert (report.torn.offset, report.torn.bytes) == (end, length - end)
        assert report.torn.first_record == report.last_record + 1
        if length - end >= HEADER_BYTES:
            assert report.torn.last_record > report.last_record
        else:
            assert report.torn.last_record == -1
        if length % 64 == 0:
            assert numbered(data) == whole
    record_property("offsets", 4_096)


@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_flipped_bits(sealed: bytes, seed: int, record_property: Callable[[str, object], None]) -> None:
    """Each flipped bit is found; the records it cost are exactly those the report names, all others are unchanged."""
    chance, everything = Random(seed), numbered(sealed)
    for _ in range(250):
        bit = chance.randrange(len(sealed) * 8)
        data = bytearray(sealed)
        data[bit // 8] ^= 1 << bit % 8
        report = assess("00000001.hlog", bytes(data))
        assert not report.is_whole, bit
        assert report.damages, bit
        assert numbered(bytes(data)) == {n: r for n, r in everything.items() if n not in lost(report)}
        assert len(lost(report)) <= 12
    record_property("flips", 250)


@pytest.mark.parametrize("seed", range(3))
def test_wounds_of_any_size(unsealed: bytes, seed: int) -> None:
    """Overwritten, zeroed or repeated stretches are found too, and nothing that is read was not written."""
    chance, everything = Random(seed), numbered(unsealed)
    for _ in range(60):
        start, size = chance.randrange(len(unsealed)), chance.randint(1, 2_000)
        stretch = len(unsealed[start : start + size])
        source = chance.randrange(len(unsealed) - stretch)
        patch = chance.choice((bytes(stretch), chance.randbytes(stretch), unsealed[source : source + stretch]))
        data = unsealed[:start] + patch + unsealed[start + stretch :]
        report = assess("00000001.hlog.open", data)
        read = numbered(data)
        assert report.is_whole == (data == unsealed)
        assert read.items() <= everything.items() or all(everything[n] == r for n, r in read.items())


def test_a_frame_that_contains_a_block_is_no_block() -> None:
    """Bytes of a log inside a frame don't pass for blocks when the block around them is damaged."""
    place = Place(1, 1, 1)
    inner = block(place, Kind.GROUP, 0, group_payload([b"\x90"]), 1, 1)
    noise = Random(1).randbytes(500)
    payload = group_payload([encode(Frame(1, 1, 1, 1, 1, noise + inner * 3 + noise))])
    first = block(place, Kind.HEAD, 0, b"", 1)
    data = bytearray(first + block(place, Kind.GROUP, len(first), payload, 1, 1))
    data[len(first) + 10] ^= 1
    assert [type(part) for part in scan(bytes(data))] == [Block, Damage]


def test_a_block_of_another_segment_is_damage() -> None:
    """A sector that the disk took from another segment at the same offset is not read as ours."""
    head = block(Place(1, 1, 1), Kind.HEAD, 0, b"", 1)
    foreign = block(Place(1, 1, 2), Kind.GROUP, len(head), group_payload([encode(story(4)[0])]), 1, 1)
    found = list(scan(head + foreign))
    assert isinstance(found[1], Damage)
    assert "not of" in found[1].why


def test_another_version_is_refused() -> None:
    """A block of a version that this code does not know is an error, not damage."""
    fixed = blocks._FIXED.pack(blocks.MARKER, 2, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0)
    data = fixed + blocks._CRC.pack(blocks._header_crc(fixed, 0))
    with pytest.raises(DataError, match="version 2"):
        list(scan(data))


def test_a_sealed_name_without_a_footer_is_a_fault(unsealed: bytes) -> None:
    """What is called sealed and is not, says so; so does a segment under another's name."""
    assert "no footer" in assess("00000001.hlog", unsealed).faults[0]
    assert "segment 1" in assess("00000002.hlog.open", unsealed).faults[0]
