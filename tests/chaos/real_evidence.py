"""What a run of real processes left behind: the exchange's own record, the journal and the signer's log, compared."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from shared.codec import decode
from shared.ids import WATCHDOG_NUMBER, Cloid, Role, is_ours, strategy_number_of
from shared.journal import JournalReader
from shared.messages.account import LedgerReport
from shared.messages.control import HatState, HatStateChanged
from shared.messages.order import OrderChanged
from shared.order import OrderState, is_open
from shared.units import usd_from_str
from tests.chaos.real_desk import RealDesk

HISTORY: Final = 2_000
PROVING: Final = frozenset({Role.EXECUTION_MANAGER, Role.EXCHANGE_ARCHITECT, Role.SECURITY_ARCHITECT})
"""Without one of these nobody can find out what became of an order."""
AWAY: Final = frozenset({HatState.NEW, HatState.RESTORING, HatState.QUARANTINED})


class Record:
    """Every order that the exchange ever took, as its own history tells; it is asked before it can forget."""

    def __init__(self, desk: RealDesk) -> None:
        self._desk = desk
        self._last: set[tuple[int, str, int]] = set()
        self.oids: dict[str, set[int]] = {}
        self.gaps = 0

    def look(self) -> None:
        """Take down what is new."""
        history = self._desk.ask("historicalOrders")
        now = {(each["order"]["oid"], each["status"], each["statusTimestamp"]) for each in history}
        self.gaps += bool(self._last) and len(history) >= HISTORY and not now & self._last
        self._last = now
        for each in history:
            if each["order"].get("cloid") and not each["status"].endswith("Rejected"):
                self.oids.setdefault(each["order"]["cloid"], set()).add(each["order"]["oid"])


def signed_nonces(log: Path) -> dict[int, set[str]]:
    """What each nonce was signed for, by the signer's log; not the noop that fences an order under its own nonce."""
    found: dict[int, set[str]] = {}
    for line in log.read_bytes().splitlines():
        entry = msgspec.json.decode(line)
        if entry["event"] == "signed" and entry["action"] != '{"type":"noop"}':
            found.setdefault(entry["nonce"], set()).add(f"{entry['action_sha256']} {entry['expires_after_ms']}")
    return found


def away_spans(reader: JournalReader, path: Path) -> list[tuple[int, int]]:
    """When (ns) one of those who prove was away: from its loss, or the end of an epoch, until it is restored."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as journal:
        starts = [ns for (ns,) in journal.execute("SELECT taken_ns FROM epochs ORDER BY epoch")]
    spans: list[tuple[int, int]] = []
    away, since, last = set(PROVING), 0, 0
    for entry in reader.messages():
        gone: set[Role] = set()
        back: set[Role] = set()
        if starts and entry.ts >= starts[0]:
            starts.pop(0)
            gone = set(PROVING)
        message = decode(entry.body) if entry.kind == HatStateChanged.__name__ else None
        if isinstance(message, HatStateChanged) and message.role in PROVING:
            (gone if message.state in AWAY else back).add(message.role)
        was_away = bool(away)
        away = (away | gone) - back
        if away and not was_away:
            since = last
        elif was_away and not away:
            spans.append((since, entry.ts))
        last = entry.ts
    return [*spans, (since, last)] if away else spans


def overlap(spans: Sequence[tuple[int, int]], begin: int, end: int) -> int:
    """How much of the time from `begin` to `end` lies in the spans."""
    return sum(max(0, min(end, b) - max(begin, a)) for a, b in spans)


def differences_of(desk: RealDesk, reader: JournalReader, record: Record) -> list[str]:
    """Where our books are not the exchange's after the drain: orders, what each traded, and the money."""
    last: dict[Cloid, OrderChanged] = {}
    for entry in reader.messages(kind=OrderChanged.__name__):
        change = decode(entry.body)
        assert isinstance(change, OrderChanged)
        last[change.cloid] = change
    decimals = {each["name"]: each["szDecimals"] for each in desk.ask("meta")["universe"]}
    traded: Counter[str] = Counter()
    for fill in fills_of(desk):
        if is_watchdogs(fill.get("cloid")):
            continue
        traded[fill.get("cloid") or "nobody's"] += round(float(fill["sz"]) * 10 ** decimals[fill["coin"]])
    found = [f"{c}: {o.filled_sz} lots here, {traded[c]} there" for c, o in last.items() if o.filled_sz != traded[c]]
    found += [f"{cloid}: traded there, not known here" for cloid in traded.keys() - last.keys()]
    found += [f"{cloid} is {order.state} after the drain" for cloid, order in last.items() if is_open(order.state)]
    ended = (OrderState.REJECTED, OrderState.EXPIRED)
    found += [
        f"{cloid}: at the exchange, {last[Cloid(cloid)].state} here"
        for cloid in record.oids
        if Cloid(cloid) in last and last[Cloid(cloid)].state in ended
    ]
    unknown = (cloid for cloid in record.oids.keys() - last.keys() if not is_watchdogs(cloid))
    found += [f"{cloid}: at the exchange, not known here" for cloid in unknown]
    found += [f"order {each['oid']} is open there" for each in desk.ask("openOrders")]
    reports = [decode(entry.body) for entry in reader.messages(kind=LedgerReport.__name__)]
    equity_usd = reports[-1].equity_usd if reports and isinstance(reports[-1], LedgerReport) else None
    theirs = usd_from_str(desk.ask("clearinghouseState")["marginSummary"]["accountValue"])
    return found if equity_usd == theirs else [*found, f"equity: {equity_usd} here, {theirs} there"]


def is_watchdogs(cloid: str | None) -> bool:
    """Is it an order of the watchdog's, which no journal of the desk knows?"""
    return is_ours(Cloid(cloid) if cloid else None) and strategy_number_of(Cloid(str(cloid))) == WATCHDOG_NUMBER


def fills_of(desk: RealDesk) -> list[dict[str, Any]]:
    """Every fill of the account, as the exchange tells page by page."""
    found: dict[int, dict[str, Any]] = {}
    start = 0
    while True:
        page = desk.ask("userFillsByTime", startTime=start)
        new = {each["tid"]: each for each in page if each["tid"] not in found}
        found |= new
        if not new:
            return list(found.values())
        start = max(each["time"] for each in page)


def problems(verdict: Mapping[str, Any]) -> list[str]:
    """What the run's own verdict found."""
    found = [f"positions: {each}" for each in verdict["position_differences"]]
    found += ["the run did not end flat"] if not verdict["is_flat"] else []
    found += [f"the journal: {verdict['journal_fault']}"] if verdict["journal_fault"] else []
    found += ["the audit log is not sound"] if not verdict["audit_ok"] else []
    return found + [f"replay of {e['role']}: {e['difference']}" for e in verdict["replay"] or () if e["difference"]]
