"""docs/risk-controls.md, made from the table of controls itself: `make configs` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.risk_oversight_officer.controls.table import CONTROLS, Spares
from hats.risk_oversight_officer.scenarios import SCENARIOS
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.vigil import CAUSES

HEAD: Final = """# Risk controls

Every order is asked all of these, in this order, before it may be approved; the first one that it breaks denies it.
What is equal to a limit passes, one unit beyond does not; nothing is ever clipped. A denial carries its reason code,
the limit and what was found. Settings are keys of `[hats.risk_oversight_officer]`; where none is named the limit is
a fact.
"""
UNKNOWN: Final = """
## What nobody said yet, or too long ago

Unknown is not taken for good. Without its book, the feed's word, the venue's context (mark, oracle, funding), the
capture log's word, the venue's time, equity, books that were held against the venue's, or a price of today for every
other coin that is held, nothing is added. An unknown regime, or one that nobody confirmed within `regime_age_limit_ms`,
counts as turbulent; a margin table that could not be read allows no leverage; a strategy that is held to Kelly gets
nothing before a volatility is known; a tail that is unknown denies where `var_required` is set, and the named scenarios
hold in any case. Equity counts by marks, so the mark of a coin that is held may be no older than
`context_age_limit_ms`. What only reduces needs the coin's listing, a book, a feed that is up and, where more rests on
its side than is held, room for that within the limits in USDC; what closes everything does without that room and
without the feed's word, on a book up to `exit_data_age_limit_ms` old. An old oracle holds up nothing that reduces.
`tests/unit/hats/risk_oversight_officer/controls/test_unknown.py` takes each input away in turn.
"""
RUNS: Final = """
## From one run to the next

A tightened trading state stays until `hats resume`, and so do the strategies that are disabled. Highest equity, the
day's first and what was approved in the day (`daily_volume`) stay as well, so a restart forgets no loss: a run whose
account has lost more than allowed tightens at its first equity, and `hats resume` is refused while that holds. If the
earlier run was drained to nothing held, whatever changed since is taken for money that was brought or taken away, and
both follow its scale; else they are taken as they are, for the change may be a loss.

All of it is kept by network and address: what testnet lost or gained is nothing to a run on mainnet, and no resume
there loosens one here. To begin anew on purpose, stop the desk, delete the account's file in `marks/` of the home
folder (the orchestrator's log names it as the run begins), start again and `hats resume`. A file that can't be read
halts the run, which then counts from the equity that it finds. What a desk that was killed hard approved in its last
seconds may not be in it. Windows of seconds (rates, repeated fills) begin anew with each run. The throw-away accounts
of modes demo and paper are new in each run.
"""
FITS: Final = """
## GARCH weights of each coin's own

With `var_fit_every_s` set, a job of the run fits GARCH(1,1) to each coin's closes as often, by the library `arch`, and
the variance of the filtered models (`filtered`, `monte_carlo`) follows the fitted weights as soon as they lie within
`var_alpha_max` and `var_persistence_min`. It needs candles as long as `var_every_ms`. `hats jobs` shows what was fitted
and what was refused; the journal has each fit and what was made of it (`VarianceFitted`, `VarianceJudged`).

`arch` is no part of the desk's installation: nothing on an order's way needs it, and it brings scipy and statsmodels
along. Install it with the versions and hashes that were tested,

    .venv/bin/python -m pip install -c requirements-dev.lock arch

or, where the desk was installed as a package, by its extra: `pip install 'hyperhats[fit]'`. A desk that is asked to fit
and lacks it does not begin.
"""
_WHOM: Final = {
    Spares.NOBODY: "",
    Spares.EXITS: "closing everything",
    Spares.REDUCING: "whatever only reduces",
    Spares.NOT_ADDING: "closing everything; whatever adds nothing to its side's worst case",
    Spares.EASING: "whatever only reduces, or adds nothing to its side's worst case",
}


def page() -> str:
    """The whole page."""
    return "".join((HEAD, *_controls(), *_causes(), UNKNOWN, RUNS, FITS, *_scenarios()))


def _controls() -> Iterator[str]:
    yield "\n| # | control | what holds | reason | setting | default | unit | not asked of |\n"
    yield "|---|---|---|---|---|---|---|---|\n"
    for number, control in enumerate(CONTROLS, 1):
        claim = (control.check.__doc__ or "").strip().splitlines()[0]
        default = f"`{Settings.model_fields[control.setting].default}`" if control.setting else ""
        setting = f"`{control.setting}`" if control.setting else ""
        yield (
            f"| {number} | {control.name} | {claim} | `{control.reason}` | {setting} | {default} | {control.unit} "
            f"| {_WHOM[control.spares]} |\n"
        )


def _causes() -> Iterator[str]:
    yield (
        "\n## What tightens trading by itself\n\nA cause that held at every look for `confirm_ms` raises an alert. "
        "Some tighten trading at once; the others only if nobody acknowledged the alert (`hats ack`) within "
        "`acknowledge_ms`.\n"
        "\n| cause | tightens to | when |\n|---|---|---|\n"
    )
    for cause in CAUSES:
        when = "unless acknowledged in time" if cause.asks_first else "at once"
        yield f"| {cause.name} | {cause.tightens_to} | {when} |\n"


def _scenarios() -> Iterator[str]:
    yield "\n## Named scenarios of the stress control\n\n"
    yield "| scenario | moves in percent | others | where from |\n|---|---|---|---|\n"
    for scenario in SCENARIOS:
        moves = ", ".join(f"{coin} {percent:+d}" for coin, percent in scenario.percents.items())
        yield f"| {scenario.name} | {moves} | {scenario.others:+d} | {scenario.source} |\n"
