"""GARCH weights of the closes that are there: found again where they are known, refused where they are none."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.launch import Launch
from orchestrator.settings import Settings
from orchestrator.status import Status
from orchestrator.upkeep import jobs
from orchestrator.upkeep.jobs import FIT, Place, fit_variance, tasks_for
from orchestrator.upkeep.variance_fit import Weights, captured_closes, fitted, returns_of, told_closes
from shared.codec import encode
from shared.config_sources import load
from shared.errors import ConfigError, DataError, ExtraMissing
from shared.ids import Role
from shared.journal import Journal
from shared.messages.market import CandlesTold, Close, QueryCandles
from shared.messages.risk import VarianceFitted
from shared.record import Entry
from shared.units import MINUTE, SECOND, Ns, Px
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from shared.warehouse.tables import CandleRow
from tests.unit.shared.warehouse.rows import publish

EVERY_MS = 60_000


def garch(count: int, alpha: float, beta: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Returns of a GARCH(1,1), a thousandth each day."""
    chance = np.random.Generator(np.random.PCG64(11))
    variance, found = 1.0, []
    for shock in chance.standard_normal(count).tolist():
        found.append(shock * variance**0.5)
        variance = (1 - alpha - beta) + alpha * found[-1] ** 2 + beta * variance
    return 0.001 * np.array(found)


def told(coin: str, returns: np.ndarray[Any, np.dtype[np.float64]], interval: str = "1m") -> CandlesTold:
    """The venue's answer with these returns."""
    pxs = np.rint(1e9 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))).astype(int).tolist()
    closes = tuple(Close(Ns(n * MINUTE), Px(px)) for n, px in enumerate(pxs))
    return CandlesTold(QueryCandles(coin, interval, Ns(0), Ns(len(pxs) * MINUTE)), closes, Ns(1))


def asking(more: Mapping[str, object] | None = None) -> Settings:
    """The settings of a desk that wants fits each hour."""
    wanted = {"hats.risk_oversight_officer.var_fit_every_s": 3_600, **(more or {})}
    return load(Settings, None, wanted, environ={}).settings


class Nobody:
    """Looks at nothing."""

    def step(self, what: str) -> None:
        """Not shown."""

    def show(self, status: Status | None) -> None:
        """Not shown."""


def place(home: Path, *answers: CandlesTold, every_ms: int = EVERY_MS) -> Place:
    """A run whose journal has these answers."""
    with closing(Journal(home / "journal.sqlite", now_ns=1, is_durable=False)) as journal:
        for number, answer in enumerate(answers, 1):
            kind, role = type(answer).__name__, Role.EXCHANGE_ARCHITECT
            journal.append(Entry(number, number, role, kind, 0, 0, encode(answer)), durable=False)
    return Place(str(home), str(home), var_every_ms=every_ms)


def test_weights_that_are_known_are_found_again() -> None:
    """Five thousand returns of alpha 0.1 and beta 0.85."""
    found = fitted(garch(5_000, 0.1, 0.85))
    assert found.alpha == pytest.approx(0.1, abs=0.03)
    assert found.beta == pytest.approx(0.85, abs=0.05)
    assert found.returns == 5_000


@pytest.mark.parametrize(
    ("returns", "why"),
    [
        (np.zeros(500), "do not vary"),
        (np.zeros(0), "0 returns"),
        (np.tile([0.001, -0.001], 300), "not stationary"),
        (np.tile([0.001, -0.003, -0.001, 0.003], 150), "not stationary"),
        (0.001 * np.random.default_rng(3).standard_normal(600) * np.exp(np.linspace(0, 5, 600)), "not stationary"),
    ],
)
def test_what_is_no_garch_is_refused(returns: np.ndarray[Any, np.dtype[np.float64]], why: str) -> None:
    """Nothing that varies, no memory of a shock, or one that grows: no weights rather than wrong ones."""
    with pytest.raises(DataError, match=why):
        fitted(returns)


