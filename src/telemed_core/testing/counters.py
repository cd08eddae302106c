"""What a store counts, found out from outside by commits that it must refuse."""

from itertools import count
from typing import Final

import attrs
import pytest

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, QuotaChange
from telemed_core.domain.ids import AppointmentId, CommandId
from telemed_core.domain.patient import Patient
from telemed_core.errors import StaleRevisionError, TooManyPendingError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_schedule

NOWHERE: Final = AppointmentId("nowhere")


def pending_of(stores: Stores, patient: Patient) -> int:
    """How many unanswered requests of the patient the store counts; nothing is changed.

    Each commit would count one more under a higher limit, and is about an appointment that does not exist: as long as
    the counter refuses it, it is told so, since quotas are checked before revisions.
    """
    asked = Appointment.request(
        NOWHERE,
        patient=patient,
        schedule=a_schedule(),
        start=MONDAY.replace(day=2),
        why=None,
        most_pending=1,
        now=MONDAY,
    ).after
    refused = asked.refuse(by=asked.doctor_id, why=None, now=MONDAY)

    def refused_by_the_counter(limit: int) -> bool:
        commit = attrs.evolve(refused, quotas=(QuotaChange(patient.person_id, 1, 1, limit),))
        with pytest.raises((TooManyPendingError, StaleRevisionError)) as told:
            stores.appointments.apply(commit, command=Command(CommandId("counting"), MONDAY))
        return told.type is TooManyPendingError

    return next(limit for limit in count() if not refused_by_the_counter(limit)) - 1
