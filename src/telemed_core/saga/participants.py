"""Who answers what sagas ask; each answer may be given twice, and means the same then."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import attrs

from telemed_core.domain.announcing import announcement_of_decision, announcements_of, reminder
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.events import AppointmentConfirmed, RescheduleAgreed
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, PatientId, SagaId
from telemed_core.domain.notices import Announcement, EventId
from telemed_core.domain.sagas import PublishedMark, SagaEntry, SagaRow, SagaStart
from telemed_core.domain.status import Status
from telemed_core.errors import StaleVersionError
from telemed_core.ports.meetings import MeetingRooms, Meetings
from telemed_core.ports.notices import Feeds, Publisher
from telemed_core.ports.people import Accounts, Doctors
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.services import Identity
from telemed_core.ports.storage import Appointments
from telemed_core.ports.system import Clock
from telemed_core.saga.deciding import Broken, Ok, Outcome, Refused, Resolution, Uncertain
from telemed_core.saga.driving import Asked
from telemed_core.saga.running import Participant

AHEAD: Final = {"24h": timedelta(hours=24), "1h": timedelta(hours=1)}
"""How long before a visit its sides are reminded, by how the ids of those sagas end."""

RUNS: Final = 4
"""How often a mark is read again that another saga of the same subject has moved."""


def participants(
    *,
    appointments: Appointments,
    doctors: Doctors,
    accounts: Accounts,
    identity: Identity,
    feeds: Feeds,
    log: SagaLog,
    publisher: Publisher,
    meetings: Meetings,
    rooms: MeetingRooms,
    clock: Clock,
) -> Mapping[str, Participant]:
    """Who answers each operation of the sagas of this system."""
    registration, closing = _Registration(accounts, identity), _Closing(accounts, feeds)
    publishing = _Publishing(appointments, doctors, log, publisher)
    reminding = _Reminding(appointments, log, publisher, clock)
    ending = _Ending(meetings, rooms)
    return {
        "create_identity": _not_by_itself,
        "remove_identity": registration.remove_identity,
        "release_logins": registration.release_logins,
        "create_profile": _not_by_itself,
        "resolve_profile": registration.resolve_profile,
        "publish_changes": publishing.publish_changes,
        "set_reminders": reminding.set_reminders,
        "publish_reminder": reminding.publish_reminder,
        "end_meeting": ending.end_meeting,
        "revoke_feeds": closing.revoke_feeds,
        "anonymise_profile": closing.anonymise_profile,
    }


def _not_by_itself(_: Asked) -> Outcome:
    """Only the use case has the password and the profile; when it is gone, they are gone."""
    return Refused("not_by_itself")


@attrs.frozen
class _Registration:
    _accounts: Accounts
    _identity: Identity

    def remove_identity(self, asked: Asked) -> Outcome:
        self._identity.remove(AccountId(asked.row.subject))
        return Ok()

    def release_logins(self, asked: Asked) -> Outcome:
        # What has been added was committed by its pivot: that it is undone is a bug, and an operator's.
        added = self._accounts.release(AccountId(asked.row.subject), entry=asked.entry)
        return Broken("added") if added else Ok()

    def resolve_profile(self, asked: Asked) -> Outcome:
        added = self._accounts.release(AccountId(asked.row.subject))
        return Ok(Resolution.COMMITTED if added else Resolution.ABORTED)


@attrs.frozen
class _Ending:
    _meetings: Meetings
    _rooms: MeetingRooms

    def end_meeting(self, asked: Asked) -> Outcome:
        meeting = self._meetings.of(AppointmentId(asked.row.subject))
        if meeting is not None:
            self._rooms.end(meeting)
        return Ok()


@attrs.frozen
class _Closing:
    _accounts: Accounts
    _feeds: Feeds

    def revoke_feeds(self, asked: Asked) -> Outcome:
        self._feeds.revoke(AccountId(asked.row.subject))
        return Ok()

    def anonymise_profile(self, asked: Asked) -> Outcome:
        self._accounts.anonymise(PatientId(asked.row.subject))
        return Ok()


@attrs.frozen
class _Publishing:
    """Publishes all that happened to a subject since its mark, in order: no saga overtakes an earlier one."""

    _appointments: Appointments
    _doctors: Doctors
    _log: SagaLog
    _publisher: Publisher

    def publish_changes(self, asked: Asked) -> Outcome:
        for _ in range(RUNS):
            try:
                self._publish(asked.row, _entry(asked))
            except StaleVersionError:
                continue
            return Ok()
        return Uncertain(StaleVersionError.code)

    def _publish(self, row: SagaRow, entry: SagaEntry) -> None:
        before = self._log.published(row.subject)
        news = self._news(row, after=before)
        if not news:
            self._log.append(entry)
            return
        self._publisher.publish(news)
        self._log.append(entry, mark=PublishedMark(row.subject, before, news[-1].seq))

    def _news(self, row: SagaRow, *, after: int) -> Sequence[Announcement]:
        if row.name != "verification":
            return announcements_of(self._appointments.get(AppointmentId(row.subject)), after=after)
        decided = self._doctors.decisions(DoctorId(row.subject), after=after)
        return [announcement_of_decision(doctor, at=self._decision(row, doctor.rev).started_at) for doctor in decided]

    def _decision(self, row: SagaRow, rev: int) -> SagaRow:
        """The saga of the decision that made that revision; it started when that was made."""
        saga_id = SagaId(f"{row.subject}.{rev}")
        return row if row.id == saga_id else self._log.get(saga_id)[0]


@attrs.frozen
class _Reminding:
    _appointments: Appointments
    _log: SagaLog
    _publisher: Publisher
    _clock: Clock

    def set_reminders(self, asked: Asked) -> Outcome:
        row, now = asked.row, self._clock.now()
        seq = int(row.id.rpartition(".")[2])
        appointment = self._appointments.get(AppointmentId(row.subject))
        start = Appointment.fold((appointment.history or ())[:seq]).visit.start
        reminders = [
            SagaStart(SagaId(f"{row.id}.{name}"), "remind", row.subject, due_at=start - ahead)
            for name, ahead in AHEAD.items()
            if start - ahead > now
        ]
        self._log.append(_entry(asked), starting=reminders)
        return Ok()

    def publish_reminder(self, asked: Asked) -> Outcome:
        row, now = asked.row, self._clock.now()
        fixed, _, name = row.id.rpartition(".")
        seq = int(fixed.rpartition(".")[2])
        appointment = self._appointments.get(AppointmentId(row.subject)).settled(now=now)
        start = appointment.visit.start
        if appointment.status is Status.CONFIRMED and _fixed_by(appointment) == seq and now < start:
            event_id, at = EventId(row.id), start - AHEAD[name]
            self._publisher.publish([reminder(appointment, event_id=event_id, seq=seq, at=at)])
        return Ok()


def _entry(asked: Asked) -> SagaEntry:
    assert asked.entry is not None  # noqa: S101 # the step is a local one
    return asked.entry


def _fixed_by(appointment: Appointment) -> int:
    """The seq of the event by which the visit is when it is."""
    history = appointment.history or ()
    return max(event.seq for event in history if isinstance(event, AppointmentConfirmed | RescheduleAgreed))
