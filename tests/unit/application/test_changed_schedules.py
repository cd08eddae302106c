"""An edit that finds its schedule changed is decided again, three times at most."""

import pytest

from adapters.memory import open_memory
from telemed_core.errors import BusyError, ScheduleChangedError
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.faults import Before, Faulty
from telemed_core.testing.wiring import a_clinic

AGENDA = an_agenda("08:00-10:00")


@pytest.mark.parametrize("times", [1, 2])
def test_an_edit_is_decided_again_on_the_schedule_as_it_is(times: int) -> None:
    clinic = a_clinic(open_memory())
    doctor = clinic.doctor(agenda=None)
    faulty = Faulty(clinic.stores.schedules, plan={"apply": [Before(ScheduleChangedError())] * times})
    schedule, _ = clinic.beside(schedules=faulty.port).replace_agenda(agenda=AGENDA, version=0, doctor=doctor)
    assert clinic.stores.schedules.of(doctor.id) == schedule
    assert faulty.calls == ["of", "apply"] * (times + 1)


def test_after_three_times_it_is_busy_and_nothing_is_changed() -> None:
    clinic = a_clinic(open_memory())
    doctor = clinic.doctor(agenda=None)
    before = clinic.stores.schedules.of(doctor.id)
    faulty = Faulty(clinic.stores.schedules, plan={"apply": [Before(ScheduleChangedError())] * 3})
    with pytest.raises(BusyError):
        clinic.beside(schedules=faulty.port).replace_agenda(agenda=AGENDA, version=0, doctor=doctor)
    assert clinic.stores.schedules.of(doctor.id) == before
