"""The refusal of subscriptions that are none."""

from __future__ import annotations

from shared.errors import VenueError


class NoSubscription(VenueError):  # noqa: N818 - a door's answer, named as such
    """Answer `Invalid subscription`: nothing of that kind is served here."""
