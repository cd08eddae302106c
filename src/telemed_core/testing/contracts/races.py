"""The contract of races: of commits that exclude each other one wins, whoever comes at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import (
    InvalidTransitionError,
    PatientBusyError,
    SlotTakenError,
    StaleRevisionError,
    TelemedError,
    TooManyPendingError,
)
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts.suite import Suite, assert_clean, requested
from telemed_core.testing.wiring import Clinic

ROUNDS = 5


def at_once(commands: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each command answered or raised, all started together."""
    barrier = Barrier(len(commands))

    def run(command: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return command()
        except (TelemedError, ReplayedCommand) as refused:
            return refused

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(run, commands))


class RacesContract(Suite):
    """Threads on one store."""

    def test_of_many_requests_for_one_slot_one_wins(self, clinic: Clinic, doctor: Doctor) -> None:
        patients = [clinic.patient(number) for number in range(1, 9)]
        for day in range(1, ROUNDS + 1):
            answers = at_once([lambda one=one: requested(clinic, doctor, one, days=day) for one in patients])  # type: ignore[misc] # noqa: B023 # run before the loop goes on
            assert sum(not isinstance(answer, Exception) for answer in answers) == 1
            assert {type(answer) for answer in answers if isinstance(answer, Exception)} <= {
                SlotTakenError,
                TooManyPendingError,
            }
            assert_clean(clinic.stores)

    def test_of_one_patients_requests_at_two_doctors_one_wins(self, clinic: Clinic, patient: Patient) -> None:
        doctors = [clinic.doctor(number) for number in range(1, 5)]
        answers = at_once([lambda one=one: requested(clinic, one, patient) for one in doctors])  # type: ignore[misc] # mypy cannot infer a lambda's default
        assert sum(not isinstance(answer, Exception) for answer in answers) == 1
        assert {type(answer) for answer in answers if isinstance(answer, Exception)} == {PatientBusyError}
        assert_clean(clinic.stores)

    def test_the_limit_of_pending_requests_holds_at_once(self, clinic: Clinic, patient: Patient) -> None:
        doctors = [clinic.doctor(number) for number in range(1, 7)]
        answers = at_once(
            [lambda one=one, day=day: requested(clinic, one, patient, days=day) for day, one in enumerate(doctors, 1)]  # type: ignore[misc] # mypy cannot infer a lambda's default
        )
        assert sum(not isinstance(answer, Exception) for answer in answers) == 3
        assert {type(answer) for answer in answers if isinstance(answer, Exception)} == {TooManyPendingError}

    def test_one_of_accept_refuse_cancel_and_move_wins(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        for day in range(1, ROUNDS + 1):
            asked = requested(clinic, doctor, patient, days=day)
            answers = at_once(
                [
                    lambda: clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor),  # noqa: B023 # run before the loop goes on
                    lambda: clinic.refuse_appointment(appointment_id=asked.id, doctor=doctor),  # noqa: B023 # the same
                ]
            )
            assert sum(not isinstance(answer, Exception) for answer in answers) == 1
            assert {type(answer) for answer in answers if isinstance(answer, Exception)} == {InvalidTransitionError}
            assert_clean(clinic.stores)
            left = clinic.stores.appointments.get(asked.id)
            assert left.rev == 2
            if left.status.live:  # pragma: no cover # which of them wins is chance
                clinic.cancel_appointment(appointment_id=left.id, reason="not needed", actor=patient)

    def test_an_accept_names_the_revision_it_saw(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        for day in range(1, ROUNDS + 1):
            asked = requested(clinic, doctor, patient, days=2 * day)
            accepted, moved = at_once(
                [
                    lambda: clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor),  # noqa: B023 # run before the loop goes on
                    lambda: clinic.reschedule_appointment(
                        appointment_id=asked.id,  # noqa: B023 # the same
                        start=clinic.noon(2 * day + 1),  # noqa: B023 # the same
                        actor=patient,
                    ),
                ]
            )
            left = clinic.stores.appointments.get(asked.id)
            if isinstance(accepted, Exception):  # pragma: no cover # which of them wins is chance
                assert isinstance(accepted, StaleRevisionError)
                assert (left.status, left.visit.start) == ("requested", clinic.noon(2 * day + 1))
                clinic.refuse_appointment(appointment_id=left.id, doctor=doctor)
            else:  # pragma: no cover # the same
                assert accepted.visit.start == clinic.noon(2 * day)
                assert not isinstance(moved, Exception)
                assert moved.proposal is not None
                clinic.cancel_appointment(appointment_id=left.id, reason="not needed", actor=patient)
            assert_clean(clinic.stores)

    def test_of_parallel_repeats_under_one_key_one_acts(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        key = Idempotency(patient.id, "key", "print")

        def ask() -> Any:
            return clinic.request_appointment(
                doctor_id=doctor.id, start=clinic.noon(), patient=patient, idempotency=key
            )

        answers = at_once([ask] * 6)
        made = [answer for answer in answers if not isinstance(answer, Exception)]
        assert len(made) == 1
        replayed = [answer for answer in answers if isinstance(answer, ReplayedCommand)]
        assert len(replayed) == 5
        assert {answer.receipt.subject for answer in replayed} == {made[0].id}

    def test_no_booking_slips_past_an_agenda_edit(self, clinic: Clinic, patient: Patient) -> None:
        for number in range(1, ROUNDS + 1):
            doctor = clinic.doctor(number)
            booked, edited = at_once(
                [
                    lambda: requested(clinic, doctor, patient, days=number),  # noqa: B023 # run before the loop goes on
                    lambda: clinic.replace_agenda(agenda=an_agenda("00:00-06:00"), version=2, doctor=doctor),  # noqa: B023 # the same
                ]
            )
            _, affected = edited
            if isinstance(booked, Exception):  # pragma: no cover # which of them wins is chance
                assert list(affected) == []
            else:  # pragma: no cover # the same
                assert list(affected) == [booked.id]
                clinic.refuse_appointment(appointment_id=booked.id, doctor=doctor)
