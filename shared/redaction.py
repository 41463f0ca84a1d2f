"""Takes secrets out of what is about to be written: keys, passwords, tokens, whatever shape they come in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

GONE: Final = "[redacted]"
TEXT_MAX: Final = 16_384
"""Characters of one text that are kept; a log line has a limit too."""

HASH_FIELDS: Final = frozenset({"action_hash", "config_hash", "digest", "hash", "previous", "root", "tx_hash"})
"""Fields that may hold 64 hex digits, because what they hold is a public hash."""

_NAMES: Final = (
    r"(?:password|passwd|passphrase|secret|private[_-]?key|priv[_-]?key|agent[_-]?key|mnemonic|ciphertext|api[_-]?key"
    r"|(?:auth|access|bearer|session)[_-]?token|authorization)"
)
_SECRET_FIELD: Final = re.compile(_NAMES, re.IGNORECASE)
_HASH: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)", re.DOTALL), GONE),
    (re.compile(r"\b(bearer\s+[\w.~+/=-]+|basic\s+[A-Za-z0-9+/=]{16,})", re.IGNORECASE), GONE),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), rf"\1:{GONE}@"),
    (
        re.compile(
            rf"({_NAMES}[\w-]{{0,32}}[\"']?\s{{0,8}}[:=]\s{{0,8}})"  # the name and what follows it
            r"(\"(?:\\.|[^\"\\])*(?:\"|\Z)|'(?:\\.|[^'\\])*(?:'|\Z)|[^\s,;)\]}]+)",  # quoted or bare
            re.IGNORECASE,
        ),
        rf"\1{GONE}",
    ),
    (re.compile(r"\bb'(?:\\.|[^'\\])*'|\bb\"(?:\\.|[^\"\\])*\""), GONE),  # bytes, as repr shows them
    (re.compile(r"(?:0[xX])?[0-9a-fA-F]{64,}"), GONE),  # 32 bytes or more
    (re.compile(r"(?<!\d)\d{60,}(?!\d)"), GONE),  # a 256-bit number in decimal
    (re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}=(?![A-Za-z0-9+/=_-])"), GONE),  # 32 bytes in base64
)
_NUMBER_MAX: Final = 10**40


def redact_text(text: str) -> str:
    """The text without what looks like a key, password or token, and not longer than TEXT_MAX."""
    if len(text) > TEXT_MAX:
        text = text[: text.rfind(" ", 0, TEXT_MAX) + 1] + "[cut]"  # half a key must not slip through at the cut
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: object, name: str = "") -> Any:
    """`value` as JSON may hold it, without secrets; `name` is the field that it stands in.

    Tables and lists are walked; bytes are never shown; whatever JSON has no form for is shown as its text, redacted.
    """
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_FIELD.search(name):
        return GONE
    if isinstance(value, str):
        return str(value) if name in HASH_FIELDS and _HASH.fullmatch(value) else redact_text(value)
    if isinstance(value, int):
        return int(value) if abs(value) < _NUMBER_MAX else GONE
    if isinstance(value, float):
        return float(value) if abs(value) < float("inf") else str(float(value))
    if isinstance(value, Mapping):
        return {redact_text(str(key)): redact_value(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, name) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return redact_text(str(value))
