"""What an account's losses are counted from is kept for its next run, and no file that is broken makes them less."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.accounts.marks import WRITE_EVERY_NS, MarksFile
from shared.ids import StrategyId
from shared.messages.account import LedgerReport, PositionLine
from shared.messages.control import Armed, Drained, KillLevel, KillOrdered
from shared.messages.risk import MarksKept, RiskReport, TradingState
from shared.sealing import SealKey
from shared.units import SECOND, Ns, Px, Usd

ACCOUNT = "0x" + "a" * 40
NETWORK = "mainnet"
DAY = 20_000
NOW = Ns(DAY * 86_400 * SECOND)


def report(peak: int, day_open: int | None = 100, approved: int = 0, *disabled: str) -> RiskReport:
    """A report of this peak, the day's first and its volume, and who is disabled."""
    zero, first = Usd(0), None if day_open is None else Usd(day_open)
    return RiskReport(
        zero, Usd(peak), zero, zero, zero, zero, 0.0, 0.1, 0, TradingState.ACTIVE, day=DAY, day_open_usd=first,
        day_approved_usd=Usd(approved), disabled=tuple(map(StrategyId, disabled)),
    )  # fmt: skip


def ledger(equity: int, *held: str) -> LedgerReport:
    """The ledger's word with so much equity and these coins held."""
    zero = Usd(0)
    lines = tuple(PositionLine(coin, 1, zero, Px(1), zero) for coin in held)
    return LedgerReport(zero, Usd(equity), zero, zero, zero, zero, 0.0, 0.0, 0.0, 0.0, 0, lines, (), None)


@pytest.fixture
def marks(tmp_path: Path) -> MarksFile:
    """Those of an account of which nothing is kept."""
    made = MarksFile(tmp_path, ACCOUNT, NETWORK)
    assert made.begin() is None
    return made


def kept(home: Path, key: SealKey | None = None) -> MarksKept | KillOrdered | None:
    """What the account's next run begins with."""
    return MarksFile(home, ACCOUNT, NETWORK, key).begin()


def test_the_next_run_is_told(marks: MarksFile, tmp_path: Path) -> None:
    """Nothing until equity is known; then peak and day, for this account alone; and again in the run after."""
    marks.hear(report(0, None), NOW)
    assert kept(tmp_path) is None
    marks.hear(report(110), NOW)
    assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), None)
    assert MarksFile(tmp_path, "0xb", NETWORK).begin() is None
    later = MarksFile(tmp_path, ACCOUNT, NETWORK)
    later.begin()
    later.hear(report(0, None), NOW)
    assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), None), "it has not begun to count"


def test_the_disk_is_asked_seldom(marks: MarksFile, tmp_path: Path) -> None:
    """A peak that rises all the time is written every few seconds, and the last one then."""
    for seconds, peak, written in ((0, 110, 110), (1, 111, 110), (4, 112, 110), (WRITE_EVERY_NS // SECOND, 113, 113)):
        marks.hear(report(peak), Ns(NOW + seconds * SECOND))
        found = kept(tmp_path)
        assert isinstance(found, MarksKept)
        assert found.peak_usd == written
    (file,) = (tmp_path / "marks").iterdir()
    before = file.stat().st_mtime_ns
    marks.hear(report(113), Ns(NOW + 100 * SECOND))
    assert file.stat().st_mtime_ns == before, "nothing is new"


def test_the_days_volume_and_who_is_disabled_are_kept(marks: MarksFile, tmp_path: Path) -> None:
    """The volume with the next writing, a strategy that was disabled or let go on at once."""
    marks.hear(report(110), NOW)
    marks.hear(report(110, 100, 7), NOW)
    assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), None)
    for disabled in (("mm",), ()):
        marks.hear(report(110, 100, 7, *disabled), NOW)
        assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), None, Usd(7), tuple(map(StrategyId, disabled)))