def test_a_fit_that_does_not_converge_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optimiser's own word."""
    from arch.univariate.base import ARCHModelResult  # noqa: PLC0415 - the test's own

    monkeypatch.setattr(ARCHModelResult, "convergence_flag", 8)
    with pytest.raises(DataError, match="did not converge"):
        fitted(garch(500, 0.1, 0.85))


def test_without_arch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk itself has no need of it."""
    monkeypatch.setitem(sys.modules, "arch", None)
    with pytest.raises(ExtraMissing, match="fit"):
        fitted(garch(100, 0.1, 0.85))


def test_a_gap_gives_no_return() -> None:
    """Only neighbours are compared."""
    closes = {0: 100, MINUTE: 110, 3 * MINUTE: 200, 4 * MINUTE: 220}
    assert returns_of(closes, MINUTE) == pytest.approx([0.0953, 0.0953], abs=1e-4)


def test_what_was_asked_for_goes_before_what_was_pushed(tmp_path: Path) -> None:
    """A pushed candle may not have been over yet; of two pushes the later holds, and other intervals are left out."""

    def row(open_ns: int, close_px: int, recv_ns: int | None, interval: str = "1m") -> CandleRow:
        return CandleRow("A", open_ns, recv_ns, 1, 0, interval, open_ns + MINUTE - 1, 9, 9, 1, close_px, 1, 1)

    store = Store(tmp_path)
    rows = [row(0, 5, None), row(0, 6, 99), row(MINUTE, 7, 98), row(MINUTE, 8, 97), row(0, 9, None, "5m")]
    publish(store, "candles", list(rows))
    assert captured_closes(Warehouse(tmp_path), "1m") == {"A": {0: 5, MINUTE: 7}}


def test_the_job_tells_each_coins_weights_and_what_it_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From what the venue told the run; a coin that stands still is refused and said."""
    said: list[VarianceFitted] = []
    monkeypatch.setattr(jobs, "_tell", lambda _, finding: said.append(finding))
    good, still = told("AAA", garch(2_000, 0.1, 0.85)), told("BBB", np.zeros(600))
    line = fit_variance(place(tmp_path, good, still, told("CCC", garch(600, 0.1, 0.8), "5m")))
    (fit,) = said
    expected = fitted(returns_of(told_closes([good], "1m")["AAA"], MINUTE))
    assert Weights(fit.alpha, fit.beta, fit.returns) == expected
    assert (fit.coin, fit.every_ms) == ("AAA", EVERY_MS)
    assert "AAA alpha" in line
    assert "BBB refused: 600 returns that do not vary" in line
    assert "CCC" not in line


def test_without_candles_there_is_nothing_to_fit(tmp_path: Path) -> None:
    """Neither of the run nor of a warehouse; and no candle is seven seconds long."""
    assert fit_variance(place(tmp_path)) == "no candles to fit to"
    with pytest.raises(ConfigError, match="7000"):
        fit_variance(Place(str(tmp_path), str(tmp_path), var_every_ms=7_000))


def test_the_job_is_there_when_it_is_asked_for() -> None:
    """Never by default, for the desk is installed without arch."""
    assert FIT not in tasks_for(Settings())
    assert tasks_for(asking())[FIT].job.every_ns == 3_600 * SECOND


def test_a_desk_that_asks_and_lacks_arch_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so before anything is started, and not each hour while it trades."""
    monkeypatch.setitem(sys.modules, "arch", None)
    launch = Launch(asking({"run.home_dir": str(tmp_path)}), Nobody(), own_ray=True, replay=None, config="")
    with pytest.raises(ExtraMissing, match=r"hyperhats\[fit\]"):
        launch.run()
    assert not launch.files.logs.exists()
    assert FIT not in tasks_for(Settings())


def test_returns_that_no_candle_has_are_refused_at_once() -> None:
    """Seven seconds are no candle's length; nobody would ever have anything to fit to."""
    with pytest.raises(ConfigError, match="var_fit_every_s"):
        asking({"hats.risk_oversight_officer.var_every_ms": 7_000})
