"""EDGE: the never-reuse list: addresses of agents that were retired, in a file that is only ever appended to.

The venue forgets a removed agent's nonces, so that an old signature could act again under an address that is approved
once more. Source: Hyperliquid documentation, "Nonces and API wallets".
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from shared.errors import ConfigError
from shared.private_files import append_private, read_private

NAME: Final = "never-reuse.jsonl"
_FILE_BYTES_MAX: Final = 16 * 1024 * 1024


class Retired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent that must not sign again; `ns` is when it was retired, UTC."""

    address: str
    name: str
    network: str
    ns: int
    reason: str


_DECODER: Final = msgspec.json.Decoder(Retired)


def retired_in(directory: Path) -> dict[str, Retired]:
    """The retired agents of a keystore folder, by address; ConfigError if the list is damaged or open to others."""
    path = directory / NAME
    if not os.path.lexists(path):
        return {}
    found = {}
    for number, line in enumerate(read_private(path, _FILE_BYTES_MAX).splitlines(), 1):
        try:
            entry = _DECODER.decode(line)
        except msgspec.MsgspecError as error:
            raise ConfigError(
                [f"{path}, line {number} is damaged: {error}; mend it by hand, no key is used"]
            ) from error
        found[entry.address] = entry
    return found


def retire(directory: Path, entry: Retired) -> None:
    """The address is on the list, on the disk, when this returns; once is enough."""
    if entry.address not in retired_in(directory):
        append_private(directory / NAME, msgspec.json.encode(entry) + b"\n")


def refuse_retired(directory: Path, address: str) -> None:
    """Nothing if the address may be used; ConfigError if it is on the folder's list."""
    known = retired_in(directory).get(address)
    if known is not None:
        raise ConfigError([f"{address} was retired ({known.name}: {known.reason}) and is never to be used again"])
