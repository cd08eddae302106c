"""What follows from changes in a clinic under test: its sagas, run on demand, and its notices, mails and calendars."""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Final

import attrs

from telemed_core.application.calendars import AppointmentCalendar, OpenFeed, ReadFeed, RevokeFeed
from telemed_core.application.notifying import (
    DeliverNotices,
    ListDeliveries,
    ListNotices,
    Notify,
    ReadNotice,
    ReplayNotice,
)
from telemed_core.application.resetting import AskReset, ResetPassword
from telemed_core.domain.sagas import SagaRow
from telemed_core.ports.meetings import MeetingRooms
from telemed_core.ports.notices import Calendars
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.services import Identity
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Clock, Ids
from telemed_core.saga.operating import CompensateSaga, ListSagas, ResolveSaga, RetrySaga, ShowSaga
from telemed_core.saga.participants import participants
from telemed_core.saga.running import Inline, Participant, RunSagas, TakeOver
from telemed_core.saga.sagas import REGISTRY, Registry
from telemed_core.testing.doubles import MemoryIdentity, SettableClock
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.telling import HandingOn, Letterbox, PlainCalendars

PUBLIC_URL: Final = "https://clinic.example"


@attrs.frozen
class Following:
    """The parts that a process of a clinic has, and the use cases that carry on from its changes.

    Attributes:
        owner: the process, as the log of sagas names it.
        gone: which owners do not run any more.
        email: whether there is a mail server.
        rooms: who makes the rooms of visits.
        alarms: the sagas that were quarantined, in order.
    """

    stores: Stores
    clock: Clock
    ids: Ids
    identity: Identity = attrs.field(
        default=attrs.Factory(
            lambda self: MemoryIdentity(self.stores.credentials, self.stores.sessions, self.ids), takes_self=True
        )
    )
    most_pending: int = 3
    registry: Registry = REGISTRY
    owner: str = "here:1:0"
    gone: Callable[[str], bool] = lambda _: False
    email: bool = True
    mailbox: Letterbox = attrs.Factory(Letterbox)
    calendars: Calendars = attrs.Factory(PlainCalendars)
    rooms: MeetingRooms = attrs.Factory(ControlledRooms)
    alarms: list[SagaRow] = attrs.field(factory=list[SagaRow], repr=False)

    def pause(self, wait: timedelta, /) -> None:
        """Let time pass, where time is the test's own."""
        if isinstance(self.clock, SettableClock):
            self.clock.advance(wait)

    @cached_property
    def log(self) -> SagaLog:
        return self.stores.sagas

    @cached_property
    def notify(self) -> Notify:
        return Notify(self.stores.notices, self.email)

    @cached_property
    def publisher(self) -> HandingOn:
        return HandingOn(self.notify)

    @cached_property
    def participants(self) -> dict[str, Participant]:
        return dict(
            participants(
                appointments=self.stores.appointments,
                doctors=self.stores.doctors,
                accounts=self.stores.accounts,
                identity=self.identity,
                feeds=self.stores.feeds,
                log=self.log,
                publisher=self.publisher,
                meetings=self.stores.meetings,
                rooms=self.rooms,
                clock=self.clock,
            )
        )

    @cached_property
    def inline_sagas(self) -> Inline:
        return Inline(self.log, self.registry, self.participants, self.clock, self.pause, self.alarms.append)

    @cached_property
    def run_sagas(self) -> RunSagas:
        return RunSagas(self.log, self.registry, self.participants, self.clock, self.owner, self.alarms.append)

    @cached_property
    def take_over(self) -> TakeOver:
        return TakeOver(self.log, self.owner, self.gone)

    @cached_property
    def list_sagas(self) -> ListSagas:
        return ListSagas(self.log)

    @cached_property
    def show_saga(self) -> ShowSaga:
        return ShowSaga(self.log, self.stores.texts, self.registry)

    @cached_property
    def retry_saga(self) -> RetrySaga:
        return RetrySaga(self.log, self.registry, self.clock)

    @cached_property
    def compensate_saga(self) -> CompensateSaga:
        return CompensateSaga(self.log, self.registry, self.clock)

    @cached_property
    def resolve_saga(self) -> ResolveSaga:
        return ResolveSaga(self.log, self.registry, self.clock)

    @cached_property
    def deliver_notices(self) -> DeliverNotices:
        return DeliverNotices(
            self.stores.notices,
            self.stores.accounts,
            self.identity,
            self.mailbox,
            self.calendars,
            self.clock,
            PUBLIC_URL,
        )

    @cached_property
    def list_notices(self) -> ListNotices:
        return ListNotices(self.stores.notices, self.stores.accounts)

    @cached_property
    def read_notice(self) -> ReadNotice:
        return ReadNotice(self.stores.notices, self.clock)

    @cached_property
    def list_deliveries(self) -> ListDeliveries:
        return ListDeliveries(self.stores.notices)

    @cached_property
    def replay_notice(self) -> ReplayNotice:
        return ReplayNotice(self.stores.notices)

    @cached_property
    def appointment_calendar(self) -> AppointmentCalendar:
        return AppointmentCalendar(
            self.stores.appointments, self.stores.accounts, self.calendars, self.clock, PUBLIC_URL
        )

    @cached_property
    def open_feed(self) -> OpenFeed:
        return OpenFeed(self.stores.feeds, self.ids)

    @cached_property
    def read_feed(self) -> ReadFeed:
        stores = self.stores
        return ReadFeed(stores.feeds, stores.accounts, stores.appointments, self.calendars, self.clock, PUBLIC_URL)

    @cached_property
    def revoke_feed(self) -> RevokeFeed:
        return RevokeFeed(self.stores.feeds)

    @cached_property
    def ask_reset(self) -> AskReset:
        return AskReset(self.stores.accounts, self.stores.notices, self.clock, self.email)

    @cached_property
    def reset_password(self) -> ResetPassword:
        return ResetPassword(self.identity, self.clock)
