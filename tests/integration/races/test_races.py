"""Processes that want the same thing at the same time: one gets it, and the rest are told so."""

from collections import Counter

from sqlalchemy import create_engine, text

from integration.races.conftest import Shared

PROCESSES = 8
REQUESTS = 200
CONTESTED = 24


def test_of_8_processes_with_200_requests_each_for_one_slot_one_request_wins(shared: Shared) -> None:
    (doctor,) = shared.doctors(1)
    patients = [one.id for one in shared.patients(PROCESSES * REQUESTS)]
    start = shared.clinic.noon(2).isoformat()
    answers = shared.all_at_once(
        "request_all",
        [
            {"doctors": [doctor.id], "patients": patients[number::PROCESSES], "start": start}
            for number in range(PROCESSES)
        ],
    )
    codes = Counter(code for answer in answers for code in answer["codes"])
    print(dict(codes))
    assert codes == {"done": 1, "slot_taken": PROCESSES * REQUESTS - 1}
    shared.check_clean()
    assert len(shared.clinic.list_appointments(actor=doctor)) == 1
    _the_control_double_books(shared)


def _the_control_double_books(shared: Shared) -> None:
    """Without it the test would prove nothing: these processes do come at the same time."""
    engine = create_engine(shared.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE control (slot integer)"))
    shared.all_at_once("control", [{"slots": 100}] * PROCESSES)
    with engine.begin() as connection:
        doubled = connection.execute(
            text("SELECT count(*) FROM (SELECT slot FROM control GROUP BY slot HAVING count(*) > 1) AS doubled")
        ).scalar_one()
    engine.dispose()
    print(f"check-then-insert double-booked {doubled} slots of 100")
    assert doubled > 0


def test_one_patient_at_two_overlapping_doctors_gets_one(shared: Shared) -> None:
    doctors = shared.doctors(2)
    patients = [one.id for one in shared.patients(20)]
    start = shared.clinic.noon(2).isoformat()
    answers = shared.all_at_once(
        "request_all",
        [
            {"doctors": [doctors[number % 2].id], "patients": patients[:1], "start": start}
            for number in range(PROCESSES)
        ],
    )
    codes = Counter(code for answer in answers for code in answer["codes"])
    assert codes == {"done": 1, "patient_busy": PROCESSES - 1}
    shared.check_clean()


def test_of_accept_refuse_cancel_expire_and_move_one_wins(shared: Shared) -> None:
    (doctor,) = shared.doctors(1)
    patients = shared.patients(CONTESTED // 3)
    asked = [
        shared.clinic.request_appointment(
            doctor_id=doctor.id, start=shared.clinic.noon(2 + number), patient=patients[number // 3]
        )
        for number in range(CONTESTED)
    ]
    actions = ("accept", "refuse", "cancel", "expire", "move")
    for patient, group in zip(patients, [asked[first : first + 3] for first in range(0, CONTESTED, 3)], strict=True):
        answers = shared.all_at_once(
            "compete",
            [
                {
                    "appointments": [one.id for one in group],
                    "action": action,
                    "doctor": doctor.id,
                    "patient": patient.id,
                }
                for action in actions
            ],
        )
        for number, one in enumerate(group):
            codes = {action: answer["codes"][number] for action, answer in zip(actions, answers, strict=True)}
            left = shared.stores.appointments.get(one.id)
            history = left.history or ()
            won = [action for action, code in codes.items() if code == "done"]
            assert len(won) == len(history) - 1
            assert_one_answer([event.name for event in history[1:]])
    shared.check_clean()


def assert_one_answer(names: list[str]) -> None:
    """The request was answered once: as the doctor saw it, or after the patient had moved it."""
    ends = [name for name in names if name in {"refused", "cancelled", "expired"}]
    assert len(ends) <= 1
    assert not ends or names[-1] == ends[0]
    if "confirmed" in names:
        assert names[0] == "confirmed"
        assert ends in ([], ["cancelled"])
    else:
        assert names[:-1] in ([], ["moved"])
        assert names == ["moved"] or ends
