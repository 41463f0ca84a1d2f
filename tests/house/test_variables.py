"""Every environment variable of ours is known to the configuration, so that a typo never passes in silence."""

from __future__ import annotations

import re
from typing import Final

from orchestrator.settings import Settings
from shared.config_keys import field_at, keys
from shared.config_sources import DECLARED, PREFIX
from tests.house.sources import PRODUCT, shown, sources
from tests.house.test_documents import texts

VARIABLE: Final = re.compile(r"\bHATS_[A-Z][A-Z0-9_]*\b")
EXAMPLES: Final = {"HATS_A__B"}


def is_known(variable: str) -> bool:
    """Does the loader accept it?"""
    path = variable.removeprefix(PREFIX).lower().split("__")
    return variable in DECLARED or variable in EXAMPLES or field_at(Settings, path) is not None


def test_every_variable_that_is_named_is_known() -> None:
    """Code and documents name only variables that the loader accepts."""
    written = [(s.path, s.text) for s in sources(*PRODUCT)]
    written += [(path, text) for path, text in texts(tests=False) if not path.endswith((".py", ".json"))]
    unknown = [f"{path}: {name}" for path, text in written for name in VARIABLE.findall(text) if not is_known(name)]
    assert not unknown, shown(sorted(set(unknown)))


def test_declared_variables_do_not_hide_keys() -> None:
    """A declared variable is not also the spelling of a key, and the key that it sets exists."""
    spelled = {f"{PREFIX}{key.replace('.', '__').upper()}" for key in keys(Settings)}
    assert not spelled & set(DECLARED)
    for declared in DECLARED.values():
        assert declared.key is None or field_at(Settings, declared.key.split(".")) is not None
