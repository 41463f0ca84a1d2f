"""Request bodies as the venue reads them: the first JSON value, strictly, with repeated keys noticed."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from shared.errors import VenueError

BAD_JSON: Final = "Failed to parse the request body as JSON"
BAD_SHAPE: Final = "Failed to deserialize the JSON body into the target type"
BAD_CONTENT_TYPE: Final = "Expected request with `Content-Type: application/json`"


class BodyRefused(VenueError):  # noqa: N818 - a door's answer, named as such
    """Answer with `status` and the plain text `said`, as the venue's HTTP layer does; 429 and 500 say `null`."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"HTTP {status}", said)
        self.status = status


class RepeatedKeys(dict[str, Any]):
    """An object in which some key stood more than once; the last value won, the keys are in `repeated`."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.repeated = frozenset(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def repeated_keys(value: Any) -> frozenset[str]:
    """The keys that `value`, as parsed here, spelled more than once."""
    return value.repeated if isinstance(value, RepeatedKeys) else frozenset()


def first_value(body: bytes | str) -> Any:
    """The first JSON value of `body`; what follows it is ignored, as measured on the venue. BodyRefused 400 if none."""
    try:
        text = body if isinstance(body, str) else body.decode()
        value, _ = _DECODER.raw_decode(text, _leading_space(text))
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BodyRefused(400, BAD_JSON) from error
    return value


def is_json(content_type: str | None) -> bool:
    """Does the header name JSON (`application/json` or `application/*+json`, parameters allowed)?"""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else RepeatedKeys(pairs)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _leading_space(text: str) -> int:
    return len(text) - len(text.lstrip(" \t\r\n"))


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
