"""A whole visit's notices, over SNS and SQS into SQL: once and in order, whatever is lost, repeated or late."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import attrs
import pytest

from adapters.aws.calling import open_call
from adapters.memory import open_memory
from adapters.messaging import Topics
from adapters.publishing import open_in_process
from adapters.sql import open_sql
from integration.emulator.faulty import Fault, Faulty
from integration.emulator.messaging import Travel, travelling
from integration.emulator.ministack import REGION
from telemed_core.application.notifying import Notify
from telemed_core.domain.ids import AccountId
from telemed_core.domain.notices import Announcement, Kind
from telemed_core.domain.sagas import SagaRow
from telemed_core.errors import UnavailableError
from telemed_core.messages.published import published
from telemed_core.ports.notices import Notices, Publisher
from telemed_core.ports.services import Sealing
from telemed_core.saga.participants import participants
from telemed_core.saga.running import RunSagas
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.doubles import MemoryIdentity, SettableClock
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.wiring import Clinic, a_clinic

_NUMBERS = count(1)
HOUR = timedelta(hours=1)
EVERYTHING: list[Kind] = [
    *(Kind.REQUESTED, Kind.MOVED, Kind.CONFIRMED, Kind.PROPOSED, Kind.DECLINED, Kind.PROPOSED, Kind.AGREED),
    *(Kind.REMINDER, Kind.REMINDER, Kind.NO_SHOW),
]
"""What happens in the visit below, in order."""


@attrs.define
class Story:
    """One visit from its request to its end, of which ``publisher`` tells and ``hand_on`` lets it arrive."""

    clinic: Clinic
    clock: SettableClock
    publisher: Publisher
    hand_on: Callable[[], bool] = lambda: False
    """Answers whether more is on the way."""
    sagas: list[SagaRow] = attrs.field(factory=list)

    def run(self) -> None:
        clinic, doctor, patient = self.clinic, self.clinic.doctor(), self.clinic.patient()
        for number in (1, 2):
            self._pass()
            asked = clinic.request_appointment(
                doctor_id=doctor.id, start=clinic.noon(2 + number), patient=patient, reason="not told"
            )
            clinic.reschedule_appointment(appointment_id=asked.id, start=clinic.noon(4 + number), actor=patient)
            self._pass()
            clinic.accept_appointment(appointment_id=asked.id, rev=2, doctor=doctor)
            for by, other, answer in (
                (doctor, patient, clinic.decline_reschedule),
                (patient, doctor, clinic.agree_to_reschedule),
            ):
                moved = clinic.reschedule_appointment(appointment_id=asked.id, start=clinic.noon(6 + number), actor=by)
                assert moved.proposal is not None
                answer(appointment_id=asked.id, proposal_id=moved.proposal.id, actor=other)
        for _ in range(9 * 24):
            self.clock.advance(HOUR)
            clinic.sweep()
            self._pass()

    def _pass(self) -> None:
        """Ten minutes, in which sagas run, and what they told arrives."""
        stores = self.clinic.stores
        answering = participants(
            appointments=stores.appointments,
            doctors=stores.doctors,
            accounts=stores.accounts,
            identity=MemoryIdentity(stores.credentials, stores.sessions, self.clinic.ids),
            feeds=stores.feeds,
            log=stores.sagas,
            publisher=self.publisher,
            meetings=stores.meetings,
            rooms=ControlledRooms(),
            clock=self.clock,
        )
        run = RunSagas(stores.sagas, REGISTRY, answering, self.clock, "here:1:0", self.sagas.append)
        until, busy = self.clock.now() + timedelta(minutes=10), True
        while busy:
            ran = [*iter(run, 0)]
            busy = self.hand_on() or bool(ran)
            # What has failed is tried again.
            self.clock.advance(timedelta(seconds=20))
        assert self.clock.now() < until
        self.clock.set(until)


def told_by(publisher: Publisher, hand_on: Callable[[], bool] = lambda: False) -> Story:
    clock = SettableClock(MONDAY)
    story = Story(a_clinic(open_memory(), clock), clock, publisher, hand_on)
    story.run()
    assert story.sagas == []
    return story


def told_of(notices: Notices) -> list[tuple[Any, ...]]:
    """All of the log, newest first, but for when each is tried."""
    return [
        (one.at, one.seq, one.id, one.event, one.reader, one.channel, one.kind, one.about, one.status)
        for one in notices.log(limit=500)
    ]


@pytest.fixture
def travel(endpoint_url: str) -> Travel:
    def opened(service: str) -> Faulty:
        return Faulty(open_call(service, region=REGION, endpoint_url=endpoint_url, connections=2), service)

    return travelling(opened("sns"), opened("sqs"), Topics.named(f"v{next(_NUMBERS)}-"))


@attrs.define
class Rough:
    """Hands on what has come, while calls go wrong one way after the other, and what came before comes again."""

    travel: Travel
    notify: Notify
    again: int = 0
    _publishing: list[Fault] = attrs.field(
        factory=lambda: [
            Fault.LOST_AFTER,
            Fault.EXPIRED_CREDENTIALS,
            Fault.THROTTLED,
            Fault.DELIVERED_TWICE,
            Fault.LOST_BEFORE,
        ]
    )
    _deleting: list[Fault] = attrs.field(
        factory=lambda: [Fault.LOST_AFTER, Fault.EXPIRED_CREDENTIALS, Fault.THROTTLED, Fault.DELIVERED_TWICE]
    )
    _rounds: int = 0
    _failures: int = 0
    _published: int = 0
    _left: int = 0

    def __call__(self, announcements: Sequence[Announcement], /) -> None:
        self._failures += 1
        if self._failures % 4 == 1:
            raise UnavailableError
        self.notify(announcements)
        self.travel.came.extend(announcements)

    def hand_on(self) -> bool:
        travel = self.travel
        published_now = travel.sns.sent.total()
        if (self._published, self._left) == (published_now, 0):
            return False
        self._published = published_now
        self._rounds += 1
        for late in travel.came[-2:] if self._rounds % 3 == 0 and self.again < 40 else ():
            # More than five minutes later the topic knows nothing of it any more.
            self.again += 1
            travel.put(published(late).decode(), group=late.subject, known=f"again-{self.again}")
        for _ in range(3):
            travel.sqs.plan("DeleteMessageBatch", self._deleting[travel.sqs.happened.total() % len(self._deleting)])
            with suppress(UnavailableError):
                travel.drain(self)
        travel.sns.plan("PublishBatch", self._publishing[travel.sns.happened.total() % len(self._publishing)])
        self._left = travel.count()
        return self._left > 0


@pytest.fixture
def expected() -> list[tuple[Any, ...]]:
    """What is in the log where nothing can go wrong."""
    direct = open_memory().notices
    told_by(open_in_process(Notify(direct, True)))
    return told_of(direct)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_whole_visits_notices_arrive_once_and_in_order_through_everything(
    travel: Travel, request: pytest.FixtureRequest, sealing: Sealing, database: str, expected: list[tuple[Any, ...]]
) -> None:
    stores = open_sql(request.getfixturevalue(f"fresh_{database}_url"), sealing=sealing)
    try:
        travel.hurried = True
        hurry = {"QueueUrl": travel.at.queue_url, "Attributes": {"VisibilityTimeout": "0"}}
        travel.sqs("SetQueueAttributes", hurry)
        rough = Rough(travel, Notify(stores.notices, True))
        told_by(travel.publisher, rough.hand_on)
        happened = travel.sns.happened + travel.sqs.happened
        print(
            f"{database}: {len(expected)} notices, {len(travel.came)} handed on, {rough.again} late, {dict(happened)}"
        )
        assert told_of(stores.notices) == expected
        assert travel.count() == 0
        assert len(happened) == 5
        assert len(travel.came) > len({one.id for one in travel.came}), "some came more than once"
        for subject in {one.subject for one in travel.came if one.kind is Kind.REQUESTED}:
            came = {one.id: one for one in travel.came if one.subject == subject}
            assert [one.kind for one in came.values()] == EVERYTHING
        inbox = stores.notices.inbox(AccountId(travel.came[-1].patient_id or ""), limit=100)
        assert len({one.id for one in inbox}) == len(inbox) > 0
    finally:
        stores.close()
