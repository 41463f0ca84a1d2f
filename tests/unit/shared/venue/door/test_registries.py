"""Everything that /info and the feeds serve is registered once."""

from __future__ import annotations

import pkgutil
from collections import Counter
from importlib import import_module

from shared.venue import door
from shared.venue.door.info import TYPES
from shared.venue.door.subscriptions import FEEDS

NAMES = [found.name for found in pkgutil.iter_modules(door.__path__)]


def _registered(prefix: str, registry: str) -> Counter[str]:
    """Names in the registries of all modules that begin so, with how many modules have them."""
    modules = [import_module(f"{door.__name__}.{name}") for name in NAMES if name.startswith(prefix)]
    return Counter(name for module in modules for name in getattr(module, registry))


def test_no_info_type_is_answered_twice_or_left_out() -> None:
    """Each type of each subject's module is in the registry, and no two modules answer the same."""
    assert _registered("info_", "TYPES") == Counter(TYPES.keys())


def test_no_feed_is_served_twice_or_left_out() -> None:
    """Each feed of each subject's module is in the registry, under the name that its schema spells."""
    assert _registered("feeds_", "FEEDS") == Counter(FEEDS.keys())
    assert {name: feed.schema.__struct_config__.tag for name, feed in FEEDS.items()} == {name: name for name in FEEDS}
