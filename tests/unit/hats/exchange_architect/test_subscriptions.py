"""What is asked for on which socket, within the venue's limits."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from hats.exchange_architect.channels import BOOK, OF_COIN, OF_USER, Channel
from hats.exchange_architect.subscriptions import plan
from tests.unit.hats.exchange_architect import scene

COINS = tuple(f"C{number}" for number in range(60))


def test_the_user_has_a_socket_and_coins_are_dealt_out() -> None:
    """All of one coin is on one socket, each coin once, no socket much fuller than another."""
    private, *market = plan(scene.settings(coins=COINS, coins_per_socket=25))
    assert {topic.channel for topic in private} == {*OF_USER, "allMids"}
    assert [sum(topic.channel == BOOK for topic in shard) for shard in market] == [20, 20, 20]
    where = {coin: [n for n, shard in enumerate(market) if any(t.coin == coin for t in shard)] for coin in COINS}
    assert all(len(found) == 1 for found in where.values())


def test_there_are_never_more_sockets_than_the_venue_allows() -> None:
    """Two hundred coins one by one would be two hundred sockets; nine are used, of ten allowed."""
    coins = tuple(f"C{number}" for number in range(200))
    assert len(plan(scene.settings(coins=coins, coins_per_socket=1))) == 9


def test_without_a_user_nothing_of_a_user_is_asked_for() -> None:
    """Data only: one socket, and channels that need an address are left out."""
    channels = (Channel.USER_EVENTS, Channel.ACTIVE_ASSET_DATA, Channel.ALL_MIDS, Channel.BBO)
    (shard,) = plan(scene.settings(user_address=None, channels=channels))
    assert [topic.key for topic in shard] == ["l2Book:BTC", "trades:BTC", "activeAssetCtx:BTC", "bbo:BTC", "allMids"]


def test_every_channel_can_be_asked_for_in_the_venues_words() -> None:
    """With its coin, its user and its interval where it has them."""
    asked = [
        json.loads(t.frame("subscribe"))["subscription"]
        for s in plan(scene.settings(channels=tuple(Channel)))
        for t in s
    ]
    by_type = {one.pop("type"): one for one in asked}
    assert set(by_type) == {*Channel, *OF_COIN, *OF_USER}
    assert by_type["candle"] == {"coin": "BTC", "interval": "1m"}
    assert by_type["activeAssetData"] == {"coin": "BTC", "user": scene.USER}
    assert by_type["webData3"] == {"user": scene.USER}
    assert by_type["allMids"] == {}


def test_more_than_the_venue_allows_is_refused_at_the_start() -> None:
    """260 coins with four channels each are 1,040 subscriptions."""
    with pytest.raises(ValidationError, match="1040 subscriptions"):
        scene.settings(coins=tuple(f"C{n}" for n in range(260)), user_address=None)
