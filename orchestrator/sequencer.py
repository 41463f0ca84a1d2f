"""One total order: every message gets the next number, is written down, and only then waits for its hearers."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from orchestrator.routes import hearers
from shared.codec import encode
from shared.ids import Role, Seq
from shared.mailbox import Letter, Mailbox
from shared.messages import AnyMessage, Envelope, Message
from shared.messages.market import BookUpdate
from shared.messages.order import ActionSent, PostAction, SignedAction, SignRequest, SubmitOrder
from shared.messages.risk import OrderApproved
from shared.messages.signal import FeatureUpdate, OrderIntent
from shared.record import Entry, Record
from shared.units import Ns

TICK_PATH: Final = frozenset(
    {FeatureUpdate, OrderIntent, OrderApproved, SubmitOrder, SignRequest, SignedAction, PostAction, ActionSent}
)
"""Messages that hand the receive time of the book on, from the tick to the wire."""


class Sequencer:
    """Numbers, writes and posts. Messages for the orchestrator itself end in `inbox`.

    `on_said` looks on (metrics), `witness` judges.
    """

    def __init__(self, record: Record, mailboxes: Mapping[Role, Mailbox]) -> None:
        self.record = record
        self.mailboxes = mailboxes
        self.inbox: deque[Envelope] = deque()
        self.on_said: Callable[[AnyMessage], None] = _unheard
        self.witness: Callable[[AnyMessage, Ns], None] = _unseen

    def has_room(self, source: Role, messages: Iterable[Message]) -> bool:
        """Could every hearer take all of these now? If not, hold the speaker back and ask again."""
        needed = Counter(
            (role, message.lane)
            for message in messages
            for role in hearers(source, message)
            if role is not Role.ORCHESTRATOR
        )
        return all(self.mailboxes[role].room(lane) >= count for (role, lane), count in needed.items())

    def say(
        self,
        source: Role,
        message: AnyMessage,
        now: Ns,
        *,
        cause: int = 0,
        origin_ns: int = 0,
        body: bytes | None = None,
    ) -> Envelope:
        """The message in its envelope, written and posted.

        Raises NotAllowedError if `source` may not say it and MailboxFull if a hearer has no room; nothing is written
        then. `body` is its encoding if the caller has it already.
        """
        who = hearers(source, message)
        boxes = [self.mailboxes[role] for role in who if role is not Role.ORCHESTRATOR]
        for box in boxes:
            box.check_room(message)
        body = encode(message) if body is None else body
        origin_ns = _origin(message, origin_ns)
        seq = Seq(self.record.last_seq + 1)
        kind = type(message)
        self.record.append(Entry(seq, now, source, kind.__name__, cause, origin_ns, body), durable=kind.durable)
        letter = Letter(seq, now, Ns(origin_ns), message, body)
        for box in boxes:
            box.put(letter)
        self.on_said(message)
        self.witness(message, now)
        envelope = Envelope(seq, now, source, Seq(cause), Ns(origin_ns), message)
        if Role.ORCHESTRATOR in who:
            self.inbox.append(envelope)
        return envelope


def _origin(message: Message, inherited_ns: int) -> int:
    if isinstance(message, BookUpdate):
        return message.recv_ns
    return inherited_ns if type(message) in TICK_PATH else 0


def _unheard(_: AnyMessage) -> None:
    """Nobody looks on."""


def _unseen(_: AnyMessage, __: Ns) -> None:
    """Nobody judges."""
