"""The proof of a journal: each Hat, made anew and given what it handled, says again what it said, byte for byte.

Runtime, process and clock of the run play no part in it, so the same proof holds for the cluster and for the stage.
Where a Hat says something else, the first such message is named; what it would have said later means nothing then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec

from orchestrator import compose
from orchestrator.replay import letters_of
from orchestrator.settings import Settings
from shared.approval import ApprovalKey
from shared.bus import frames
from shared.codec import decode, encode
from shared.errors import BusError
from shared.hat import Hat, settled
from shared.ids import HATS, Role
from shared.journal import JournalReader
from shared.messages import AnyMessage
from shared.record import Entry, Handled
from shared.units import Ns

FIELDS_MAX: Final = 5
"""So many of the fields that differ are named."""
_EDGE_SAYS: Final[dict[Role, frozenset[str]]] = {
    Role.EXCHANGE_ARCHITECT: frozenset(
        {"ActionSent", "ActionAnswered", "AllowanceTold", "CandlesTold", "VenueOrder", "AccountSnapshot", "BadData"}
    ),
    Role.SECURITY_ARCHITECT: frozenset({"SignedAction", "SignatureRefused", "AgentMet"}),
}
"""What an edge says with its command's message as the cause; it is input, not output of the Hat."""


class Difference(msgspec.Struct, frozen=True):
    """The first message that a Hat did not say again: number `seq` of the journal, said of message `cause`.

    `kind` is what caused it; `fields` say in words where two messages of one kind differ, at most FIELDS_MAX of them.
    """

    batch: int
    seq: int
    cause: int
    kind: str
    written: str
    replayed: str
    fields: tuple[str, ...] = ()


class HatReplay(msgspec.Struct, frozen=True):
    """One Hat's replay up to its end or to its first difference: batches, messages handled, messages said again."""

    role: Role
    batches: int
    handled: int
    said: int
    difference: Difference | None

    @property
    def in_words(self) -> str:
        """Equal, or where the first difference is."""
        if self.difference is None:
            return f"{self.role}: equal, {self.said:,} messages said again to {self.handled:,} handled"
        it = self.difference
        fields = f" ({'; '.join(it.fields)})" if it.fields else ""
        what = f"written {it.written}, replayed {it.replayed}"
        return f"{self.role}: message {it.seq}, in batch {it.batch}, of {it.kind} {it.cause}: {what}{fields}"


class Replayed(msgspec.Struct, frozen=True):
    """What a run's verdict says of its replay, for those who read nothing else of it; None: it was not made."""

    replay: tuple[HatReplay, ...] | None = None


def replay_run(
    reader: JournalReader,
    settings: Settings,
    roles: Sequence[Role] = HATS,
    on_batch: Callable[[], None] = lambda: None,
    approval_key: ApprovalKey | None = None,
) -> tuple[HatReplay, ...]:
    """The replay of these Hats, made anew from the settings and the approval key with which they ran."""
    return tuple(replay_hat(reader, compose.make_hat(settings, role, approval_key), on_batch) for role in roles)


def replay_hat(reader: JournalReader, hat: Hat, on_batch: Callable[[], None] = lambda: None) -> HatReplay:
    """What a fresh `hat` says to all that the journal says it handled; `on_batch` is called after each batch."""
    batches = handled = said = 0
    difference = None
    for batch in reader.handled(hat.role):
        more, difference = _replay_batch(reader, hat, batch)
        said += more
        if difference is not None:
            break
        batches += 1
        handled += len(batch.seqs)
        on_batch()
    return HatReplay(hat.role, batches, handled, said, difference)


def _replay_batch(reader: JournalReader, hat: Hat, batch: Handled) -> tuple[int, Difference | None]:
    """How many messages came out as written, and the first that did not."""
    seq, letters = batch.after_seq, letters_of(reader, batch)
    for first, turn in _turns(hat, letters, Ns(batch.now)):
        cause = reader.message(letters[first].seq)
        assert cause is not None
        try:
            outputs = tuple(turn())
        except Exception as error:  # noqa: BLE001 - a Hat that lived through it once: this is the difference
            died = f"{hat.role} fails: {type(error).__name__}: {error}"
            written = _written(reader.message(seq + 1), hat.role, cause.seq)
            return seq - batch.after_seq, Difference(batch.n, seq + 1, cause.seq, cause.kind, written, died)
        for index, output in outputs:
            seq += 1
            cause, entry = reader.message(letters[index].seq), reader.message(seq)
            assert cause is not None
            if not _is_it(entry, hat.role, cause.seq, output):
                return seq - 1 - batch.after_seq, _difference(batch, seq, cause, entry, hat.role, output)
    return seq - batch.after_seq, _unsaid(reader, batch, seq + 1)


def _turns(
    hat: Hat, letters: Sequence[frames.Delivered], now: Ns
) -> Iterator[tuple[int, Callable[[], Iterable[tuple[int, AnyMessage]]]]]:
    """What the Hat is to do with the batch, step by step: the place of the message it is about, and the step.

    Each step gives what is said, with the place of its cause.
    """

    def handle(index: int) -> Iterator[tuple[int, AnyMessage]]:
        return ((index, said) for said in hat.handle(decode(letters[index].body), now))

    for index in range(len(letters)):
        yield index, partial(handle, index)
    if letters:
        yield len(letters) - 1, partial(settled, hat, now)


def _is_it(entry: Entry | None, role: Role, cause: int, output: AnyMessage) -> bool:
    return entry is not None and (entry.source, entry.cause, entry.body) == (role, cause, encode(output))


def _unsaid(reader: JournalReader, batch: Handled, seq: int) -> Difference | None:
    """What the journal says that the Hat said of this batch beyond what it says now."""
    entry = reader.message(seq)
    if entry is None or entry.source is not batch.role or entry.cause not in batch.seqs:
        return None
    if entry.kind in _EDGE_SAYS.get(batch.role, ()):
        return None
    cause = reader.message(entry.cause)
    assert cause is not None
    return Difference(batch.n, seq, cause.seq, cause.kind, _written(entry, batch.role, cause.seq), "nothing")


def _difference(
    batch: Handled, seq: int, cause: Entry, entry: Entry | None, role: Role, output: AnyMessage
) -> Difference:
    written = _written(entry, role, cause.seq)
    fields: tuple[str, ...] = ()
    if entry is not None and written != "nothing" and entry.kind == type(output).__name__:
        fields = tuple(islice(_fields(decode(entry.body), output), FIELDS_MAX))
    return Difference(batch.n, seq, cause.seq, cause.kind, written, str(output), fields)


def _written(entry: Entry | None, role: Role, cause: int) -> str:
    """The journal's message if it is this Hat's, of this cause; else it said nothing (more) here."""
    if entry is None or entry.source is not role or entry.cause != cause:
        return "nothing"
    try:
        return str(decode(entry.body))
    except BusError as error:
        return f"a {entry.kind} that this version can't read ({error})"


def _fields(written: Any, replayed: Any, path: str = "") -> Iterator[str]:
    """Where two values of one kind differ, as `px: written 5, replayed 6`."""
    if isinstance(written, msgspec.Struct) and type(written) is type(replayed):
        for name in written.__struct_fields__:
            yield from _fields(getattr(written, name), getattr(replayed, name), f"{path}.{name}" if path else name)
    elif isinstance(written, tuple | list) and isinstance(replayed, tuple | list) and len(written) == len(replayed):
        for index, (before, after) in enumerate(zip(written, replayed, strict=True)):
            yield from _fields(before, after, f"{path}[{index}]")
    elif written != replayed:
        yield f"{path}: written {written!r}, replayed {replayed!r}"
