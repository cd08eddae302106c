"""Where the demonstration plays: its people, its clock, its timeline and its checks."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

import attrs
import click

from entrypoints.container import Container
from telemed_core.domain.accounts import Administrator
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.instants import Interval, TimeZone
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf
from telemed_core.errors import TelemedError

ZONE = TimeZone("America/Sao_Paulo")
SYSTEM = "the system"


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
