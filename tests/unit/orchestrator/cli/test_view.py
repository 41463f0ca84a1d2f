"""The live view fits its window and never shows what is not known."""

from __future__ import annotations

import msgspec
import pytest
from rich.console import Console

from orchestrator.cli.view import Frame, line, plain, screen, state_of
from orchestrator.status import CaptureLine, HatLine, Latency, Money, OrderLine, PositionView, Status
from shared.ids import HATS, TITLES

SIZES = [(80, 24), (100, 30), (140, 40)]


def hat(number: int) -> HatLine:
    """A Hat at work."""
    role = HATS[number]
    return HatLine(role, TITLES[role], "armed", 0, 3, 1.25, 12, 0, {}, 8.4 if number else None, None)


def order(number: int, state: str = "resting") -> OrderLine:
    """An order."""
    return OrderLine(f"0x{number:032x}", "mm_btc", "BTC", "buy", 99_967.5, 0.0125, 0.0, state, "")


MONEY = Money(100_000.0, 100_012.34, 12.34, 5.0, 7.34, 1.5, 0.25, 0.0012, 0.0034, None, 0.5, 17)
BUSY = Status(
    run=1, ts_ns=2_000_000_000, seq=123_456, is_armed=True, is_draining=False, drained=None, is_flat=None,
    trading_state="active", feed="up", capture=CaptureLine("on", "", 9, 0, 1), books_agree=True,
    differences=(), hats=tuple(map(hat, range(9))), money=MONEY,
    positions=tuple(PositionView(coin, 0.5, 100_000.0, 100_010.0, -5.0) for coin in ("BTC", "ETH")), attribution=(),
    open_orders=tuple(map(order, range(60))), ended_orders=tuple(order(n, "cancelled") for n in range(60)),
    order_states={"filled": 5, "cancelled": 99}, rejected={"too far": 2}, bad_data=0,
    latency=Latency(7_406.0, 20_817.0, 104, ()),
)  # fmt: skip
EMPTY = msgspec.structs.replace(
    BUSY, is_armed=False, trading_state=None, feed=None, capture=None, books_agree=None, money=None, positions=(),
    open_orders=(), ended_orders=(), order_states={}, rejected={}, latency=Latency(None, None, 0, ()),
)  # fmt: skip


def shown(status: Status | None, size: tuple[int, int], *, is_away: bool = False) -> list[str]:
    """The lines on the screen."""
    console = Console(width=size[0], height=size[1], record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as capture:
        console.print(screen(status, Frame("hats", "trading", 43.0, 120.0, is_away, *size)))
    return capture.get().rstrip("\n").split("\n")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("status", [None, EMPTY, BUSY])
def test_it_fits_the_window(status: Status | None, size: tuple[int, int]) -> None:
    """However much there is to show, the picture is no larger than the window."""
    lines = shown(status, size)
    assert len(lines) <= max(size[1], 22)
    assert max(map(len, lines)) <= size[0]


@pytest.mark.parametrize("size", SIZES[1:])
def test_what_matters_is_never_cut(size: tuple[int, int]) -> None:
    """State, money, latency, every Hat's title and score are whole at the usual sizes."""
    text = "\n".join(shown(BUSY, size))
    for wanted in ("ARMED", "00:43 of 02:00", "100,012.34", "+12.34", "0.12%", "7,406 us", "20,817 us", "123,456"):
        assert wanted in text, wanted
    assert all(title in text for role, title in TITLES.items() if role in HATS)
    assert text.count("8.4") == 8
    assert "99,967.5" in text
    assert "…" not in text


def test_unknown_is_a_dash() -> None:
    """Without a ledger, a latency or a feed there is no figure: no zero is made up."""
    text = "\n".join(shown(EMPTY, (140, 40)))
    for name in ("equity", "pnl", "fees", "drawdown", "fills", "trading", "feed", "books"):
        assert f"{name} —" in text, name
    assert "p50 — us" in text
    assert "0.00" not in text


def test_a_silent_hub_is_said() -> None:
    """While the hub is away its last word stays, marked as such."""
    assert "HUB AWAY" in shown(BUSY, (140, 40), is_away=True)[0]


def test_one_line_for_logs() -> None:
    """The line has state, money, latency and scores; unknown is a dash there too."""
    frame = Frame("", "trading", 61.0, None, False, 0, 0)
    assert "01:01 ARMED seq 123456 equity 100,012.34 pnl +12.34 fills 17 open 60" in line(BUSY, frame)
    assert "equity — pnl — fills —" in line(EMPTY, frame)
    assert "no status yet" in line(None, frame)


def test_states_in_their_order() -> None:
    """Drained hides draining, draining hides armed."""
    assert state_of(BUSY) == "ARMED"
    assert state_of(EMPTY) == "DISARMED"
    assert state_of(msgspec.structs.replace(BUSY, is_draining=True)) == "DRAINING"
    assert state_of(msgspec.structs.replace(BUSY, is_draining=True, drained="all gone")) == "DRAINED"


@pytest.mark.parametrize(("value", "text"), [(None, "—"), (0.0, "0"), (1_234.5, "1,234.5"), (0.00001, "0.00001")])
def test_prices_have_their_own_digits(value: float | None, text: str) -> None:
    """No digit is added and none lost."""
    assert plain(value) == text


def test_a_log_in_trouble_is_shown() -> None:
    """That frames are not kept stands in the head; that they are needs no word."""
    dead = msgspec.structs.replace(BUSY, capture=CaptureLine("dead", "the disk failed", 9, 2, None))
    assert "CAPTURE DEAD" in shown(dead, (140, 40))[0]
    assert "CAPTURE" not in shown(BUSY, (140, 40))[0]
