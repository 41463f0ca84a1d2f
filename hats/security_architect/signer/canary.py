"""The canary: before a key may sign, our signatures are compared with the official SDK's and with published ones."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from eth_account import Account
from hyperliquid.utils.signing import sign_l1_action

from hats.security_architect.actions import Signature
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from shared.errors import InvariantError

_PUBLIC_TEST_KEY: Final = bytes.fromhex("0123456789012345678901234567890123456789012345678901234567890123")
"""The key of the SDK's own tests; it guards nothing."""

_ORDER: Final = (
    b'{"type":"order","orders":[{"a":0,"b":true,"p":"50000","s":"0.001","r":false,"t":{"limit":{"tif":"Gtc"}}}]'
    b',"grouping":"na"}'
)
_CANCEL: Final = b'{"type":"cancelByCloid","cancels":[{"asset":1,"cloid":"0x00000000000000000000000000000001"}]}'
_NOOP: Final = b'{"type":"noop"}'
_NONCE: Final = 1_700_000_000_000


class Published(NamedTuple):
    """A signature of `_ORDER` with `_NONCE` by the public test key, as others computed it."""

    network: Network
    r: int
    s: int
    v: int


_PUBLISHED: Final = (
    Published(
        Network.MAINNET,
        0x624D2F9A91C88A28EE5C3E1448F3CB387BE99DD18BA4BDD7B3EA229C10C57399,
        0x4C0F16C217AD058ACE0E6AAAE3291AD850308041A26DC9DF4E002AA8874B0CD0,
        27,
    ),
    Published(
        Network.TESTNET,
        0xB99F076E32BE11335E0B5DD3DBEC07D3B929F042F4A85E1D14AB3359B1C00E02,
        0x65CC50B490158220F901F3DC94BC7F6FB00B037C2B1A05ACAC770A3FA43C425D,
        28,
    ),
)


def sdk_signature(secret: bytes, action: bytes, nonce: int, expires_after_ms: int, network: Network) -> Signature:
    """What the official SDK signs for the same question."""
    fields: dict[str, Any] = sign_l1_action(
        Account.from_key(secret),
        msgspec.json.decode(action),
        None,
        nonce,
        expires_after_ms or None,
        network is Network.MAINNET,
    )
    return Signature(int(fields["r"], 16), int(fields["s"], 16), fields["v"])


def check(secret: bytes, network: Network) -> None:
    """Nothing if both ways agree; InvariantError at the first difference.

    The key itself is tried on requests whose nonce is far outside the venue's window, so they could never act.
    """
    for published in _PUBLISHED:
        key = AgentKey(_PUBLIC_TEST_KEY, published.network)
        ours = key.sign(key.digest(_ORDER, _NONCE, 0))
        if ours != published[1:]:
            raise InvariantError(f"canary: expected the published {published.network} signature, ours differs")
    key = AgentKey(secret, network)
    for action, expires_after_ms in ((_ORDER, 0), (_ORDER, _NONCE + 1), (_CANCEL, _NONCE + 1), (_NOOP, 0)):
        ours = key.sign(key.digest(action, 1, expires_after_ms))
        if ours != sdk_signature(secret, action, 1, expires_after_ms, network):
            raise InvariantError(f"canary: our signature of {action[:30].decode()} differs from the official SDK's")
