"""Presence belongs to a time: who came early to the old one has not come to the new one."""

from datetime import timedelta

import pytest

from adapters.memory import open_memory
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.contracts.suite import confirmed
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import a_clinic


@pytest.mark.parametrize("early", ["doctor", "patient"])
def test_presence_at_the_old_time_does_not_count_for_the_agreed_one(early: str) -> None:
    clock = SettableClock(MONDAY)
    clinic = a_clinic(open_memory(), clock)
    doctor, patient = clinic.doctor(), clinic.patient()
    visit = confirmed(clinic, doctor, patient)
    clock.set(visit.visit.start - timedelta(minutes=9))
    here = clinic.join_visit(appointment_id=visit.id, actor=doctor if early == "doctor" else patient).appointment
    assert clock.now() in {here.doctor_joined_at, here.patient_joined_at}
    start = visit.visit.start + timedelta(days=1)
    offered = clinic.reschedule_appointment(appointment_id=visit.id, start=start, actor=doctor)
    assert offered.proposal is not None
    left = clinic.agree_to_reschedule(appointment_id=visit.id, proposal_id=offered.proposal.id, actor=patient)
    assert (left.visit.start, left.doctor_joined_at, left.patient_joined_at) == (start, None, None)