def test_flat_is_who_was_drained_and_holds_nothing(marks: MarksFile, tmp_path: Path) -> None:
    """Only then, at once, with the newest peak; and no longer from the moment that orders may be made."""
    marks.hear(report(110), NOW)
    for message in (ledger(90), Drained(False, "BTC is left"), ledger(91), Drained(True, ""), ledger(92, "BTC")):
        marks.hear(message, NOW)
        assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), None)
    marks.hear(report(111), NOW)
    marks.hear(ledger(93), NOW)
    assert kept(tmp_path) == MarksKept(Usd(111), DAY, Usd(100), Usd(93))
    marks.hear(report(111), Ns(NOW + WRITE_EVERY_NS))
    assert kept(tmp_path) == MarksKept(Usd(111), DAY, Usd(100), Usd(93))
    later = MarksFile(tmp_path, ACCOUNT, NETWORK)
    later.begin()
    later.hear(Armed("ready"), NOW)
    assert kept(tmp_path) == MarksKept(Usd(111), DAY, Usd(100), None)
    later.hear(ledger(94), NOW)
    later.hear(report(111), Ns(NOW + WRITE_EVERY_NS))
    assert kept(tmp_path) == MarksKept(Usd(111), DAY, Usd(100), None)


@pytest.mark.parametrize("word", [ledger(80, "BTC"), Drained(False, "BTC is left")])
def test_a_late_position_makes_it_flat_no_more(marks: MarksFile, tmp_path: Path, word: LedgerReport | Drained) -> None:
    """What it loses from there on is a loss and no withdrawal, until a drained desk holds nothing again."""
    for message in (report(110), Drained(True, ""), ledger(90), word, report(110)):
        marks.hear(message, NOW)
    assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), None)
    for message in (Drained(True, ""), ledger(70)):
        marks.hear(message, NOW)
    assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), Usd(70))


def test_each_network_has_marks_of_its_own(marks: MarksFile, tmp_path: Path) -> None:
    """Play money at the same address, in the same home folder, is no peak of real money."""
    marks.hear(report(110), NOW)
    testnet = MarksFile(tmp_path, ACCOUNT, "testnet")
    assert testnet.begin() is None
    testnet.hear(report(9_000), NOW)
    assert kept(tmp_path) == MarksKept(Usd(110), DAY, Usd(100), None)


def test_what_cannot_be_read_halts(marks: MarksFile, tmp_path: Path) -> None:
    """A broken file is no reason to trade; the run that began halted counts anew."""
    marks.hear(report(110), NOW)
    (file,) = (tmp_path / "marks").iterdir()
    file.write_text("{")
    later = MarksFile(tmp_path, ACCOUNT, NETWORK)
    order = later.begin()
    assert isinstance(order, KillOrdered)
    assert order.level is KillLevel.PAUSE
    assert f"{file} can't be read" in order.reason
    later.hear(Armed("ready"), NOW)
    assert isinstance(kept(tmp_path), KillOrdered), "nothing is known yet"
    later.hear(report(50, 50), NOW)
    assert kept(tmp_path) == MarksKept(Usd(50), DAY, Usd(50), None)


def test_they_can_be_sealed(tmp_path: Path) -> None:
    """The file tells nothing without the key, and another key or none halts; what was plain stays readable."""
    key = SealKey(b"k" * 32)
    MarksFile(tmp_path, ACCOUNT, NETWORK, key).hear(report(7_654_321), NOW)
    (file,) = (tmp_path / "marks").iterdir()
    assert b"7654321" not in file.read_bytes()
    assert ACCOUNT not in str(file)
    assert file.stat().st_mode & 0o077 == 0
    assert kept(tmp_path, key) == MarksKept(Usd(7_654_321), DAY, Usd(100), None)
    for other in (None, SealKey(b"o" * 32)):
        assert isinstance(kept(tmp_path, other), KillOrdered)
    file.unlink()
    MarksFile(tmp_path, ACCOUNT, NETWORK).hear(report(1), NOW)
    assert kept(tmp_path, key) == MarksKept(Usd(1), DAY, Usd(100), None)
