"""What waits for an operator, put straight into an installation's stores: given up deliveries, quarantined sagas."""

from datetime import timedelta
from itertools import count
from typing import Final

import attrs

from entrypoints.container import Container
from integration.http.people import Person
from telemed_core.domain.ids import AccountId
from telemed_core.domain.notices import Channel, DeliveryStatus, Notice
from telemed_core.domain.sagas import SagaEntry
from telemed_core.saga.deciding import quarantined
from telemed_core.testing.builders import a_notice, a_patient, a_reservation

_NUMBERS: Final = count(800_000)


def dead_deliveries(container: Container, reader: Person, number: int) -> list[str]:
    """So many e-mails to the reader that were given up; their ids."""
    notices = [_dead(container, reader) for _ in range(number)]
    assert container.stores().notices.add(notices) == number
    return [notice.id for notice in notices]


def quarantined_sagas(container: Container, number: int) -> list[str]:
    """So many registrations that have come to a stop before their pivot; their ids."""
    return [_stuck(container, next(_NUMBERS)) for _ in range(number)]


def _dead(container: Container, reader: Person) -> Notice:
    about = a_notice(next(_NUMBERS), at=container.clock().now()).about
    made = Notice.of(about, reader=AccountId(reader.id), channel=Channel.EMAIL)
    return attrs.evolve(made, status=DeliveryStatus.DEAD, attempts=16, last_error="undeliverable", due_at=None)


def _stuck(container: Container, number: int) -> str:
    now = container.clock().now()
    reservation = a_reservation(a_patient(number))
    # Due long after it is written that it is quarantined, also by a clock that is ahead: nobody runs it in between.
    saga = attrs.evolve(reservation.saga, due_at=now + timedelta(days=1))
    container.accounts().reserve(attrs.evolve(reservation, saga=saga))
    log = container.stores().sagas
    row, _ = log.get(saga.id)
    log.append(SagaEntry(before=row, progress=quarantined(row.progress, error="planted"), at=now))
    return row.id
