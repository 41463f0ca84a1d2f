"""The operator's signed word: who loosens must hold a key that no process of the desk has.

The signature is ECDSA over secp256k1 with SHA-256, in DER, as hex; it covers the run, the reason and the time, so that
it is good for one run, one minute and once.
"""

from __future__ import annotations

from typing import Final

from coincurve import PublicKey

from shared.messages.control import ResumeOrdered
from shared.units import MINUTE, Ns

FRESH_NS: Final = MINUTE
"""How far the signed time may lie from now, either way."""


def words(run: int, reason: str, ns: int) -> bytes:
    """What is signed."""
    return f"hyperhats resume\n{run}\n{ns}\n{reason}".encode()


def fault_in(order: ResumeOrdered, public_key: str, run: int, last_ns: int, now: Ns) -> str | None:
    """Why the order does not count; None if it does. An empty `public_key` asks for no signature."""
    if not public_key:
        return None
    if not order.signature:
        return "it is not signed by the operator's key"
    if abs(now - order.ns) > FRESH_NS:
        return f"it was signed {abs(now - order.ns) // MINUTE} minutes from now"
    if order.ns <= last_ns:
        return "its signature was used before"
    try:
        key, signature = PublicKey(bytes.fromhex(public_key)), bytes.fromhex(order.signature)
        is_good: bool = key.verify(signature, words(run, order.reason, order.ns))
    except ValueError as error:
        return f"its signature can't be read: {error}"
    return None if is_good else "its signature is not the operator's"
