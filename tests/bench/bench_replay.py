"""How fast a run and a captured market are replayed, beside loops that only read and decode the same records.

The run is a desk on the stage with its capture. Journal: all nine Hats handle again what they handled, every output
encoded and compared; the bare loop fetches and decodes the same messages in the same batches. Capture: the whole desk,
hub, journal and paper venue included, runs on the frames; the bare loop reads the log and decodes every frame. Both
take turns, and the best of each counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import Decoder
from orchestrator.history.capture_run import run_capture, survey_of
from orchestrator.machine.runfiles import RunFiles
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.replay import letters_of
from orchestrator.settings import Settings
from orchestrator.telling.reproduction import replay_run
from shared.codec import decode
from shared.ids import HATS
from shared.journal import JournalReader
from shared.messages.market import UniverseUpdate
from shared.units import Ns
from shared.venue.flow.coins import COINS, listings
from shared.warehouse.capture.playback import as_it_happened
from shared.warehouse.capture.reader import read_log
from shared.warehouse.capture.records import Frame


def best(work: Callable[[], int], rounds: int) -> float:
    """Events a second of the best round."""
    rates = []
    for _ in range(rounds):
        began = time.perf_counter()
        done = work()
        rates.append(done / (time.perf_counter() - began))
    return max(rates)


def bare_journal(reader: JournalReader) -> int:
    """Messages read and decoded, batch by batch, for each Hat."""
    done = 0
    for role in HATS:
        for batch in reader.handled(role):
            for letter in letters_of(reader, batch):
                decode(letter.body)
                done += 1
    return done


def hats_again(reader: JournalReader, run: Rehearsal) -> int:
    """Messages that the nine Hats handled again, every output equal."""
    found = replay_run(reader, run.settings, approval_key=run.approval_key)
    assert all(hat.difference is None for hat in found), [hat.in_words for hat in found]
    return sum(hat.handled for hat in found)


def bare_capture(folder: Path) -> int:
    """Frames read from the log and decoded."""
    universe = Universe()
    universe.learn(UniverseUpdate(tuple(one.instrument for one in listings(COINS)), 4_500, 1_500, Ns(1)))
    decoder, done = Decoder(universe), 0
    for item in as_it_happened(read_log(folder)):
        if isinstance(item, Frame):
            decoder.decode(item.data, Ns(item.recv_ns))
            done += 1
    return done


def desk_again(folder: Path, home: Path, settings: Settings) -> float:
    """Frames a second that a whole desk takes from the capture."""
    found = run_capture(settings, folder, survey_of(folder), RunFiles(home), lambda _: None)
    assert not found.problems, found.problems
    return found.frames_per_s


def figures(seconds: float, rounds: int) -> dict[str, Any]:
    """Events a second of both replays and of their bare loops, and the ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run: Rehearsal = rehearse(Settings(), folder / "journal.sqlite", seed=7, capture=folder / "capture")
        run.run_for(seconds)
        run.close()
        reader = JournalReader.open(folder / "journal.sqlite")
        hats = best(lambda: hats_again(reader, run), rounds)
        bare = best(lambda: bare_journal(reader), rounds)
        reader.close()
        desk = max(desk_again(folder / "capture", folder / f"run-{n}", Settings()) for n in range(rounds))
        read = best(lambda: bare_capture(folder / "capture"), rounds)
    return {
        "journal": {"replayed_s": round(hats), "bare_s": round(bare), "share_of_bare": round(hats / bare, 3)},
        "capture": {"replayed_s": round(desk), "bare_s": round(read), "share_of_bare": round(desk / read, 4)},
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="Virtual seconds of the run that is replayed.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = figures(chosen.seconds, chosen.rounds)
    if chosen.json:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        print(f"{name:22} {row}")


if __name__ == "__main__":
    main()
