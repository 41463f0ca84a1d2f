"""Replies that others recorded from the venue, with the requests that they answer. The folder lies beside the tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlparse

import yaml

FOLDER: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "hyperliquid"
MISSING: Final = f"the recorded data folder {FOLDER} is not here"


class Recorded(NamedTuple):
    """One request and its reply. Header names are lower-case."""

    file: str
    path: str
    request: Any
    status: int
    headers: dict[str, str]
    reply: Any

    @property
    def kind(self) -> str:
        """The type of an /info request, or of the action."""
        asked: dict[str, Any] = self.request if self.path == "/info" else self.request["action"]
        return str(asked["type"])


def recorded(path: str) -> list[Recorded]:
    """Every recording of that path, in order of files; nothing if the folder is not here."""
    files = sorted(FOLDER.glob("*/*.yaml"))
    return [one for file in files for one in _interactions(file) if one.path == path]


def _interactions(file: Path) -> list[Recorded]:
    with file.open(encoding="utf-8") as stream:
        rows = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]
    return [_interaction(file.stem, row["request"], row["response"]) for row in rows]


def _interaction(name: str, request: Any, response: Any) -> Recorded:
    """Both spellings: vcrpy's (`uri`, `body.string`, `status.code`) and go-vcr's (`url`, `body`, `code`)."""
    body, status = response["body"], response.get("code") or response["status"]["code"]
    headers = {key.lower(): ", ".join(values) for key, values in response["headers"].items()}
    reply = json.loads(body["string"] if isinstance(body, dict) else body)
    path = urlparse(request.get("uri") or request["url"]).path
    return Recorded(name, path, json.loads(request["body"]), status, headers, reply)
