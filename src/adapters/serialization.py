"""How the domain's values are written down as JSON and read back as what they were: one converter for all stores.

Instants and lengths of time are whole microseconds, ids and time zones their text, enumerations their values. What
must not be read at rest is left out: a profile is written without its CPF, and is read back with it.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final, get_args

import orjson
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.ids import AppointmentId, Id
from telemed_core.domain.instants import EPOCH, Interval, TimeZone
from telemed_core.domain.notices import Announcement
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, Role
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.schedule import BlockCancellation, Schedule

_MICROSECOND: Final = timedelta(microseconds=1)
_ACCOUNTS: Final[dict[Role, type[Account]]] = {
    Role.DOCTOR: Doctor,
    Role.PATIENT: Patient,
    Role.ADMINISTRATOR: Administrator,
}

_APART: Final[dict[type, str]] = {Doctor: "cpf", Patient: "cpf", Appointment: "history"}
"""What is not written down with the rest."""


def microseconds(instant: datetime) -> int:
    """The instant, in whole microseconds since 1970."""
    return (instant - EPOCH) // _MICROSECOND


def instant_of(count: int) -> datetime:
    """The instant so many microseconds after 1970, in UTC."""
    return EPOCH + timedelta(microseconds=count)


def _is_text(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Id | TimeZone)


def _without(kind: type, converter: Converter) -> Callable[[Any], dict[str, Any]]:
    """Writes one down without what is kept apart."""
    apart: Any = {_APART[kind]: override(omit=True)}
    return make_dict_unstructure_fn(kind, converter, **apart)


def _converter() -> Converter:
    # Without detailed validation, which collects errors: what is read here was written here.
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook(datetime, microseconds)
    converter.register_structure_hook(datetime, lambda count, _: instant_of(count))
    converter.register_unstructure_hook(timedelta, lambda length: length // _MICROSECOND)
    converter.register_structure_hook(timedelta, lambda count, _: timedelta(microseconds=count))
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_structure_hook(date, lambda text, _: date.fromisoformat(text))
    converter.register_structure_hook_func(_is_text, lambda text, kind: kind(text))
    converter.register_structure_hook(Cpf, lambda cpf, _: cpf)
    converter.register_unstructure_hook_factory(lambda kind: kind in _APART, lambda kind: _without(kind, converter))
    return converter


_CONVERTER: Final = _converter()
_EVENTS: Final[dict[str, type[AppointmentEvent]]] = {kind.name: kind for kind in get_args(AppointmentEvent)}


def _dump(value: Any) -> str:
    return orjson.dumps(_CONVERTER.unstructure(value)).decode()


def dump_event(event: AppointmentEvent) -> str:
    """The event, under its name."""
    return orjson.dumps({**_CONVERTER.unstructure(event), "name": event.name}).decode()


def load_event(text: str) -> AppointmentEvent:
    """The event that was written."""
    facts = orjson.loads(text)
    return _CONVERTER.structure(facts, _EVENTS[facts.pop("name")])


def dump_appointment(appointment: Appointment) -> str:
    """The appointment without its history."""
    return _dump(appointment)


def load_appointment(text: str) -> Appointment:
    """The appointment that was written; it has no history."""
    return _CONVERTER.structure(orjson.loads(text), Appointment)


def dump_schedule(schedule: Schedule) -> str:
    """The whole schedule, agenda and blocks."""
    return _dump(schedule)


def load_schedule(text: str) -> Schedule:
    """The schedule that was written."""
    return _CONVERTER.structure(orjson.loads(text), Schedule)


def dump_profile(account: Account) -> str:
    """The account without its CPF."""
    return _dump(account)


def load_profile(text: str, role: Role, *, cpf: Cpf | None = None) -> Account:
    """The account of that role that was written, with this CPF."""
    return _CONVERTER.structure({**orjson.loads(text), "cpf": cpf}, _ACCOUNTS[role])


def name_in_profile(text: str) -> str | None:
    """The name in a profile; ``None``: its role has none."""
    name: str | None = orjson.loads(text).get("name")
    return name


def dump_receipt(receipt: Receipt) -> str:
    """The receipt."""
    return _dump(receipt)


def load_receipt(text: str) -> Receipt:
    """The receipt that was written."""
    return _CONVERTER.structure(orjson.loads(text), Receipt)


def dump_cancellation(cancellation: BlockCancellation) -> str:
    """What a block is still to cancel."""
    return _dump(cancellation)


def load_cancellation(text: str) -> BlockCancellation:
    """The cancellation that was written."""
    return _CONVERTER.structure(orjson.loads(text), BlockCancellation)


def dump_block(interval: Interval, affected: tuple[AppointmentId, ...]) -> str:
    """A block as it was made, and what it affected then."""
    return orjson.dumps([_CONVERTER.unstructure(interval), affected]).decode()


def load_block(text: str) -> tuple[Interval, tuple[AppointmentId, ...]]:
    """The block that was written, and what it affected."""
    return _CONVERTER.structure(orjson.loads(text), tuple[Interval, tuple[AppointmentId, ...]])


def dump_affected(affected: tuple[AppointmentId, ...]) -> str:
    """The appointments that a decision affected."""
    return orjson.dumps(affected).decode()


def load_affected(text: str) -> tuple[AppointmentId, ...]:
    """The appointments that were written."""
    return _CONVERTER.structure(orjson.loads(text), tuple[AppointmentId, ...])


def dump_announcement(announcement: Announcement) -> str:
    """What a notice is about."""
    return _dump(announcement)


def load_announcement(text: str) -> Announcement:
    """What was written of it."""
    return _CONVERTER.structure(orjson.loads(text), Announcement)
