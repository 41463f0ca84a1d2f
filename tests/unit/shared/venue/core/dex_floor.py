"""The floor with more kinds of perps: a capped one, a hyperp, and a deployed dex `xyz`."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from shared.instrument import Instrument
from shared.rules.funding import FundingTerms
from shared.units import USD, Px, Usd
from shared.venue.core.deployers import move_collateral
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.rulings import SetOracle
from tests.unit.shared.venue.core.floor import ETH, SOL, START_NS, Floor

DEPLOYER: Final = "0x" + "de" * 20
XYZ: Final = Dex(name="xyz", full_name="XYZ", deployer=DEPLOYER)
GOLD, TSLA = 110_000, 110_001
HYPERP: Final = 6
PRE: Final = Instrument("PRE", HYPERP, 2, 3)


class DexFloor(Floor):
    """ETH (4, capped at `cap` USDC), SOL (5), PRE (6, a hyperp at 10), xyz:GOLD and xyz:TSLA at 100.

    Users "a", "b" and "c" own 100,000 USDC on the first dex and 50,000 on `xyz`.
    """

    def __init__(self, cap: int | None = None, dex: Dex = XYZ, **policy: Any) -> None:
        cap_usd = None if cap is None else Usd(cap * USD)
        terms = FundingTerms(interest_e10=0, multiplier_e6=2_000_000)
        listings = [
            replace(list_perp(ETH), oi_cap_usd=cap_usd),
            list_perp(SOL),
            replace(list_perp(PRE), hyperp_px=Px(PRE.px("10"))),
            list_deployed(XYZ, 1, 0, "GOLD", 2, 20),
            list_deployed(XYZ, 1, 1, "TSLA", 2, 10, oi_cap_usd=cap_usd, funding=terms),
        ]
        self.exchange = Exchange(listings, start_ns=START_NS, dexs=[dex], policy=VenuePolicy(**policy))
        self.now = START_NS
        self.events = ()
        for user in ("a", "b", "c"):
            self.fund(user, "150000")
            assert self.move(user, 0, 1, 50_000 * USD) is None
        for asset in (4, 5):
            self.oracle("100", asset)
        self.speak({GOLD: "100", TSLA: "100"})

    def move(self, user: str, from_dex: int, to_dex: int, usd: int) -> str | None:
        """Why collateral was not moved."""
        world = self.exchange._world
        return move_collateral(world, world.accounts.by_user[user], from_dex, to_dex, usd)

    def speak(self, oracles: dict[int, str], *marks: dict[int, str], span_ns: int = 0) -> str | None:
        """What the deployer of `xyz` says, and the error."""
        lists = [tuple((asset, ETH.px(px)) for asset, px in one.items()) for one in (oracles, *marks)]
        return self.do(SetOracle(1, lists[0], tuple(lists[1:])), span_ns).error
