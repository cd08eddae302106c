"""Two hundred patients ask for one slot at the same time: one gets it, and none of the others is told "busy"."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from integration.emulator.faulty import Faulty
from telemed_core.domain.patient import Patient
from telemed_core.errors import TelemedError
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.suite import assert_clean
from telemed_core.testing.wiring import a_clinic

RACERS = 200


def test_of_two_hundred_patients_who_ask_for_one_slot_one_gets_it_and_none_is_told_busy(
    stores: Stores, faulty: Faulty
) -> None:
    clinic = a_clinic(stores)
    doctor, patients = clinic.doctor(), [clinic.patient(number) for number in range(1, RACERS + 1)]
    start, together = clinic.noon(2), Barrier(RACERS)
    faulty.forget()

    def ask(patient: Patient) -> str:
        together.wait()
        try:
            clinic.request_appointment(doctor_id=doctor.id, start=start, patient=patient)
        except TelemedError as refused:
            return refused.code
        return "booked"

    with ThreadPoolExecutor(RACERS) as pool:
        told = Counter(pool.map(ask, patients))
    print(f"{RACERS} racers: {dict(told)}, {dict(faulty.sent)}")
    assert told == {"booked": 1, "slot_taken": RACERS - 1}
    assert len(clinic.list_appointments(actor=doctor)) == 1
    assert_clean(stores)
