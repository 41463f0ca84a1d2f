"""A fault script as people write it: TOML, read strictly, with every mistake named."""

from __future__ import annotations

import tomllib

import msgspec

from shared.errors import ConfigError
from shared.venue.faults.catalogue import AnyFault, Script

_READ = msgspec.json.Decoder(AnyFault).decode


def read_script(text: str) -> Script:
    """The script; ConfigError that says where it is wrong and what was expected."""
    try:
        return msgspec.convert(tomllib.loads(text), Script)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError([f"fault script: {error}"]) from error


def read_fault(body: bytes) -> AnyFault:
    """One fault from JSON; ConfigError that says what was expected."""
    try:
        fault: AnyFault = _READ(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigError([f"fault: {error}"]) from error
    return fault
