"""What must never be signed, in every dress, at a real signer process: `python -m tests.security.forbidden`.

Every action of the venue that moves money, hands out power or changes what the account is, in each of the shapes below.
The signer must refuse it or hang up, give nothing that a signature could be, and go on signing what is allowed.
Exit code 0 if all were refused; 1 if not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from hats.security_architect.signer import frames
from shared.approval import Ticket
from shared.approval_file import read_key
from shared.bus.framing import framed
from shared.errors import BusError
from shared.ids import Cloid
from shared.order import Tif
from shared.units import SECOND, Ns
from tests.security.signer_process import NOOP, Process, furnish, now_ms, read

_YOU: Final = "0x" + "1f" * 20
_CHAIN: Final = {"signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}
FORBIDDEN: Final[Mapping[str, dict[str, Any]]] = {
    "withdraw3": {**_CHAIN, "destination": _YOU, "amount": "1", "time": 1},
    "usdSend": {**_CHAIN, "destination": _YOU, "amount": "1", "time": 1},
    "spotSend": {**_CHAIN, "destination": _YOU, "token": "PURR:0xc4bf", "amount": "1", "time": 1},
    "sendAsset": {**_CHAIN, "destination": _YOU, "sourceDex": "", "destinationDex": "spot", "token": "USDC",
                  "amount": "1", "fromSubAccount": "", "nonce": 1},
    "usdClassTransfer": {**_CHAIN, "amount": "1", "toPerp": False, "nonce": 1},
    "vaultTransfer": {"vaultAddress": _YOU, "isDeposit": True, "usd": 1_000_000},
    "subAccountTransfer": {"subAccountUser": _YOU, "isDeposit": True, "usd": 1_000_000},
    "subAccountSpotTransfer": {"subAccountUser": _YOU, "isDeposit": True, "token": "USDC", "amount": "1"},
    "approveAgent": {**_CHAIN, "agentAddress": _YOU, "agentName": "mallory", "nonce": 1},
    "approveBuilderFee": {**_CHAIN, "maxFeeRate": "1%", "builder": _YOU, "nonce": 1},
    "tokenDelegate": {**_CHAIN, "validator": _YOU, "wei": 1, "isUndelegate": False, "nonce": 1},
    "cDeposit": {**_CHAIN, "wei": 1, "nonce": 1},
    "cWithdraw": {**_CHAIN, "wei": 1, "nonce": 1},
    "convertToMultiSigUser": {**_CHAIN, "signers": json.dumps({"authorizedUsers": [_YOU], "threshold": 1}), "nonce": 1},
    "multiSig": {"signatureChainId": "0x66eee", "signatures": [], "payload": {"multiSigUser": _YOU, "outerSigner": _YOU,
                 "action": {"type": "usdSend"}}},
    "userDexAbstraction": {**_CHAIN, "user": _YOU, "enabled": True, "nonce": 1},
    "userSetAbstraction": {**_CHAIN, "user": _YOU, "abstraction": "portfolioMargin", "nonce": 1},
    "agentEnableDexAbstraction": {},
    "agentSetAbstraction": {"abstraction": "u"},
    "agentSendAsset": {"destination": _YOU, "sourceDex": "", "destinationDex": "", "token": "USDC", "amount": "1"},
    "perpDeploy": {"registerAsset": {"coin": "MINE", "szDecimals": 2}},
    "spotDeploy": {"registerToken2": {"spec": {"name": "MINE", "szDecimals": 0, "weiDecimals": 8}, "maxGas": 1}},
    "createVault": {"name": "mine", "description": "", "initialUsd": 100_000_000, "nonce": 1},
    "createSubAccount": {"name": "mine"},
    "evmUserModify": {"usingBigBlocks": True},
    "reserveRequestWeight": {"weight": 1},
    "setReferrer": {"code": "MALLORY"},
    "updateLeverage": {"asset": 0, "isCross": True, "leverage": 50},
}  # fmt: skip
"""Their fields are the documented ones, so that nothing is refused for a slip of ours."""

_ENTRY: Final[dict[str, Any]] = {
    "a": 0, "b": True, "p": "100", "s": "0.1", "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": "0x" + "0" * 31 + "7",
}  # fmt: skip

Shape = Callable[[str, dict[str, Any]], bytes]


def _named(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, **fields}


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


SHAPES: Final[Mapping[str, Shape]] = {
    "bare": lambda kind, _: _json({"type": kind}),
    "as documented": lambda kind, fields: _json(_named(kind, fields)),
    "with an order's fields": lambda kind, _: _json({"type": kind, "orders": [_ENTRY], "grouping": "na"}),
    "type last": lambda kind, fields: _json({**fields, "type": kind}),
    "inside an order": lambda kind, fields: _json(
        {"type": "order", "orders": [_ENTRY], "grouping": "na", "action": _named(kind, fields)}
    ),
    "beside a noop": lambda kind, fields: _json([{"type": "noop"}, _named(kind, fields)]),
    "type twice, ours first": lambda kind, fields: b'{"type":"noop","type":"%b"%b' % (kind.encode(), _tail(fields)),
    "type twice, ours last": lambda kind, fields: b'{"type":"%b","type":"noop"%b' % (kind.encode(), _tail(fields)),
    "escaped": lambda kind, fields: b'{"type":"\\u%04x%b"%b' % (ord(kind[0]), kind[1:].encode(), _tail(fields)),
    "typed data": lambda kind, fields: _json(
        {"domain": {"name": "HyperliquidSignTransaction", "chainId": 421614}, "message": fields, "types": {},
         "primaryType": f"HyperliquidTransaction:{kind[0].upper()}{kind[1:]}"}
    ),
    "msgpack": lambda kind, fields: msgspec.msgpack.encode(_named(kind, fields)),
    "as a string": lambda kind, fields: _json(json.dumps(_named(kind, fields))),
}  # fmt: skip


def _tail(fields: dict[str, Any]) -> bytes:
    return (b"," + _json(fields)[1:]) if fields else b"}"


class Result(NamedTuple):
    """What came of it: how many were asked, how each was turned away, and those that were not."""

    types: int
    shapes: int
    refused: int
    hung_up: int
    allowed_signed: int
    not_refused: list[str]


def campaign(folder: Path) -> Result:
    """Ask a signer process for every type in every shape, and for a noop after each."""
    furnish(folder)
    process, told, not_refused = Process(folder), Counter[str](), []
    try:
        for number, kind in enumerate(FORBIDDEN):
            for name, shape in SHAPES.items():
                ask = _ask(folder, number, shape(kind, FORBIDDEN[kind]))
                answer = _answer(process, ask)
                told[answer] += 1
                if answer not in ("refused", "hung up"):
                    not_refused.append(f"{kind}, {name}: {answer}")
            raw = framed(msgspec.msgpack.encode([f"{kind[0].upper()}{kind[1:]}", 1, b"{}", now_ms(), 0]))
            if _answer(process, raw) != "hung up":
                not_refused.append(f"{kind} as a question of its own")
            told["good"] += _answer(process, framed(frames.encode(frames.Ask(1, NOOP, now_ms(), 0)))) == "signed"
            time.sleep(0.002)  # the next noop wants a nonce of its own
    finally:
        process.end()
    return Result(len(FORBIDDEN), len(SHAPES), told["refused"], told["hung up"], told["good"], not_refused)


def _ask(folder: Path, number: int, action: bytes) -> bytes:
    """The question, with a genuine approval of an order beside it, so that it is not refused for want of one."""
    key = read_key(folder / "approvals.key")
    bare = Ticket(
        number + 1, Ns(time.time_ns() + 60 * SECOND), Cloid(str(_ENTRY["c"])), "BTC", 0, True, "100", "0.1", Tif.GTC,
        False, None,
    )  # fmt: skip
    ticket = msgspec.structs.replace(bare, mac=key.seal(bare))
    return framed(frames.encode(frames.Ask(1, action, now_ms(), now_ms() + 10_000, (ticket,))))


def _answer(process: Process, question: bytes) -> str:
    """How the signer takes it."""
    with process.call() as sock:
        read(sock)
        sock.sendall(question)
        try:
            frame = read(sock)
        except ConnectionResetError:
            return "hung up"
        if not frame:
            return "hung up"
        try:
            return type(frames.decode_answer(frame)).__name__.lower()
        except BusError:
            return f"{frame[:40]!r}"


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.forbidden", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line to read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(Path(folder))
    if options.json:
        print(json.dumps(result._asdict()))
    else:
        print(
            f"{result.types} forbidden types x {result.shapes} shapes: {result.refused} refused, "
            f"{result.hung_up} hung up on, {len(result.not_refused)} neither; {result.allowed_signed} of the "
            "noops between them signed"
        )
        print("\n".join(result.not_refused), end="")
    return 1 if result.not_refused or result.allowed_signed != result.types else 0


if __name__ == "__main__":
    sys.exit(main())
