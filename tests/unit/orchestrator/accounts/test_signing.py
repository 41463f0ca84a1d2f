"""The policy that a launch gives its signer: what the settings say, spelled so that the signer reads the same."""

from __future__ import annotations

import argparse
from typing import Final

import pytest

from hats.security_architect.signer.spelling import add_options, options_of, policy_of
from orchestrator.accounts.signing import Listed, policy_for
from orchestrator.settings import Settings
from shared.errors import ConfigError

LISTED: Final = (Listed("BTC", 0, 5, 100_000 * 10**8), Listed("DOGE", 12, 0, 10**7), Listed("NEW", 40, 2, None))


def settings(**own: object) -> Settings:
    """With these keys of the Security Architect's section."""
    return Settings.model_validate({"hats": {"security_architect": own}})


def test_the_signer_reads_what_the_launch_spelled() -> None:
    """Options made of a policy are read back as that policy, with and without a collar."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    policy = policy_for(settings(max_order_notional_usd=12_345.678901, window_notional_usd_max=0.5), LISTED)
    assert policy.limits.collar is not None
    assert policy_of(parser.parse_args(options_of(policy))) == policy


def test_size_caps() -> None:
    """A coin's own cap holds; else what the notional cap buys at half the price, and one lot; without a price, none."""
    rules = policy_for(settings(order_sz_max={"BTC": 0.123456}, max_order_notional_usd=25_000), LISTED).assets
    assert [(rule.asset, rule.sz_max) for rule in rules] == [(0, "0.12345"), (12, "500001"), (40, None)]


def test_a_cap_on_what_is_not_traded() -> None:
    """A size cap that names a coin that is not traded is a mistake in the configuration."""
    with pytest.raises(ConfigError, match="order_sz_max: PEPE"):
        policy_for(settings(order_sz_max={"PEPE": 1.0}), LISTED)
