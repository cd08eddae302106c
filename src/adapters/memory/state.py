"""What one memory holds, behind one lock, and the parts that every commit writes alike."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from threading import RLock

import attrs

from telemed_core.domain.accounts import Account, Login, Reservation
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.attempts import Failures
from telemed_core.domain.commit import Command, Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import AppointmentEvent, Side
from telemed_core.domain.ids import (
    AccountId,
    AppointmentId,
    BlockId,
    CommandId,
    DoctorId,
    Id,
    MeetingId,
    PersonId,
    SagaId,
    SessionId,
)
from telemed_core.domain.instants import Interval
from telemed_core.domain.meetings import Meeting
from telemed_core.domain.notices import Channel, EventId, Notice, NoticeId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf
from telemed_core.domain.ratings import Rating, RatingSum
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.sagas import Intervention, SagaEntry, SagaRow, SagaStart
from telemed_core.domain.schedule import BlockCancellation, Schedule
from telemed_core.domain.sessions import Credential, Session
from telemed_core.domain.signals import Seat, Signal
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import FencedError
from telemed_core.saga.sagas import REGISTRY


@attrs.define
class Quota:
    """A patient's counters; a closed account gets no new live appointment."""

    pending: int = 0
    live: int = 0
    open: bool = True


@attrs.define
class Seated:
    """A connection in its seat, with the process it belongs to, and the number of what it has said last."""

    seat: Seat
    owner: str
    said: int = 0


@attrs.define(repr=False)
class SignalLog:
    """What is kept of one meeting's signals, and the ``seq`` of the last that there was."""

    seq: int = 0
    closed: bool = False
    entries: list[Signal] = attrs.Factory(list)
    seated: dict[Side, Seated] = attrs.Factory(dict)


@attrs.define(repr=False)
class State:
    """All the data; whoever touches it holds ``lock``. What is kept is immutable, so what is handed out is too."""

    lock: RLock = attrs.field(factory=RLock)
    people: dict[Cpf, PersonId] = attrs.Factory(dict)
    logins: dict[tuple[str, Login], AccountId] = attrs.Factory(dict)
    reservations: dict[AccountId, tuple[Reservation, PersonId]] = attrs.Factory(dict)
    accounts: dict[AccountId, Account] = attrs.Factory(dict)
    credentials: dict[AccountId, Credential] = attrs.Factory(dict)
    removed: set[AccountId] = attrs.Factory(set)
    # Those that go on: each counts with the present credential of its account.
    sessions: dict[SessionId, Session] = attrs.Factory(dict)
    failures: dict[str, Failures] = attrs.Factory(dict)
    decisions: dict[tuple[DoctorId, int], tuple[Doctor, tuple[AppointmentId, ...]]] = attrs.Factory(dict)
    schedules: dict[DoctorId, Schedule] = attrs.Factory(dict)
    blocks: dict[BlockId, tuple[Interval, tuple[AppointmentId, ...]]] = attrs.Factory(dict)
    cancellations: dict[AppointmentId, BlockCancellation] = attrs.Factory(dict)
    appointments: dict[AppointmentId, Appointment] = attrs.Factory(dict)
    owned: dict[AccountId, list[AppointmentId]] = attrs.Factory(dict)
    live: dict[AppointmentId, Appointment] = attrs.Factory(dict)
    events: dict[AppointmentId, list[tuple[CommandId, AppointmentEvent]]] = attrs.Factory(dict)
    claims: dict[PersonId, dict[int, AppointmentId]] = attrs.Factory(dict)
    quotas: dict[PersonId, Quota] = attrs.Factory(dict)
    texts: dict[TextKey, str] = attrs.Factory(dict)
    sagas: dict[SagaId, SagaRow] = attrs.Factory(dict)
    # Those of them that are to be run.
    waiting: dict[SagaId, SagaRow] = attrs.Factory(dict)
    interventions: dict[SagaId, list[Intervention]] = attrs.Factory(dict)
    published: dict[Id, int] = attrs.Factory(dict)
    notices: dict[NoticeId, Notice] = attrs.Factory(dict)
    told: set[tuple[EventId, AccountId, Channel]] = attrs.Factory(set)
    feeds: dict[AccountId, str] = attrs.Factory(dict)
    meetings: dict[AppointmentId, Meeting] = attrs.Factory(dict)
    signals: dict[MeetingId, SignalLog] = attrs.Factory(dict)
    ratings: dict[AppointmentId, tuple[CommandId, Rating]] = attrs.Factory(dict)
    sums: dict[DoctorId, RatingSum] = attrs.Factory(dict)
    receipts: dict[tuple[AccountId, str], Receipt] = attrs.Factory(dict)

    def check_receipt(self, command: Command) -> None:
        """Refuse what was done before under the same key."""
        asked = command.idempotency
        if asked is not None:
            receipt = self.receipts.get((asked.account_id, asked.key))
            if receipt is not None and receipt.counts(now=command.at):
                raise receipt.replays(asked)

    def forget(self, username: AccountId) -> None:
        """End the user's sessions, and let nobody sign in with the password any more."""
        self.credentials.pop(username, None)
        for session in [*self.sessions.values()]:
            if session.account_id == username:
                del self.sessions[session.id]

    def start(self, saga: SagaStart, *, at: datetime) -> None:
        """Record the saga; one that is there goes on as it is."""
        if saga.id not in self.sagas:
            self.keep(REGISTRY.begin(saga, at=at))

    def keep(self, row: SagaRow) -> None:
        """Put the row in the place of what was there."""
        self.sagas[row.id] = row
        if row.due_at is None:
            self.waiting.pop(row.id, None)
        else:
            self.waiting[row.id] = row

    def held(self, row: SagaRow) -> SagaRow:
        """What is kept of the saga, where nobody has come between."""
        kept = self.sagas.get(row.id)
        if kept is None or (kept.seq, kept.fence) != (row.seq, row.fence):
            raise FencedError
        return kept

    def was_written(self, entry: SagaEntry) -> bool:
        """Whether this very entry is the last one; if not, it may be written."""
        if self.sagas.get(entry.before.id) == entry.after:
            return True
        self.held(entry.before)
        return False

    def write(
        self, command: Command, *, subject: Id, rev: int, texts: Iterable[Text], sagas: Iterable[SagaStart]
    ) -> None:
        """What every commit leaves beside its own changes."""
        for text in texts:
            self.texts[text.key] = text.body
        for saga in sagas:
            self.start(saga, at=command.at)
        asked = command.idempotency
        if asked is not None:
            self.receipts[asked.account_id, asked.key] = Receipt(asked, command.id, subject, rev, command.at)


def is_closed(account: Account) -> bool:
    """Whether its owner has left."""
    return isinstance(account, Patient) and account.closed_at is not None


@attrs.frozen
class MemoryReceipts:
    """Receipts in memory."""

    _state: State

    def find(self, idempotency: Idempotency, /, *, now: datetime) -> Receipt | None:
        with self._state.lock:
            receipt = self._state.receipts.get((idempotency.account_id, idempotency.key))
        return receipt if receipt is not None and receipt.counts(now=now) else None


@attrs.frozen
class MemoryTexts:
    """Texts in memory."""

    _state: State

    def read(self, keys: Collection[TextKey], /) -> Mapping[TextKey, str]:
        with self._state.lock:
            return {key: self._state.texts[key] for key in keys if key in self._state.texts}
