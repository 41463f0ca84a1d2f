"""EDGE: `python -m orchestrator.oracle_feeder`: reads the venue's oracle prices for the signer, and for nobody else.

A process of its own with a connection and a credential of its own, so that no Hat has a hand in the price that orders
are held against. When it can't read or tell, it says so in its log and tries again; the signer then goes blind by
itself, for it looks at the age of what it was told.

Exit codes: 0 stopped as told; 1 something is configured wrongly (said in one line); 2 wrong usage.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hats.exchange_architect import wire_info
from hats.exchange_architect.connection import Connection, Lost
from hats.exchange_architect.errands import INFO
from hats.exchange_architect.http1 import request, request_head
from hats.security_architect.signer.oracle import OracleKey, oracle_pxs
from hats.security_architect.signer.process import Log, run
from shared.bus import sockets
from shared.clock import WallClock
from shared.errors import BusError, VenueError, VenueProtocolError, VenueUnreachable
from shared.private_files import SECRET_BYTES, read_private
from shared.units import MS

_CONNECT_MS: Final = 2_000
_READ_MS: Final = 3_000
_AGAIN_S: Final = 0.5
"""After a failure, or a reading without a price, it tries again so soon, unless its usual pause is shorter."""


class Feeder:
    """From the venue to the signer, one reading at a time."""

    def __init__(self, base_url: str, assets: Sequence[int], socket: Path, key: OracleKey) -> None:
        self._venue = Connection(base_url, _CONNECT_MS)
        self._head = request_head(self._venue.host, INFO)
        self._assets = tuple(assets)
        self._socket = socket
        self._key = key
        self._clock = WallClock()
        self._signer: sockets.Connection | None = None

    def turn(self) -> int:
        """How many prices the signer was told. VenueError if they can't be read, BusError if they can't be told."""
        if not self._venue.is_usable():
            self._venue.open()
        self._venue.send(request(self._head, wire_info.body("metaAndAssetCtxs")))
        reply = self._venue.receive(_READ_MS)
        if isinstance(reply, Lost):
            raise VenueUnreachable(reply.reason)
        if reply.status != 200:
            raise VenueProtocolError(
                f"HTTP {reply.status} to metaAndAssetCtxs", reply.body[:100].decode("utf-8", "replace")
            )
        pxs = oracle_pxs(reply.body, self._assets)
        self._tell(self._key.frame(self._clock.now() // MS, pxs))
        return len(pxs)

    def close(self) -> None:
        """Hang up on both."""
        self._venue.close()
        if self._signer is not None:
            self._signer.close()
            self._signer = None

    def _tell(self, frame: bytes) -> None:
        for is_second in (False, True):  # a signer that was started anew leaves a dead connection behind
            if self._signer is None:
                self._signer = sockets.connect(f"unix:{self._socket}", _CONNECT_MS / 1_000)
            try:
                self._signer.receive_ready()
                if not self._signer.is_open:
                    raise BusError("the signer hung up")
                self._signer.send(frame)
            except BusError:
                self._signer.close()
                self._signer = None
                if is_second:
                    raise
            else:
                return


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    return run("oracle feeder", options.log, lambda say: _feed(options, say))


def _feed(options: argparse.Namespace, say: Log) -> None:
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    key = OracleKey(read_private(options.key_file, SECRET_BYTES))
    feeder = Feeder(options.base_url, [int(asset) for asset in options.assets.split(",")], options.socket, key)
    pause_s = options.every_ms / 1_000
    said: str | None = None
    try:
        while not ending.is_set():
            try:
                fault, told = "", feeder.turn()
            except (VenueError, BusError) as error:
                fault, told = str(error), 0
            if fault != said:
                said = fault
                say("blind" if fault else "told", {"reason": fault, "prices": told})
            ending.wait(pause_s if told else min(pause_s, _AGAIN_S))
    finally:
        feeder.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestrator.oracle_feeder", description="Tell the signer prices.")
    parser.add_argument("--base-url", required=True, help="root of the venue's HTTP API")
    parser.add_argument("--assets", required=True, help="whose oracle prices, e.g. 0,1,5")
    parser.add_argument("--socket", type=Path, required=True, help="the signer's socket for prices")
    parser.add_argument("--key-file", type=Path, required=True, help="what readings are sealed with, a 0600 file")
    parser.add_argument("--every-ms", type=int, default=5_000, help="pause between two readings")
    parser.add_argument("--log", type=Path, help="JSON lines; default: stderr")
    return parser


if __name__ == "__main__":
    sys.exit(main())
