"""No secret is kept in the repository: every file that git knows, by the forms of keys and by what names call one."""

from __future__ import annotations

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from tests.house.sources import ROOT, shown

FORMS: Final[dict[str, re.Pattern[str]]] = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{16}"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,}"),
    "GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20}\b"),
    "Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "Google key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b"),
    "Stripe key": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    "API key": re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    "npm token": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"),
    "PyPI token": re.compile(r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{20,}"),
    "JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    "keystore": re.compile(r'"ciphertext"\s*:\s*"[0-9a-f]{64}"'),
    "password in an address": re.compile(
        r"\b(?:https?|postgres(?:ql)?|redis|amqp)://[^\s/:@\"'{}<>]+:[^\s/:@\"'{}<>]{4,}@(?!h\b)"
    ),
}
NAMED: Final = re.compile(
    r"(?i)\b\w*(?:password|passwd|secret|private_?key|api_?key|auth_?token|access_?token)\w*[\"']?\s*[:=]\s*"
    r"[\"']([^\"'\s/]{20,})[\"']"
)
BITS_PER_CHARACTER_MIN: Final = 3.5
"""Of words less is usual, of keys in hex 3.7 and more, in base64 4.5."""
INVENTED: Final = (
    "tests/",  # keys in tests are made for them, and canaries are planted there
)
"""Where what only a name calls a secret is one that was invented; forms of real keys are refused there too."""


def kept(path: str, text: str) -> Iterator[str]:
    """(path:line: what) of everything in the text that looks like a secret."""
    for what, form in FORMS.items():
        for found in form.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {what}"
    if not path.startswith(INVENTED):
        for found in NAMED.finditer(text):
            if _bits(found[1]) >= BITS_PER_CHARACTER_MIN:
                yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: a value that its name calls a secret"


def _bits(text: str) -> float:
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def test_nothing_secret_is_kept() -> None:
    """No file that git knows holds a key, a token or a password."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip(f"git does not list this tree: {listed.stderr.strip()}")
    paths = [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]
    assert len(paths) > 500
    found = [
        hit
        for path in paths
        if path != "tests/security/test_secrets_kept.py"
        for hit in kept(path, (ROOT / path).read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found, shown(found)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN EC PRIVATE" + " KEY-----\nMHcCAQEEIJ0aBcDeFgHiJkLm",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "token: ghp_" + "a1B2" * 9,
        "https://me:hunter2@example.org/",
        'API_KEY = "sk-ant-' + "a1B2c3D4" * 5 + '"',
        'client_secret: "Zx81Qw9rTy7uIo5pAs3d"',
        '{"private_key": "' + "0123456789abcdef" * 4 + '"}',
        "eyJhbGciOiJIUzI1NiIsInR5" + ".eyJzdWIiOiIxMjM0NTY3ODkw.SflKxwRJSMeKKF2QT4fwpMeJ",
    ],
)
def test_each_form_is_seen(text: str) -> None:
    """So that a clean repository means something."""
    assert list(kept("configs/x.toml", text))


@pytest.mark.parametrize(
    "text", ['password_file = "/etc/hats/the.password"', 'secret = ""', "token = read_token(path)"]
)
def test_names_of_files_are_no_secrets(text: str) -> None:
    """What only says where a secret lies."""
    assert not list(kept("configs/x.toml", text))
