"""The operator's signed word: who loosens must hold a key that no process of the desk has.

The signature is ECDSA over secp256k1 with SHA-256, in DER, as hex; it covers what is to be loosened, whose (the run, or
the watchdog by its agent), the reason and the time, so that it is good for one of them, one minute and once.
"""

from __future__ import annotations

from typing import Final, Protocol

from coincurve import PublicKey

from shared.messages.control import ResumeOrdered
from shared.messages.risk import AlertAcknowledged
from shared.units import MINUTE, Ns

FRESH_NS: Final = MINUTE
"""How far the signed time may lie from now, either way."""

Loosening = ResumeOrdered | AlertAcknowledged
"""What the operator says to a desk that gives it more freedom than it would have by itself."""


class Signed(Protocol):
    """A word that may carry a signature (hex; empty: none) made at `ns`."""

    @property
    def ns(self) -> int:
        """When it was signed."""
        ...

    @property
    def signature(self) -> str:
        """By whom."""
        ...


def resume_words(run: int, reason: str, ns: int) -> bytes:
    """What is signed to let the run trade again."""
    return f"hyperhats resume\n{run}\n{ns}\n{reason}".encode()


def ack_words(run: int, name: str, reason: str, ns: int) -> bytes:
    """What is signed to keep an alert of the run from tightening trading."""
    return f"hyperhats ack\n{run}\n{ns}\n{name}\n{reason}".encode()


def rearm_words(agent: str, reason: str, ns: int) -> bytes:
    """What is signed to let the watchdog watch again that signs as `agent`."""
    return f"hyperhats rearm\n{agent.lower()}\n{ns}\n{reason}".encode()


def fault_in(word: Loosening, public_key: str, run: int, last_ns: int, now: Ns) -> str | None:
    """Why the word does not count; None if it does. An empty `public_key` asks for no signature."""
    match word:
        case ResumeOrdered():
            said = resume_words(run, word.reason, word.ns)
        case AlertAcknowledged():
            said = ack_words(run, word.name, word.reason, word.ns)
    return signature_fault(word, said, public_key, last_ns, now)


def signature_fault(word: Signed, said: bytes, public_key: str, last_ns: int, now: int) -> str | None:
    """The same of any word that says `said`; `last_ns` is when the last one that counted was signed."""
    if not public_key:
        return None
    if not word.signature:
        return "it is not signed by the operator's key"
    if abs(now - word.ns) > FRESH_NS:
        return f"it was signed {abs(now - word.ns) // MINUTE} minutes from now"
    if word.ns <= last_ns:
        return "its signature was used before"
    try:
        key, signature = PublicKey(bytes.fromhex(public_key)), bytes.fromhex(word.signature)
        is_good: bool = key.verify(signature, said)
    except ValueError as error:
        return f"its signature can't be read: {error}"
    return None if is_good else "its signature is not the operator's"
