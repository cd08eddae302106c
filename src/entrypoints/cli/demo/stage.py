"""Where the demonstration plays: its people, its clock, its timeline and its checks."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Final, Protocol

import attrs
import click

from entrypoints.cli.demo.tellings import Telling, Tellings
from entrypoints.container import Container
from telemed_core.application.visiting import Joined
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import Interval, TimeZone
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf
from telemed_core.errors import TelemedError

ZONE = TimeZone("America/Sao_Paulo")
SYSTEM = "the system"
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
MOST_ROUNDS = 10


class UnexpectedError(click.ClickException):
    """A step did not end as it must."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"the demonstration failed: expected {expected}")


class Travelling(Protocol):
    """A clock that goes where it is told."""

    def now(self) -> datetime: ...

    def travel_to(self, instant: datetime, /) -> None: ...


def _unused_numbers(stage: "Stage") -> Iterator[int]:
    """For CPFs and CRMs that no earlier run on the same folder has used."""
    return count(int.from_bytes(stage.container.ids().new().encode()) % 900_000_000 + 1_000_000)


@attrs.define
class Stage:
    """One run: who is who, which appointments there are, and how many outcomes were checked."""

    container: Container
    clock: Travelling
    tellings: Tellings
    checks: int = 0
    administrator: Administrator = attrs.field(init=False)
    ana: Doctor = attrs.field(init=False)
    rui: Doctor = attrs.field(init=False)
    bia: Patient = attrs.field(init=False)
    caio: Patient = attrs.field(init=False)
    duda: Patient = attrs.field(init=False)
    visit: Appointment = attrs.field(init=False)
    unanswered: Appointment = attrs.field(init=False)
    loser: Patient = attrs.field(init=False)
    beside: Appointment = attrs.field(init=False)
    later: Appointment = attrs.field(init=False)
    ways: dict[AccountId, Joined] = attrs.field(init=False, factory=dict)
    _numbers: Iterator[int] = attrs.field(init=False, default=attrs.Factory(_unused_numbers, takes_self=True))

    def number(self) -> int:
        return next(self._numbers)

    def cpf(self) -> Cpf:
        """A CPF of nobody."""
        nine = f"{self.number():09}"
        return Cpf.parse(nine + Cpf.check_digits(nine))

    def open(self, title: str) -> None:
        """Begin a chapter."""
        click.echo(click.style(f"\n{title}", bold=True))

    def tell(self, who: str, what: str, outcome: str) -> None:
        """One line of the timeline: when, who, what, and how it ended."""
        when = f"{self.clock.now().astimezone(ZONE.info):%a %d %b %H:%M}"
        click.echo(f"  {when}  {who:<11} {what:<62} {click.style(outcome, fg='green')}")

    def check(self, holds: bool, expected: str) -> None:  # the one thing that is said
        """Go on if it is so.

        Raises:
            UnexpectedError: it is not.
        """
        if not holds:
            raise UnexpectedError(expected)
        self.checks += 1

    def refused(self, code: str, act: Callable[[], object]) -> str:
        """What is to be refused, with this code, is.

        Raises:
            UnexpectedError: it was done, or refused with another code.
        """
        answer = outcome_of(act)
        self.check(answer == code, f"a refusal with {code}, not {answer}")
        return f"refused: {code}"

    def told(self, *expected: Telling) -> None:
        """Sagas are run, what they announce arrives, e-mails are sent: people are told this, and nothing else.

        Raises:
            UnexpectedError: it is something else, or a saga has come to a stop.
        """
        self.check(any(not self._round() for _ in range(MOST_ROUNDS)), "the sagas to come to an end")
        names = self._names()
        found = self.tellings.new(viewer=self.administrator, people=self._people())
        for one in found:
            how = "is told" if "in app" in one.ways else "gets by e-mail"
            self.tell(names[one.person], f"{how}: {one.title}", one.ways)
        missing, more = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
        self.check(
            not missing and not more,
            f"people to be told {[(names[one.person], *one[1:]) for one in missing]}, "
            f"and not {[(names[one.person], *one[1:]) for one in more]}",
        )

    def _round(self) -> int:
        """How much was done: sagas that were run, announcements that have arrived, and e-mails."""
        ran = self.container.run_sagas()()
        # What they have published may be on its way still.
        arrived = self.container.take_announcements()(wait=1 if ran else 0)
        return ran + arrived + self.container.deliver_notices()()

    def _people(self) -> Mapping[AccountId, Account]:
        return {one.id: one for one in (self.ana, self.rui, self.bia, self.caio, self.duda)}

    def _names(self) -> Mapping[AccountId, str]:
        return {one.id: one.name for one in (self.ana, self.rui, self.bia, self.caio, self.duda)}

    def ask(self, patient: Patient, doctor: Doctor, start: datetime, reason: str | None = None) -> Appointment:
        """The patient's request of that time."""
        asking = self.container.request_appointment()
        return asking(doctor_id=doctor.id, start=start, patient=patient, reason=reason)

    def accept(self, seen: Appointment, doctor: Doctor) -> Appointment:
        """The doctor's yes to what the doctor saw."""
        return self.container.accept_appointment()(appointment_id=seen.id, rev=seen.rev, doctor=doctor)

    def starts(self, doctor: Doctor, viewer: Patient, *, days: int = 5) -> list[datetime]:
        """The starts that the patient can book within some days."""
        within = Interval.lasting(self.clock.now(), timedelta(days=days))
        return self.container.list_slots()(doctor_id=doctor.id, within=within, viewer=viewer)[1].starts()

    def now_of(self, appointment: Appointment, actor: Doctor | Patient) -> Appointment:
        """The appointment as it is read now."""
        return self.container.show_appointment()(appointment_id=appointment.id, actor=actor)


def outcome_of(act: Callable[[], object]) -> str:
    """``done``, or the code of the refusal."""
    try:
        act()
    except TelemedError as error:
        return error.code
    return "done"


def at(instant: datetime) -> str:
    """An instant as people in the demonstration say it."""
    return f"{instant.astimezone(ZONE.info):%a %d %b %H:%M}"
