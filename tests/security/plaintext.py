"""Searches files at rest for words that must not be there in the clear."""

from __future__ import annotations

from pathlib import Path

from shared.sealing import FILE_MARKER, is_sealed


def words_in(folder: Path, words: tuple[str, ...]) -> list[str]:
    """Files below `folder` whose name or content tells one of the words.

    Sealed bytes look like chance, which spells three letters once in 16 MiB: there a short word counts if it comes more
    often than chance allows.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder)).lower()
        data = path.read_bytes() if path.is_file() else b""
        for word in words:
            looks_like_chance = is_sealed(data) or data.startswith((FILE_MARKER, b"PARE"))
            by_chance = 3 + 2 * len(data) / 256 ** len(word) if looks_like_chance and len(word) < 8 else 0
            if word.lower() in name or data.count(word.encode()) > by_chance:
                found.append(f"{word} in {name}")
    return found
