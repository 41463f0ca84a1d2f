"""The life of an API wallet: approved, replaced, expired, removed."""

from __future__ import annotations

from shared.venue.door.agents import DAY_MS, DEFAULT_LIFE_MS, NOBODY, AgentBook

USER, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20
NOW = 1_700_000_000_000


def _address(number: int) -> str:
    return f"0x{number:040x}"


def test_an_approved_key_acts_for_its_account_until_it_expires() -> None:
    """The default life is 90 days, and expiry shows at the next look."""
    book = AgentBook()
    assert book.approve(USER, _address(1), "", NOW) is None
    agent = book.agent_at(_address(1), NOW + DEFAULT_LIFE_MS - 1)
    assert agent is not None
    assert agent.user == USER
    assert book.agent_at(_address(1), NOW + DEFAULT_LIFE_MS) is None
    assert book.drain_ended() == [_address(1)]


def test_a_name_may_spell_its_expiry() -> None:
    """` valid_until <ms>` is cut from the name; a past one is refused, and one beyond 180 days too."""
    book = AgentBook()
    assert book.approve(USER, _address(1), f"bot valid_until {NOW + 1}", NOW) is None
    assert [(one.name, one.valid_until_ms) for one in book.named_agents(USER, NOW)] == [("bot", NOW + 1)]
    assert book.approve(USER, _address(2), f"old valid_until {NOW}", NOW) == "Agent valid_until already expired."
    assert book.approve(USER, _address(2), f"far valid_until {NOW + 181 * DAY_MS}", NOW) is not None


def test_the_same_name_replaces() -> None:
    """A second agent of one name ends the first; the unnamed one is a name of its own and is not listed."""
    book = AgentBook()
    for number, name in ((1, "bot"), (2, ""), (3, "bot"), (4, "")):
        assert book.approve(USER, _address(number), name, NOW) is None
    assert book.agent_at(_address(1), NOW) is None
    assert book.agent_at(_address(2), NOW) is None
    assert [one.address for one in book.named_agents(USER, NOW)] == [_address(3)]
    assert book.agent_at(_address(4), NOW) is not None


def test_limits_of_agents() -> None:
    """Three named agents, names of sixteen characters, and no address twice."""
    book = AgentBook()
    for number in (1, 2, 3):
        assert book.approve(USER, _address(number), f"bot{number}", NOW) is None
    refusal = book.approve(USER, _address(4), "bot4", NOW)
    assert refusal == "Too many extra agents for cumulative volume traded. Current limit is 3"
    assert book.approve(OTHER, _address(1), "", NOW) == "Extra agent already used."
    assert book.approve(OTHER, OTHER, "", NOW) == "Extra agent already used."
    assert book.approve(OTHER, _address(9), "x" * 17, NOW) is not None


def test_the_zero_address_removes() -> None:
    """A removed agent signs no more, its nonces may be forgotten, and its name is blocked for five seconds."""
    book = AgentBook()
    assert book.approve(USER, _address(1), "bot", NOW) is None
    assert book.approve(USER, NOBODY, "bot", NOW) is None
    assert book.agent_at(_address(1), NOW) is None
    assert book.drain_ended() == [_address(1)]
    assert book.approve(USER, _address(2), "bot", NOW + 4_999) == "User has pending agent removal"
    assert book.approve(USER, _address(2), "bot", NOW + 5_000) is None
