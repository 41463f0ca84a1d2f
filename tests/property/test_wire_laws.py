"""Whatever number a strategy comes up with: what is signed is valid on the venue and what was meant, or nothing is.

The campaign of 100,000 is `python -m tests.bench.order_laws`.
"""

from __future__ import annotations

import math
import random
import re
from decimal import Decimal
from typing import Final

from hyperliquid.utils.signing import float_to_wire

from hats.security_architect.actions import Order, read_action, to_json
from hats.security_architect.packing import Pack, Piece, action_of
from shared.errors import UnitError
from shared.ids import cloid_for
from shared.instrument import Instrument
from shared.messages.order import SubmitOrder
from shared.order import Side, Tif
from shared.units import Ns, Px, Rounding, Sz

PLAIN: Final = re.compile(r"(0|[1-9]\d*)(\.\d*[1-9])?")
"""Plain notation without idle zeros."""
STRANGE: Final = (
    math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-9, 1e9, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.0,
    0.1 + 0.2, 11.509999999999999, 1e15 + 0.5, 99999.5, 100000.5, 0.000123456789,
)  # fmt: skip


def number(draw: random.Random) -> float:
    """A strange number, or one of any size."""
    return draw.choice(STRANGE) if draw.random() < 0.2 else draw.choice([1, 1, 1, -1]) * 10 ** draw.uniform(-9, 9)


def meant(draw: random.Random, instrument: Instrument) -> tuple[Px, Sz] | None:
    """A price and size from two numbers, as a strategy makes them; None if they are refused."""
    try:
        px = instrument.px_on_tick(number(draw), draw.choice(list(Rounding)))
        sz = instrument.sz_in_lots(number(draw))
    except UnitError:
        return None
    return (px, sz) if instrument.is_on_tick(px) and sz > 0 else None


def check_wire(draw: random.Random) -> bool:
    """Was it valid? If it was, its wire form has to obey the venue's rules to the letter."""
    instrument = Instrument("AAA", 3, draw.randint(0, 5), 10)
    pair = meant(draw, instrument)
    if pair is None:
        return False
    px, sz = pair
    order = SubmitOrder(
        cloid_for(1, 1, 1), 1, "AAA", 3, instrument.sz_decimals, Side.BUY, px, sz, Tif.GTC, False, None, Ns(1)
    )
    action = read_action(to_json(action_of(Pack((Piece(0, order),)))))
    assert isinstance(action, Order)
    (entry,) = action.orders
    for text in (entry.px, entry.sz):
        assert PLAIN.fullmatch(text), text
        if Decimal(text) < 10**7:  # beyond that a float does not hold eight decimals, and the SDK says so
            assert float_to_wire(float(text)) == text, text
    assert Decimal(entry.px) == Decimal(px).scaleb(-instrument.px_decimals)
    assert Decimal(entry.sz) == Decimal(sz).scaleb(-instrument.sz_decimals)
    digits = entry.px.replace(".", "").lstrip("0")
    assert "." not in entry.px or len(digits) <= 5, entry.px
    assert len(entry.px.partition(".")[2]) <= 6 - instrument.sz_decimals, entry.px
    assert len(entry.sz.partition(".")[2]) <= instrument.sz_decimals, entry.sz
    return True


def test_numbers_are_valid_on_the_wire_or_refused() -> None:
    """5,000 numbers; some of either sort."""
    draw = random.Random(1)
    valid = sum(check_wire(draw) for _ in range(5_000))
    assert 1_000 < valid < 4_500
