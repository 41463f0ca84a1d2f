"""Whose key signs, and how old it is, as the signer tells it."""

from __future__ import annotations

from typing import Final

import msgspec

from hats.security_architect import SecurityArchitect, Settings, measures
from shared.ids import Role
from shared.messages.control import AgentMet, AuditRecord, Measured, Woke
from shared.units import DAY, SECOND, Ns

NOW: Final = Ns(1_700_000_000 * SECOND)


def ages(hat: SecurityArchitect) -> list[float]:
    """What is measured of the key's age now."""
    said = hat.handle(Woke(Role.SECURITY_ARCHITECT, "measures", NOW), NOW)
    return [age for one in said if isinstance(one, Measured) and one.measure == measures.KEY_AGE for age in one.samples]


def test_the_age_of_the_key() -> None:
    """It is measured from what the signer told, only once it told, and a change of the agent is put on record."""
    hat = SecurityArchitect(Settings())
    assert ages(hat) == []
    met = AgentMet("0x" + "1" * 40, "testnet", Ns(NOW - 30 * DAY))
    (record,) = hat.handle(met, NOW)
    assert isinstance(record, AuditRecord)
    assert '"agent"' in record.body
    assert list(hat.handle(met, NOW)) == []
    assert ages(hat) == [30.0]
    assert len(list(hat.handle(msgspec.structs.replace(met, address="0x" + "2" * 40, created_ns=Ns(0)), NOW))) == 1
    assert ages(hat) == []
