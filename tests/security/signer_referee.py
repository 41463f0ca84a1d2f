"""A second opinion on what a signer may sign, written without its code.

JSON is read by the standard library, sums are fractions. The fuzz campaign holds every signature against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from hats.security_architect.signer import frames
from shared.approval import ApprovalKey
from shared.units import MS
from shared.venue.door import signatures

TICKET_FIELDS: Final = (("a", "asset"), ("b", "is_buy"), ("p", "px"), ("s", "sz"), ("r", "reduce_only"), ("c", "cloid"))


class Law:
    """What the signer under test was started with."""

    def __init__(
        self, sz_max: Mapping[int, str | None], notional_max: int, window_orders: int, window_notional: int
    ) -> None:
        self.sz_max = sz_max
        self.notional_max = notional_max
        self.window_orders = window_orders
        self.window_notional = window_notional


class Referee:
    """Remembers every signature; `breaches` are those that should never have been given."""

    def __init__(self, law: Law, address: str, key: ApprovalKey) -> None:
        self.breaches: list[str] = []
        self.signed = 0
        self._law, self._address, self._key = law, address, key
        self._by_nonce: dict[int, tuple[bytes, int]] = {}
        self._spent: set[int] = set()
        self._added: list[tuple[int, int, Fraction]] = []

    def look(self, ask: frames.Ask, answer: frames.Signed, now_ms: int, oracle: Mapping[int, Fraction]) -> None:
        """Judge one signature. `oracle`: the prices that the signer had last been told, still fresh."""
        self.signed += 1
        for breach in self._breaches(ask, answer, now_ms, oracle):
            self.breaches.append(f"{breach}: {ask.action[:120]!r} nonce {ask.nonce}")

    def _breaches(
        self, ask: frames.Ask, answer: frames.Signed, now_ms: int, oracle: Mapping[int, Fraction]
    ) -> list[str]:
        action = json.loads(ask.action)
        found = []
        if self._signer_of(ask, action, answer) != self._address:
            found.append("signature of something else")
        known = self._by_nonce.get(ask.nonce)
        if known == (ask.action, ask.expires_after_ms):
            return found
        if known is not None:
            return found if action == {"type": "noop"} else [*found, "two actions under one nonce"]
        if any(nonce > ask.nonce for nonce in self._by_nonce):
            found.append("nonce not rising")
        self._by_nonce[ask.nonce] = (ask.action, ask.expires_after_ms)
        if ask.expires_after_ms and ask.expires_after_ms <= now_ms - 1_000:
            found.append("expired")
        return found + self._content(ask, action, now_ms, oracle)

    def _signer_of(self, ask: frames.Ask, action: Any, answer: frames.Signed) -> str | None:
        connection = signatures.connection_id(signatures.packed(action), ask.nonce, None, ask.expires_after_ms or None)
        compact = signatures.signature_from_wire("0x" + answer.r.hex(), "0x" + answer.s.hex(), answer.v)
        return None if compact is None else signatures.recover(signatures.l1_digest(connection, "Testnet"), compact)

    def _content(self, ask: frames.Ask, action: Any, now_ms: int, oracle: Mapping[int, Fraction]) -> list[str]:
        match action:
            case {"type": "noop"} | {"type": "scheduleCancel"}:
                extra = action.keys() - {"type", "time"}
                return ["unknown fields"] if extra or ask.tickets else []
            case {"type": "cancel" | "cancelByCloid", "cancels": cancels}:
                assets = {entry.get("a", entry.get("asset")) for entry in cancels}
                return [] if assets <= self._law.sz_max.keys() and cancels else ["cancel of another asset"]
            case {"type": "order", "orders": entries, "grouping": _}:
                extra = action.keys() - {"type", "orders", "grouping"}
                return (["unknown fields"] if extra else []) + self._orders(
                    ask, entries, [None] * len(entries), now_ms, oracle
                )
            case {"type": "batchModify", "modifies": modifies}:
                entries, targets = [one["order"] for one in modifies], [one["oid"] for one in modifies]
                return self._orders(ask, entries, targets, now_ms, oracle)
        return ["an action that is not allowed"]

    def _orders(
        self, ask: frames.Ask, entries: list[Any], targets: list[Any], now_ms: int, oracle: Mapping[int, Fraction]
    ) -> list[str]:
        found = []
        if not 0 < ask.expires_after_ms <= now_ms + 30_000:
            found.append("no expiry within 30 s")
        if len(entries) != len(ask.tickets):
            return [*found, "orders without tickets"]
        for entry, target, ticket in zip(entries, targets, ask.tickets, strict=True):
            if not self._key.is_genuine(ticket):
                found.append("a forged ticket")
            if ticket.approval_id in self._spent:
                found.append("a spent ticket")
            self._spent.add(ticket.approval_id)
            if any(entry[short] != getattr(ticket, name) for short, name in TICKET_FIELDS) or target != ticket.replaces:
                found.append("an order that differs from its ticket")
            if not ask.expires_after_ms * MS <= ticket.expires_ns:
                found.append("an order that outlives its ticket")
        return found + self._caps([entry for entry in entries if not entry["r"]], now_ms, oracle)

    def _caps(self, adding: list[Any], now_ms: int, oracle: Mapping[int, Fraction]) -> list[str]:
        found, total = [], Fraction(0)
        for entry in adding:
            px, sz, cap = Fraction(entry["p"]), Fraction(entry["s"]), self._law.sz_max.get(entry["a"], "0")
            reference = oracle.get(entry["a"])
            if px <= 0 or sz <= 0:
                found.append("nothing for nothing")
            if (cap is not None and sz > Fraction(cap)) or px * sz > self._law.notional_max:
                found.append("an order over the cap")
            if reference is None:
                found.append("blind")
            elif (px - reference if entry["b"] else reference - px) * 10_000 > 500 * reference:
                found.append("beyond the collar")
            total += sz * max(px, reference or px)
        if adding:
            self._added.append((now_ms, len(adding), total))
        lately = [one for one in self._added if one[0] > now_ms - 60_000]
        if sum(n for _, n, _ in lately) > self._law.window_orders:
            found.append("too many orders in a minute")
        if sum(usd for _, _, usd in lately) > self._law.window_notional:
            found.append("too much in a minute")
        return found
